import { describe, expect, it } from 'vitest';
import { de } from '../../src/console/languages/de.ts';
import { en } from '../../src/console/languages/en.ts';
import { revokeApiKey } from '../../src/http/api-key-changes.ts';
import { idOf } from '../kit/gateway/gateway-box.ts';
import { chromiumProgram, pressTwice, signIn, visit } from './kit/browser.ts';
import { card, consoleSite, everyView, grantIn } from './kit/console-site.ts';
import { mosquittoProgram } from './kit/mosquitto.ts';

/** Every text of a language that has no parts to be filled in. */
const textsOf = (words: object): string[] =>
  Object.values(words).flatMap((one: unknown) =>
    typeof one === 'string' ? [one] : typeof one === 'object' && one !== null ? textsOf(one) : [],
  );

describe.skipIf(chromiumProgram === undefined || mosquittoProgram === undefined)('the console, for everybody', () => {
  const site = consoleSite();

  it('makes an API key that is shown once, and ends the page of the one who has it when it is revoked', async () => {
    const { page, context } = await site().look();
    await page.goto(`${site().url()}#/box/keys`);
    await page.locator('summary').click();
    await page.getByLabel('Name').fill('Porter <script>alert(1)</script>');
    await page.getByRole('button', { name: 'New API key' }).click();
    const token = (await page.locator('.once output').textContent()) ?? '';
    const other = await visit(site().browser, site().url());
    await signIn(other.page, token);
    await card(other.page, 'back').waitFor();
    const row = page.locator('.row.key').filter({ hasText: 'Porter' });
    await pressTwice(row, 'Revoke', 'Press again to revoke');
    await other.page.getByRole('button', { name: 'Sign in' }).waitFor();
    await other.page.getByText('The session has ended. Sign in again.').waitFor();
    await context.close();
    await other.context.close();
  });

  it('draws what is not there: what a key may not see, what fails, what is on its way', async () => {
    const key = await site().keyFor('guard', ['read']);
    const { page, context } = await visit(site().browser, site().url());
    await signIn(page, key);
    await card(page, 'back').waitFor();
    for (const part of ['keys', 'configuration', 'webhooks']) {
      await page.goto(`${site().url()}#/box/${part}`);
      await page.locator('.failure.forbidden').getByText('This key may not.').waitFor();
    }
    await page.goto(`${site().url()}#/attempt/none`);
    await page.locator('.failure').getByText('There is no such action attempt').waitFor();
    const lists = { history: ['attempts', '/strikeplate/attempts/list'], access: ['codes', '/access_grants/list'] };
    for (const [view, route] of Object.values(lists)) {
      await page.route(`**${route}`, (request) => request.abort());
      await page.goto(`${site().url()}#/${view}`);
      await page.locator('.failure').getByText('The gateway cannot be reached.').waitFor();
      await page.unroute(`**${route}`);
      let go: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        go = resolve;
      });
      await page.route(`**${route}`, async (request) => {
        await held;
        await request.continue();
      });
      await page.goto(`${site().url()}#/doors`);
      await page.goto(`${site().url()}#/${view}`);
      await page.locator('.loading').first().waitFor();
      go();
      await page.locator('.empty').first().waitFor();
      await page.unroute(`**${route}`);
    }
    await context.close();
  });

  it('takes script for text, in every name and reason that somebody can give', async () => {
    const script = '"><img src=x onerror=alert(1)><script>alert(2)</script>';
    const { api } = site().gateway;
    const front = idOf('front');
    await api.post('/devices/update', { device_id: front, name: script });
    await api.post('/devices/take_out_of_service', { device_id: idOf('back'), reason: script });
    await api.post('/access_codes/create', { device_id: front, name: script });
    const { text: made } = await api.post('/access_grants/create', {
      user_identity: { full_name: script },
      name: script,
      device_ids: [front],
      requested_access_methods: [{ mode: 'code' }],
    });
    await api.post('/spaces/create', { name: script, device_ids: [front] });
    await api.post('/noise_sensors/noise_thresholds/create', {
      device_id: idOf('hall'),
      noise_threshold_decibels: 50,
      starts_daily_at: '00:00:00',
      ends_daily_at: '23:59:59',
      name: script,
    });
    await site().keyFor(script.slice(0, 50));
    const { page, trouble, context } = await site().look();
    page.on('dialog', (dialog) => {
      trouble.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    const grant = grantIn(made);
    for (const view of [...everyView, `door/${front}`, `grant/${grant}`]) {
      await page.goto(`${site().url()}#/${view}`);
      await page.locator('main h1').first().waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
      expect(await page.locator('main img, main script').count()).toBe(0);
    }
    expect(trouble).toEqual([]);
    await context.close();
  });

  it('speaks German on every view, without a word of English of its own', async () => {
    const { page, context } = await visit(site().browser, site().url(), { locale: 'de-CH' });
    await page.getByLabel('API-Schlüssel').fill(site().key);
    await page.getByRole('button', { name: 'Anmelden' }).click();
    await card(page, 'back').waitFor();
    const german = new Set(textsOf(de));
    const english = textsOf(en).filter((text) => text.length > 3 && !german.has(text));
    for (const view of [...everyView, `door/${idOf('front')}`]) {
      await page.goto(`${site().url()}#/${view}`);
      await page.locator('main h1').first().waitFor();
      await expect.poll(() => page.locator('.loading').count()).toBe(0);
      await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
      const shown = await page.evaluate<string[]>(
        `[...document.querySelectorAll('body *')].flatMap((one) => [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent.trim()).concat(one.getAttribute('aria-label') ?? [], one.getAttribute('placeholder') ?? []))`,
      );
      expect(
        shown.filter((text) => english.includes(text)),
        view,
      ).toEqual([]);
    }
    await context.close();
  });

  it('shows no buttons to a key that may not press them', async () => {
    const key = await site().keyFor('guard', ['read']);
    const { page, context } = await visit(site().browser, site().url());
    await signIn(page, key);
    await card(page, 'back').waitFor();
    expect(await page.getByRole('button', { name: /lock/i }).count()).toBe(0);
    await page.getByRole('link', { name: 'Access' }).click();
    await page.getByRole('heading', { name: 'Access' }).waitFor();
    expect(await page.getByText('Let somebody in').count()).toBe(0);
    await context.close();
  });

  it('ends the page of a key that is revoked while it is open, and takes no wrong one', async () => {
    const key = await site().keyFor('leaver');
    const { page, context } = await visit(site().browser, site().url());
    await signIn(page, 'seam_gw1_wrong');
    await page.getByText('This key is not known here').waitFor();
    await signIn(page, key);
    await card(page, 'back').waitFor();
    await revokeApiKey(`${site().box.stateDir}/api-keys`, 'leaver', Date.now);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await context.close();
  });
});
