import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { idOf } from '../kit/gateway/gateway-box.ts';
import { chromiumProgram, hold, signIn, visit } from './kit/browser.ts';
import { card, consoleSite, everyView, grantIn, viewsOf } from './kit/console-site.ts';
import { mosquittoProgram } from './kit/mosquitto.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const sizes = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };

/** All four, in an order in which little changes from one to the next. */
const turns = [
  ['phone', 'light'],
  ['phone', 'dark'],
  ['desk', 'dark'],
  ['desk', 'light'],
] as const;

/** What axe would see anew: elements with their classes, roles and states, and whether they hold text of their own. */
const outline = `[...document.querySelectorAll('#app *')].map((one) => [one.localName, one.className, ...one.getAttributeNames().filter((name) => /^(role|aria-|tabindex|type|disabled|open|href)/.test(name)), [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')].join()).filter((line, at, all) => line !== all[at - 1]).join('|')`;

/** Runs axe in light and dark, on a phone and on a desk, unless it looked at the same before. */
class Looks {
  readonly faults: string[] = [];
  /** How many different pictures there were. */
  get count(): number {
    return this.#seen.size;
  }
  readonly #page: Page;
  readonly #seen = new Set<string>();

  constructor(page: Page) {
    this.#page = page;
  }

  /** `isBrief`: each size and each scheme once, but not each with each. */
  async at(what: string, isBrief = false): Promise<void> {
    const before = await this.#page.evaluate<string>(outline);
    if (this.#seen.has(before)) return;
    this.#seen.add(before);
    for (const [size, colorScheme] of isBrief ? [turns[0], turns[2]] : turns) {
      await this.#page.setViewportSize(sizes[size]);
      await this.#page.emulateMedia({ colorScheme });
      // The scheme changes colours and nothing else.
      const rules =
        colorScheme === 'light'
          ? '{}'
          : "{ runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } }";
      const violations = await this.#page.evaluate<string[]>(
        `axe.run({ resultTypes: ['violations'], ...${rules} }).then(({ violations }) => violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.target.join(' ')).join(', ')))`,
      );
      this.faults.push(...violations.map((one) => `${what} (${size}, ${colorScheme}): ${one}`));
    }
  }
}

describe.skipIf(chromiumProgram === undefined || mosquittoProgram === undefined)('the console before axe', () => {
  const site = consoleSite();

  it('has no fault on any view in any state, light and dark, on a phone and on a desk', async () => {
    const { api } = site().gateway;
    const { page, context } = await visit(site().browser, site().url());
    // As an add-on does: the page's own policy lets no foreign script in.
    await page.evaluate(axe);
    const looks = new Looks(page);
    const walk = async (state: string, views: readonly string[], until: (view: string) => Promise<unknown>) => {
      for (const view of views) {
        // The page is not loaded anew.
        await page.evaluate(`location.hash = ${JSON.stringify(`#/${view}`)}`);
        await until(view);
        await looks.at(`${view}, ${state}`, state !== 'all open' && state !== 'empty');
      }
    };
    const drawn = async () => {
      await page.locator('main h1, main .failure, main .empty').first().waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
    };
    const leave = async () => {
      await page.locator('.account > button').click();
      await looks.at('the menu');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('API key').waitFor();
    };
    const every = [...everyView, ...viewsOf({ door: idOf('front'), attempt: 'none', grant: 'none' })];

    await page.getByLabel('API key').waitFor();
    await looks.at('sign-in');
    await signIn(page, 'seam_gw1_wrong');
    await page.getByText('This key is not known here').waitFor();
    await looks.at('sign-in, refused');

    let answers: 'late' | 'never' | 'empty' = 'late';
    const late: (() => void)[] = [];
    await page.route(/\/(list|get|history)$/, async (route) => {
      if (answers === 'late') await new Promise<void>((resolve) => late.push(resolve));
      if (answers !== 'empty') await route.abort();
      else if (route.request().url().endsWith('/devices/list')) await route.fulfill({ json: { devices: [] } });
      else await route.continue();
    });
    await signIn(page, site().key);
    await page.locator('.loading').first().waitFor();
    await walk('on its way', every, async () => {});
    answers = 'never';
    for (const go of late) go();
    await walk('failed', every, () => page.locator('.failure, .banner').first().waitFor());
    answers = 'empty';
    await page.getByText('Live', { exact: true }).waitFor();
    await walk('empty', every, drawn);
    await page.unrouteAll();
    await leave();

    const key = await site().keyFor('guard', ['read']);
    await signIn(page, key);
    await page.getByText('Live', { exact: true }).waitFor();
    await walk('read only', every, drawn);
    await leave();

    await api.post('/access_codes/create', { device_id: idOf('front'), name: 'Ana' });
    const { text: made } = await api.post('/access_grants/create', {
      user_identity: { full_name: 'Jo' },
      device_ids: [idOf('front'), idOf('back')],
      requested_access_methods: [{ mode: 'code' }],
    });
    await api.post('/spaces/create', { name: 'Flat 2', device_ids: [idOf('front')] });
    await api.post('/webhooks/create', { url: 'https://example.com/hook' });
    await api.post('/noise_sensors/noise_thresholds/create', {
      device_id: idOf('hall'),
      noise_threshold_decibels: 50,
      starts_daily_at: '22:00:00',
      ends_daily_at: '06:00:00',
      name: 'Quiet',
    });
    await signIn(page, site().key);
    await page.evaluate("location.hash = '#/doors'");
    await card(page, 'back').waitFor();
    await hold(page, 'Unlock');
    await page.locator('.life:not(.busy)').waitFor();
    await page.getByRole('link', { name: 'What happened' }).click();
    await page.getByText('Asked by').waitFor();
    const attempt = page.url().split('/').at(-1) ?? '';
    await api.post('/devices/take_out_of_service', { device_id: idOf('back'), reason: 'The cylinder is changed' });
    const filled = [...everyView, ...viewsOf({ door: idOf('front'), attempt, grant: grantIn(made) })];
    await walk('all open', filled, async (view) => {
      await drawn();
      if (view === 'noise') await page.getByRole('slider').first().waitFor();
      await page.evaluate(
        `for (const one of document.querySelectorAll('details')) one.open = true;
         for (const one of document.querySelectorAll('main [aria-expanded=false]')) one.click();
         for (const one of document.querySelectorAll('.weekly > button')) one.click()`,
      );
      if (view === 'box/keys') {
        await page.getByLabel('Name').fill('Porter');
        await page.getByRole('button', { name: 'New API key' }).click();
        await page.locator('.once output').waitFor();
        await page.locator('.key').getByRole('button', { name: 'Revoke' }).first().press('Enter');
      }
      if (view === 'box/configuration') {
        const reload = page.getByRole('button', { name: 'Take over the file' });
        await reload.press('Enter');
        await page.getByRole('button', { name: 'Press again' }).press('Enter');
        await page.getByText('The file says nothing new').waitFor();
      }
      if (view.startsWith('grant/')) {
        await page.getByRole('button', { name: 'Show PIN' }).click();
        await page.locator('output').waitFor();
      }
    });
    await page.evaluate("location.hash = '#/codes'");
    await drawn();
    await page.route(/\/list$/, (route) => route.abort());
    await api.post('/access_codes/create', { device_id: idOf('front'), name: 'Zoe' });
    await page.locator('.stale').waitFor();
    await looks.at('codes, out of date');
    await page.unrouteAll();
    await site().gateway.close();
    await page.getByText(/No connection since/).waitFor();
    // Without an answer every view was seen above; here something stands there that may be out of date.
    await walk('no connection', ['doors', 'codes', 'noise', 'box'], async () => {});
    await context.close();
    expect(looks.faults).toEqual([]);
    // Nothing was passed over because a view looked like one before it.
    expect(looks.count).toBeGreaterThan(3 * every.length);
  });
});
