import { describe, expect, it } from 'vitest';
import { idOf } from '../kit/gateway/gateway-box.ts';
import { chromiumProgram, hold, pressTwice, signIn, visit } from './kit/browser.ts';
import { card, consoleSite } from './kit/console-site.ts';
import { mosquittoProgram } from './kit/mosquitto.ts';

/** Sums up what moves without anybody having moved it. */
const layoutShift = `window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) window.shifted += value;
  }).observe({ type: 'layout-shift' })`;

describe.skipIf(chromiumProgram === undefined || mosquittoProgram === undefined)('the console in a browser', () => {
  const site = consoleSite();

  it('signs in, unlocks, and draws the life of the command to its end', async () => {
    const { page, trouble, context } = await site().look();
    await card(page, 'back').getByText('Locked').waitFor();
    // A name that holds script is a name.
    await page.getByText('<b onclick="alert(1)">Front</b>', { exact: true }).waitFor();
    await page.evaluate(layoutShift);
    await hold(page, 'Unlock', 200);
    expect(await page.locator('.life').count()).toBe(0);
    await hold(page, 'Unlock');
    await page.getByText('Unlocked: the bolt was seen to move.').waitFor();
    const steps = await page.locator('.life .step').allTextContents();
    expect(steps).toEqual(expect.arrayContaining(['Accepted and on disk', 'Sent; looking for the effect', 'Success']));
    await card(page, 'Front').getByText('Unlocked', { exact: true }).waitFor();
    // What is drawn while it happens moves nothing.
    expect(await page.evaluate('window.shifted')).toBe(0);
    await page.getByRole('link', { name: 'What happened' }).click();
    await page.getByText('Asked by').waitFor();
    // What was heard, and which of it counted.
    await page.locator('.heard.good').filter({ hasText: 'bolt: unlocked' }).getByText('proves it').waitFor();
    await page.locator('.heard.decides').getByText('it changed after the send').waitFor();
    await page.getByText('Came with an Idempotency-Key').waitFor();
    expect(page.url()).toMatch(/#\/attempt\/[\w-]+$/);
    expect(trouble).toEqual([]);
    await context.close();
  });

  it('explains a jam', async () => {
    site().front.misbehave({ jams: true });
    const { page, context } = await site().look();
    await hold(page, 'Unlock');
    await page.locator('.life:not(.busy)').waitFor();
    expect(await page.locator('.life .truth').textContent()).toMatch(/^Somebody has to go there\..*bolt/);
    await context.close();
  });

  it('says what it says while the broker is cut in mid-command, and the truth afterwards', async () => {
    const { page, context } = await site().look();
    site().front.misbehave({ actsLateMs: 3_000 });
    await hold(page, 'Unlock');
    await page.getByText('Waits for the lock to show what it did').waitFor();
    await site().broker.stop('SIGKILL');
    await card(page, 'Front').getByText('Not reachable').first().waitFor();
    await page.getByText('Nobody knows what it did. Look at the door.').waitFor();
    await page.goto(`${site().url()}#/box`);
    await page.locator('.row.bad').filter({ hasText: 'mqtt/main' }).waitFor();
    await site().broker.start();
    await page.locator('.row.good').filter({ hasText: 'mqtt/main' }).waitFor();
    await context.close();
  });

  it('makes a code with an end, sees it come to the lock, and ends it', async () => {
    const { page, context } = await site().look();
    await page.getByRole('link', { name: 'Access' }).click();
    await page.getByText('Let somebody in').click();
    await page.getByLabel('Person').selectOption({ label: 'No person: a code alone' });
    await page.getByLabel('For whom').fill('Ana <script>alert(1)</script>');
    const end = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 16);
    await page.getByLabel('Ends').fill(end);
    await page.getByRole('checkbox', { name: /Front/ }).check();
    await page.getByRole('button', { name: 'Let in' }).click();
    const row = page.locator('.row.code').filter({ hasText: 'Ana <script>' });
    await row.getByText(/^on the lock since/).waitFor();
    expect(await page.locator('output').count()).toBe(0);
    await row.getByRole('button', { name: 'Show PIN' }).click();
    expect(await page.locator('output').textContent()).toMatch(/^\d{4,8}$/);
    await pressTwice(row, 'End now', 'Press again to confirm');
    await row.waitFor({ state: 'detached' });
    await context.close();
  });

  it('draws the day of a sensor, and an episode', async () => {
    await site().gateway.api.post('/noise_sensors/noise_thresholds/create', {
      device_id: idOf('hall'),
      noise_threshold_decibels: 50,
      starts_daily_at: '00:00:00',
      ends_daily_at: '23:59:59',
      name: 'Quiet',
      sustained_seconds: 1,
    });
    const { page, context } = await site().look();
    await page.getByRole('link', { name: 'Noise' }).click();
    await page.locator('.plot canvas').waitFor();
    await page.getByText('50 dB Quiet').waitFor();
    // A threshold is taken hold of on the drawing: by keyboard, and with a mouse.
    const level = page.getByRole('slider', { name: 'Quiet: level' });
    await level.focus();
    for (const key of ['ArrowUp', 'ArrowUp', 'ArrowUp', 'Enter']) await page.keyboard.press(key);
    await page.getByText('53 dB Quiet').waitFor();
    const at = await level.boundingBox();
    await page.mouse.move((at?.x ?? 0) + 5, (at?.y ?? 0) + 5);
    await page.mouse.down();
    await page.mouse.move((at?.x ?? 0) + 5, (at?.y ?? 0) + 30, { steps: 4 });
    await page.mouse.up();
    await page.getByText('53 dB Quiet').waitFor({ state: 'detached' });
    const kept = async () => {
      const list = await site().gateway.api.post('/noise_sensors/noise_thresholds/list', { device_id: idOf('hall') });
      return Number(/"noise_threshold_decibels":(\d+)/.exec(list.text)?.[1]);
    };
    await expect.poll(kept).toBeLessThan(53);
    const { sensor } = site();
    // The same level told again is no new sample.
    let heard = 72;
    const loud = setInterval(() => {
      heard = 145 - heard;
      sensor.measure(heard);
    }, 300);
    await page.getByText('72.0 dB').first().waitFor();
    await page.getByText('goes on').waitFor();
    clearInterval(loud);
    await context.close();
  });

  it('lets somebody in at two doors by keyboard alone, shows how each stands, and ends it', async () => {
    const { page, context } = await site().look();
    await page.goto(`${site().url()}#/codes`);
    const press = async (label: string | RegExp, ...keys: string[]) => {
      await page.getByText(label).first().waitFor();
      for (let presses = 0; presses < 80; presses += 1) {
        await page.keyboard.press('Tab');
        const name = await page.evaluate<string>(
          "(document.activeElement?.labels?.[0] ?? document.activeElement)?.textContent?.trim() ?? ''",
        );
        if (typeof label === 'string' ? name === label : label.test(name)) break;
      }
      for (const key of keys) await page.keyboard.press(key);
    };
    await press('Let somebody in', 'Enter');
    await press('Name');
    await page.keyboard.type('Ana <img src=x onerror=alert(1)>');
    await press(/Front<\/b>$/, 'Space');
    await press('back', 'Space');
    await press('Let in', 'Enter');
    const row = page.locator('.row.grant').filter({ hasText: 'Ana <img' });
    await expect.poll(() => row.locator('.chip.set').count()).toBe(2);
    await row.locator('a').click();
    await page.getByRole('button', { name: 'Show PIN' }).click();
    expect(await page.locator('output').textContent()).toMatch(/^\d{4,8}$/);
    // It goes by itself.
    await page.locator('output').waitFor({ state: 'detached' });
    await press('End this access now', 'Enter', 'Enter');
    await page.getByText('This access has ended').waitFor();
    await context.close();
  });

  it('tells a second tab and one that comes back after a restart the truth', async () => {
    const { page, context } = await site().look();
    const second = await context.newPage();
    await second.goto(site().url());
    await card(second, 'back').getByText('Locked').waitFor();
    await site().gateway.api.post('/locks/unlock_door', { device_id: idOf('back') });
    for (const tab of [page, second]) await card(tab, 'back').getByText('Unlocked', { exact: true }).waitFor();
    await site().gateway.close();
    await page.getByText(/No connection since/).waitFor();
    site().gateway = await site().box.start();
    // Sessions are in memory: the page asks to sign in again, and then shows what is so.
    await signIn(page, site().box.key);
    await card(page, 'back').getByText('Unlocked', { exact: true }).waitFor();
    await context.close();
  });

  it('is operated by keyboard alone', async () => {
    const { page, context } = await visit(site().browser, site().url());
    await page.getByLabel('API key').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.type(site().box.key);
    await page.keyboard.press('Enter');
    await card(page, 'back').waitFor();
    const until = async (name: RegExp) => {
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press('Tab');
        const text = await page.evaluate<string>("document.activeElement?.textContent ?? ''");
        if (name.test(text)) return;
      }
      throw new Error(`the keyboard does not reach ${name}`);
    };
    await until(/^Unlock$/);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Press again to unlock' }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.life.good').waitFor();
    await until(/^What happened$/);
    await page.keyboard.press('Enter');
    await page.getByText('Asked by').waitFor();
    await context.close();
  });
});
