import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { idOf } from '../kit/gateway/gateway-box.ts';
import { chromiumProgram } from './kit/browser.ts';
import { card, consoleSite, everyView, grantIn, viewsOf } from './kit/console-site.ts';
import { mosquittoProgram } from './kit/mosquitto.ts';

/** As browsers do that cannot move an element without taking it out of the page. */
const withoutMoveBefore = 'delete Element.prototype.moveBefore';

/**
 * The page's own line to the gateway, in the hands of the test: `cut` drops the live connection, `refused` says which
 * requests do not get through.
 */
const line = `(() => {
  const [real, later] = [fetch, setTimeout];
  // The page tries again at once.
  window.setTimeout = (then, ms, ...rest) => later(then, [300, 700, 1500, 2000].includes(ms) ? 0 : ms, ...rest);
  let hangUp = new AbortController();
  window.refused = () => false;
  window.cut = () => { hangUp.abort(); hangUp = new AbortController(); };
  window.fetch = (path, options) => {
    if (window.refused(String(path), String(options?.body))) return Promise.reject(new TypeError('cut'));
    const { signal } = options ?? {};
    return real(path, String(path).endsWith('/live') ? { ...options, signal: AbortSignal.any([signal, hangUp.signal]) } : options);
  };
})()`;

/** What a page that comes back asks for goes through; what its views show does not. */
const refuseLists = `window.refused = (path, body) => !/\\/(live|session)$|\\/devices\\/list$/.test(path) && !body.includes('doors_only')`;

const headingOver = (page: Page, name: string) =>
  page.evaluate<string>(
    `(() => {
      let one = [...document.querySelectorAll('.row.code')].find((row) => row.textContent.includes(${JSON.stringify(name)}));
      while (one && !one.matches('.group')) one = one.previousElementSibling;
      return one?.textContent ?? '';
    })()`,
  );

describe.skipIf(chromiumProgram === undefined || mosquittoProgram === undefined)('rows of the console', () => {
  const site = consoleSite();

  it('stay what they are while they move from one group to another: open form, what is typed, focus and caret', async () => {
    const { api } = site().gateway;
    const create = async (door: string, name: string) => {
      const { text } = await api.post('/access_codes/create', { device_id: idOf(door), name, sync: true });
      return /"access_code_id":"([^"]+)"/.exec(text)?.[1];
    };
    const codes = { Ana: await create('front', 'Ana'), Zoe: await create('back', 'Zoe') };
    const { page, context } = await site().look();
    await page.evaluate("location.hash = '#/codes'");
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    for (const [name, access_code_id] of Object.entries(codes)) {
      if (name === 'Zoe') await page.evaluate(withoutMoveBefore);
      const row = page.locator('.row.code').filter({ hasText: name });
      await row.getByRole('button', { name: 'Change' }).click();
      const field = row.getByLabel('For whom');
      await field.press('End');
      await page.keyboard.type(' Fe');
      expect(await headingOver(page, name)).toBe('Now');
      const times = { starts_at: inDays(2), ends_at: inDays(3) };
      expect((await api.post('/access_codes/update', { access_code_id, ...times })).status).toBe(200);
      // It is taken off the lock, and is to come.
      await expect.poll(() => headingOver(page, name)).not.toBe('Now');
      await page.keyboard.type('rreira');
      expect(await field.inputValue()).toBe(`${name} Ferreira`);
    }
    await context.close();
  });

  it('keep the first press of a button that wants two while they move, and take a double click or a held key for one', async () => {
    const { api } = site().gateway;
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const create = async (door: string, name: string) => {
      const times = { starts_at: inDays(2), ends_at: inDays(3) };
      const { text } = await api.post('/access_codes/create', { device_id: idOf(door), name, ...times });
      return /"access_code_id":"([^"]+)"/.exec(text)?.[1];
    };
    const codes = { Ana: await create('front', 'Ana'), Zoe: await create('back', 'Zoe') };
    const { page, context } = await site().look();
    // The first press is forgotten after a while, which a busy machine must not make of this.
    await page.addInitScript(
      `(() => { const later = setTimeout; window.setTimeout = (then, ms, ...rest) => ms === 20_000 ? 0 : later(then, ms, ...rest); })()`,
    );
    await page.reload();
    await page.evaluate("location.hash = '#/codes'");
    for (const [name, access_code_id] of Object.entries(codes)) {
      if (name === 'Zoe') await page.evaluate(withoutMoveBefore);
      const row = page.locator('.row.code').filter({ hasText: name });
      const button = row.locator('button.confirm');
      const says = () => button.textContent();
      await button.dblclick();
      await expect.poll(says).toBe('Press again to confirm');
      await button.press('Escape');
      await expect.poll(says).toBe('End now');
      for (let times = 1; times <= 3; times++) await page.keyboard.down('Enter');
      await page.keyboard.up('Enter');
      await expect.poll(says).toBe('Press again to confirm');
      const before = await headingOver(page, name);
      expect(before).not.toBe('Now');
      const times = { starts_at: inDays(-1), ends_at: inDays(3) };
      expect((await api.post('/access_codes/update', { access_code_id, ...times })).status).toBe(200);
      await expect.poll(() => headingOver(page, name)).toBe('Now');
      expect(await says()).toBe('Press again to confirm');
      expect((await api.post('/access_codes/get', { access_code_id })).status).toBe(200);
      await page.keyboard.press('Enter');
      await expect.poll(async () => (await api.post('/access_codes/get', { access_code_id })).status).toBe(404);
    }
    await context.close();
  });

  it('keep the card that somebody is at while only those that need attention are shown', async () => {
    const { api } = site().gateway;
    await api.post('/devices/take_out_of_service', { device_id: idOf('back'), reason: 'The cylinder is changed' });
    const { page, context } = await site().look();
    await page.getByLabel('Only those that need attention').check();
    await expect.poll(() => page.locator('article').count()).toBe(1);
    await card(page, 'back').getByRole('link', { name: 'back' }).focus();
    await api.post('/devices/put_into_service', { device_id: idOf('back') });
    await page.getByText('All devices are well').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Lock');
    await page.getByLabel('Only those that need attention').focus();
    await expect.poll(() => page.locator('article').count()).toBe(0);
    await context.close();
  });

  it('stand with the time of which they are while they cannot be brought up to date, on every view', async () => {
    const { api } = site().gateway;
    await api.post('/access_codes/create', { device_id: idOf('front'), name: 'Ana', sync: true });
    const { text: made } = await api.post('/access_grants/create', {
      user_identity: { full_name: 'Jo' },
      device_ids: [idOf('front'), idOf('back')],
      requested_access_methods: [{ mode: 'code' }],
    });
    await api.post('/spaces/create', { name: 'Flat 2', device_ids: [idOf('front')] });
    await api.post('/webhooks/create', { url: 'https://example.com/hook' });
    const { text: unlocked } = await api.post('/locks/unlock_door', { device_id: idOf('back'), sync: true });
    const attempt = /"action_attempt_id":"([^"]+)"/.exec(unlocked)?.[1] ?? '';
    const { page, context } = await site().look();
    await page.addInitScript(line);
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    const drawn = async () => {
      await page.locator('main h1').first().waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
    };
    // These have nothing but what comes live, and the metrics ask by themselves.
    const isAsking = (view: string) => !['doors', 'box/events', 'box/metrics'].includes(view);
    const views = [...everyView, ...viewsOf({ door: idOf('front'), attempt, grant: grantIn(made) })].filter(isAsking);
    for (const view of views) {
      await page.evaluate(`location.hash = '#/${view}'`);
      await drawn();
      const rows = await page.locator('main li.row, main pre, main .steps li').count();
      await page.evaluate(refuseLists);
      // The connection comes back, and everything is asked for anew.
      await page.evaluate('window.cut()');
      const note = page.locator('.stale');
      await note.first().waitFor();
      expect(await note.first().textContent(), view).toMatch(
        /^As it was at \d\d:\d\d:\d\d\. The gateway cannot be reached\. It is asked for again by itself\.Try again$/,
      );
      const shown = () => page.locator('main li.row, main pre, main .steps li').count();
      await expect.poll(shown, { message: view }).toBeGreaterThanOrEqual(rows);
      const missing = () => page.locator('main .failure, main .loading').count();
      await expect.poll(missing, { message: view }).toBe(0);
      await page.evaluate('window.refused = () => false');
      // Those that were not brought up to date by themselves meanwhile.
      await page.evaluate("for (const again of document.querySelectorAll('.stale button')) again.click()");
      await expect.poll(() => note.count()).toBe(0);
    }
    // What is being typed stays as well, and what happened meanwhile is there when the connection is.
    await page.evaluate("location.hash = '#/codes'");
    const row = page.locator('.row.code').filter({ hasText: 'Ana' });
    await row.getByRole('button', { name: 'Change' }).click();
    await row.getByLabel('For whom').fill('Ana Ferreira');
    await page.evaluate('window.refused = () => true');
    await page.evaluate('window.cut()');
    await page.getByText(/No connection since/).waitFor();
    await api.post('/access_codes/create', { device_id: idOf('back'), name: 'Zoe', sync: true });
    await page.evaluate('window.refused = () => false');
    await page.locator('.row.code').filter({ hasText: 'Zoe' }).waitFor();
    expect(await row.getByLabel('For whom').inputValue()).toBe('Ana Ferreira');
    // The counters of the box, once seen, stay as well.
    await page.evaluate("location.hash = '#/box/metrics'");
    await page.locator('.charts').waitFor();
    await page.evaluate("location.hash = '#/box'");
    await page.evaluate(refuseLists);
    await page.evaluate("location.hash = '#/box/metrics'");
    await page.locator('.stale').waitFor();
    await expect.poll(() => page.locator('.small-chart').count()).toBeGreaterThan(5);
    await context.close();
  });
});
