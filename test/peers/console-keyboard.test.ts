import { readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock/system-clock.ts';
import type { Clock } from '../../src/contract/index.ts';
import { idOf } from '../kit/gateway/gateway-box.ts';
import { chromiumProgram } from './kit/browser.ts';
import { consoleSite } from './kit/console-site.ts';
import { mosquittoProgram } from './kit/mosquitto.ts';

/** Where the focus is: what it is called, whether it can be seen, and in what it stands. */
const focus = `(() => {
  const one = document.activeElement;
  if (one === null || one === document.body) return { name: 'nowhere', isSeen: false, row: '' };
  const drawn = one.matches('.days input') ? one.nextElementSibling : one;
  const style = getComputedStyle(drawn);
  const box = drawn.getBoundingClientRect();
  return {
    name: (one.getAttribute('aria-label') ?? (one.type === 'checkbox' ? one.labels?.[0] : one.labels?.[0]?.firstChild)?.textContent ?? one.textContent).trim(),
    isSeen: one.id === 'main' || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.bottom > 0 && box.top < innerHeight),
    row: one.closest('li')?.textContent ?? '',
    tag: one.localName,
  };
})()`;

interface Focus {
  readonly name: string;
  readonly isSeen: boolean;
  readonly row: string;
  readonly tag: string;
}

/** Nothing but keys; the mouse stays where it is. */
class Keyboard {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  where(): Promise<Focus> {
    return this.#page.evaluate<Focus>(focus);
  }

  /** Goes on by Tab until it is there; whatever has the focus on the way shows it. */
  async to(name: RegExp, key = 'Tab'): Promise<this> {
    for (let presses = 0; presses < 90; presses += 1) {
      const at = await this.where();
      // After the last comes what is the browser's.
      if (presses > 0 && !at.isSeen && at.name !== 'nowhere')
        throw new Error(`the focus on “${at.name}” (${at.tag}) cannot be seen`);
      if (name.test(at.name)) return this;
      await this.#page.keyboard.press(key);
    }
    throw new Error(`the keyboard does not reach ${name}`);
  }

  async press(...keys: string[]): Promise<this> {
    for (const key of keys) await this.#page.keyboard.press(key);
    return this;
  }

  async type(text: string): Promise<this> {
    await this.#page.keyboard.type(text);
    return this;
  }

  /** Where the focus went after something was done: it takes the moment in which that is drawn. */
  async lands(name: RegExp): Promise<void> {
    await expect.poll(() => this.where()).toMatchObject({ name: expect.stringMatching(name), isSeen: true });
  }
}

describe.skipIf(chromiumProgram === undefined || mosquittoProgram === undefined)(
  'the console by keyboard alone',
  () => {
    const site = consoleSite();
    const at = async (view: string) => {
      const { page, context } = await site().look();
      await page.evaluate(`location.hash = '#/${view}'`);
      await page.locator('main h1').waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
      return { page, context, keys: new Keyboard(page) };
    };
    const read = async (path: string, body: object = {}) =>
      JSON.parse((await site().gateway.api.post(path, body)).text);

    it('makes an API key, shows it once, and revokes it', async () => {
      const { page, context, keys } = await at('box/keys');
      await (await keys.to(/^New API key$/)).press('Enter');
      await (await keys.to(/^Name$/)).type('Porter');
      await (await keys.to(/^New API key$/)).press('Enter');
      await page.locator('.once output').waitFor();
      // It stays on the button, and what was made is the next that is reached.
      await keys.lands(/^New API key$/);
      await (await keys.to(/^Copy$/)).press('Enter');
      await keys.lands(/^Copied$/);
      await keys.to(/^Revoke$/);
      while (!(await keys.where()).row.includes('Porter')) await (await keys.press('Tab')).to(/^Revoke$/);
      await keys.press('Enter');
      await keys.lands(/^Press again to revoke$/);
      await keys.press('Enter');
      await page.locator('.key').filter({ hasText: 'Porter' }).waitFor({ state: 'detached' });
      // The row is gone: another one has the focus.
      const another = { row: expect.stringMatching(/everything|test/), isSeen: true };
      await expect.poll(() => keys.where()).toMatchObject(another);
      await context.close();
    });

    it('makes, changes and removes people and spaces', async () => {
      const { page, context, keys } = await at('codes/people');
      await (await keys.to(/^New person$/)).press('Enter');
      for (const name of ['Ana', 'Jo']) {
        await (await keys.to(/^Name$/, name === 'Ana' ? 'Tab' : 'Shift+Tab')).type(name);
        await (await keys.to(/^Save$/)).press('Enter');
        await page.locator('.row').filter({ hasText: name }).waitFor();
        await keys.lands(/^Save$/);
      }
      await (await keys.to(/^Change$/)).press('Enter');
      await (await keys.to(/^Name$/)).press('Control+a');
      await keys.type('Maria');
      await (await keys.to(/^Save$/)).press('Enter');
      // The form is closed: back to its button. The row is read again after that.
      await keys.lands(/^Change$/);
      await expect.poll(async () => (await keys.where()).row).toContain('Maria');
      // Escape closes as well.
      await keys.press('Enter');
      await (await keys.to(/^Mail$/)).press('Escape');
      await keys.lands(/^Change$/);
      await expect.poll(() => page.locator('.row form').count()).toBe(0);
      for (let left = 2; left > 0; left -= 1) {
        await (await keys.to(/^Remove$/)).press('Enter', 'Enter');
        await expect.poll(() => page.locator('.rows > .row').count()).toBe(left - 1);
        await keys.lands(left > 1 ? /Ana|Jo|Maria/ : /^Access$/);
      }

      await page.evaluate("location.hash = '#/codes/spaces'");
      await page.getByText('No spaces').waitFor();
      await (await keys.to(/^New space$/)).press('Enter');
      await (await keys.to(/^Name$/)).type('Flat 2');
      await (await keys.to(/^back$/)).press('Space');
      await (await keys.to(/^Save$/)).press('Enter');
      await page.locator('.row').filter({ hasText: 'Flat 2' }).getByText('back').waitFor();
      await (await keys.to(/^Change$/)).press('Enter');
      await (await keys.to(/Front/)).press('Space');
      await (await keys.to(/^Save$/)).press('Enter');
      await keys.lands(/^Change$/);
      await expect.poll(async () => (await read('/spaces/list')).spaces[0].device_count).toBe(2);
      await (await keys.to(/^Remove$/)).press('Enter', 'Enter');
      await page.getByText('No spaces').waitFor();
      await keys.lands(/^Access$/);
      await context.close();
    });

    it('makes a webhook, shows its queue, and removes it', async () => {
      const { page, context, keys } = await at('box/webhooks');
      await (await keys.to(/^New webhook$/)).press('Enter');
      // Nobody listens there.
      await (await keys.to(/^Address$/)).type('http://127.0.0.1:9/hook');
      await (await keys.to(/^New webhook$/)).press('Enter');
      await page.locator('.once output').waitFor();
      await keys.lands(/^New webhook$/);
      const row = page.locator('.row').filter({ hasText: '127.0.0.1:9' });
      await row.waitFor();
      await site().gateway.api.post('/locks/unlock_door', { device_id: idOf('back') });
      await row.getByText(/^\d+ events? waits?/).waitFor();
      await row.getByText(/^not taken/).waitFor();
      await (await keys.to(/^Remove$/)).press('Enter', 'Enter');
      await page.getByText('Nobody is sent events.').waitFor();
      await keys.lands(/^Box$/);
      await context.close();
    });

    it('takes a door out of service, which shows no command more, and puts it back', async () => {
      const { page, context, keys } = await at(`door/${idOf('back')}`);
      await (await keys.to(/^Take out of service$/)).press('Enter');
      await (await keys.to(/^Why/)).type('The cylinder is changed');
      await (await keys.to(/^Take out of service$/)).press('Enter');
      await page.getByText('by everything: The cylinder is changed').waitFor();
      await keys.lands(/^Put back into service$/);
      await expect.poll(() => page.getByRole('button', { name: 'Unlock' }).isDisabled()).toBe(true);
      const refused = await read('/locks/unlock_door', { device_id: idOf('back'), sync: true });
      expect(refused.action_attempt.error.type).toBe('out_of_service');
      await page.evaluate("location.hash = '#/box'");
      await (await keys.to(/^Put back into service$/)).press('Enter');
      await page.getByText('All devices are in service.').waitFor();
      await keys.lands(/^Out of service$/);
      await context.close();
    });

    it('confirms the clock that is in doubt', async () => {
      let jump = 0;
      const clock: Clock = { ...systemClock, wallTime: () => systemClock.wallTime() + jump };
      await site().gateway.close();
      site().gateway = await site().box.start({ clock });
      const { page, context, keys } = await at('box/events');
      jump = 600_000;
      expect((await read('/clock/get')).clock.is_confirmed).toBe(false);
      await page.evaluate("location.hash = '#/box'");
      await page.getByText('The clock jumped by 10 minutes').waitFor();
      await (await keys.to(/^The clock is right$/)).press('Enter');
      await page.getByText(/ · confirmed$/).waitFor();
      await keys.lands(/Takes commands/);
      expect((await read('/clock/get')).clock.is_confirmed).toBe(true);
      await context.close();
    });

    it('moves a threshold on the chart, and makes and removes one', async () => {
      const { page, context, keys } = await at('noise');
      await (await keys.to(/^New threshold$/)).press('Enter');
      await (await keys.to(/^Name$/)).type('Night');
      await (await keys.to(/^New threshold$/)).press('Enter');
      await keys.lands(/^New threshold$/);
      await (await keys.to(/^Night: level$/, 'Shift+Tab')).press('ArrowUp', 'ArrowUp', 'Enter');
      await page.getByText('62 dB Night').waitFor();
      await keys.lands(/^Night: level$/);
      await (await keys.to(/^Night: ends$/)).press('ArrowRight', 'ArrowRight', 'Enter');
      await page.getByText('– 06:30').waitFor();
      const { noise_thresholds: kept } = await read('/noise_sensors/noise_thresholds/list', {
        device_id: idOf('hall'),
      });
      expect(kept).toMatchObject([
        { noise_threshold_decibels: 62, starts_daily_at: /^22:00/, ends_daily_at: /^06:30/ },
      ]);
      await (await keys.to(/^Remove$/)).press('Enter', 'Enter');
      await page.getByText('No thresholds.').waitFor();
      await keys.lands(/^Now$|^Thresholds$/);
      await context.close();
    });

    it('takes over the configuration as the file has it now', async () => {
      const { page, context, keys } = await at('box/configuration');
      const file = site().box.configFile;
      writeFileSync(file, readFileSync(file, 'utf8').replace('"hold_ms": 0', '"hold_ms": 500'));
      await (await keys.to(/^Take over the file/)).press('Enter');
      await keys.lands(/^Press again to take it over$/);
      await keys.press('Enter');
      await page.getByText('Needs a restart: http').waitFor();
      await keys.lands(/^Take over the file/);
      await context.close();
    });

    it('lets somebody in on certain hours, which the API has and the page says in words', async () => {
      const { page, context, keys } = await at('codes');
      await (await keys.to(/^Let somebody in$/)).press('Enter');
      await (await keys.to(/^Name$/)).type('Ana');
      await (await keys.to(/^back$/)).press('Space');
      await (await keys.to(/^Only at certain hours$/)).press('Enter');
      await keys.lands(/^Monday$/);
      for (const day of ['Tuesday', 'Wednesday', 'Friday'])
        await (await keys.to(new RegExp(`^${day}$`))).press('Space');
      // With twelve hours on the clock or with twenty-four.
      await (await keys.to(/^From$/)).type('0815a');
      await (await keys.to(/^To$/)).type('1130a');
      await (await keys.to(/^Further hours$/)).press('Enter');
      await keys.lands(/^Monday$/);
      await (await keys.to(/^Saturday$/)).press('Space');
      await (await keys.to(/^From$/)).type('0900a');
      await (await keys.to(/^To$/)).type('0200a');
      await (await keys.to(/^Let in$/)).press('Enter');
      await keys.lands(/^Let in$/);
      const inWords = 'Mon, Thu 08:15–11:30, Sat 09:00–02:00 (next day)';
      await page.locator('.row.grant').filter({ hasText: 'Ana' }).getByText(inWords).waitFor();
      const { access_grants } = await read('/access_grants/list');
      expect(access_grants[0].strikeplate_schedule.windows).toEqual([
        { weekdays: ['monday', 'thursday'], starts_at: '08:15', ends_at: '11:30' },
        { weekdays: ['saturday'], starts_at: '09:00', ends_at: '02:00' },
      ]);
      await page.evaluate(`location.hash = '#/grant/${access_grants[0].access_grant_id}'`);
      await page.locator('dd').getByText(inWords).waitFor();
      await context.close();
    });
  },
);
