import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { systemClock } from '../../src/clock/system-clock.ts';
import { createApiKey, revokeApiKey } from '../../src/http/api-key-changes.ts';
import { connectMqttPeer, type MqttPeer } from '../../src/simulation/mqtt-peer.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway-box.ts';
import { chromiumProgram, hold, signIn, startBrowser, visit } from './kit/browser.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Three doors and a sensor behind a real broker, a gateway, and somebody who looks at it. */
describe.skipIf(chromiumProgram === undefined || mosquittoProgram === undefined)('the console in a browser', () => {
  let browser: Browser;
  let broker: Mosquitto;
  let peer: MqttPeer;
  let bridge: Zigbee2MqttSimulator;
  let front: ReturnType<Zigbee2MqttSimulator['addLock']>;
  let sensor: ReturnType<Zigbee2MqttSimulator['addNoiseSensor']>;
  let box: GatewayBox;
  let gateway: BoxedGateway;
  const url = () => `${gateway.url}/`;

  beforeAll(async () => {
    await ensureBuilt();
    browser = await startBrowser();
  }, 180_000);
  afterAll(() => browser?.close());

  beforeEach(async () => {
    broker = await Mosquitto.start();
    peer = await connectMqttPeer(broker.url);
    bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
    front = bridge.addLock({ friendlyName: 'front', motorMs: 100, slots: 10 });
    bridge.addLock({ friendlyName: 'back', motorMs: 100 });
    sensor = bridge.addNoiseSensor({ friendlyName: 'hall', level: 40 });
    bridge.start();
    peer.onReconnect(() => {
      bridge.bridge.stop();
      bridge.bridge.start();
    });
    box = await GatewayBox.make({
      http: { port: await freePort() },
      mqtt: { main: { url: broker.url } },
      devices: [
        {
          ...zigbeeEntry('front', { settings: { pin_slots: { first: 1, count: 8 } } }),
          name: '<b onclick="alert(1)">Front</b>',
        },
        zigbeeEntry('back'),
        zigbeeEntry('hall', { settings: { kind: 'noise' } }),
      ],
    });
    gateway = await box.start();
    sensor.measure(41);
  });
  afterEach(async () => {
    await gateway?.close();
    box?.dispose();
    bridge?.stop();
    await peer?.close();
    await broker?.close();
  });

  const look = async (options: Parameters<typeof visit>[2] = {}) => {
    const visited = await visit(browser, url(), options);
    await signIn(visited.page, box.key);
    await visited.page.getByRole('heading', { name: 'Doors' }).waitFor();
    await visited.page.getByText('Live', { exact: true }).waitFor();
    return visited;
  };
  const card = (page: Page, name: string | RegExp) => page.locator('article').filter({ hasText: name });

  it('signs in, unlocks, and draws the life of the command to its end', async () => {
    const { page, trouble, context } = await look();
    await card(page, 'back').getByText('Locked').waitFor();
    // A name that holds script is a name.
    await page.getByText('<b onclick="alert(1)">Front</b>', { exact: true }).waitFor();
    await hold(page, 'Unlock', 200);
    expect(await page.locator('.life').count()).toBe(0);
    await hold(page, 'Unlock');
    await page.getByText('Unlocked: the bolt was seen to move.').waitFor();
    const steps = await page.locator('.life .step').allTextContents();
    expect(steps).toEqual(expect.arrayContaining(['Accepted and on disk', 'Sent; looking for the effect', 'Success']));
    await card(page, 'Front').getByText('Unlocked', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'What happened' }).click();
    await page.getByText('Asked by').waitFor();
    expect(page.url()).toMatch(/#\/attempt\/[\w-]+$/);
    expect(trouble).toEqual([]);
    await context.close();
  });

  it('explains a jam', async () => {
    front.misbehave({ jams: true });
    const { page, context } = await look();
    await hold(page, 'Unlock');
    await page.locator('.life:not(.busy)').waitFor({ timeout: 30_000 });
    expect(await page.locator('.life .truth').textContent()).toMatch(/^Somebody has to go there\..*bolt/);
    await context.close();
  });

  it('says what it says while the broker is cut in mid-command, and the truth afterwards', async () => {
    const { page, context } = await look();
    front.misbehave({ actsLateMs: 3_000 });
    await hold(page, 'Unlock');
    await page.getByText('Waits for the lock to show what it did').waitFor();
    await broker.stop('SIGKILL');
    await card(page, 'Front').getByText('Not reachable').first().waitFor();
    await page.getByText('Nobody knows what it did. Look at the door.').waitFor({ timeout: 30_000 });
    await page.goto(`${url()}#/box`);
    await page.locator('.row.bad').filter({ hasText: 'mqtt/main' }).waitFor();
    await broker.start();
    await page.locator('.row.good').filter({ hasText: 'mqtt/main' }).waitFor({ timeout: 30_000 });
    await context.close();
  });

  it('makes a code with an end, sees it come to the lock, and ends it', async () => {
    const { page, context } = await look();
    await page.getByRole('link', { name: 'Codes' }).click();
    await page.getByText('New code').click();
    await page.getByLabel('For whom').fill('Ana <script>alert(1)</script>');
    const end = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 16);
    await page.getByLabel('Ends').fill(end);
    await page.getByRole('button', { name: 'Create' }).click();
    const row = page.locator('.row.code').filter({ hasText: 'Ana <script>' });
    await row.getByText('On the lock').waitFor({ timeout: 30_000 });
    expect(await page.locator('output').count()).toBe(0);
    await row.getByRole('button', { name: 'Show PIN' }).click();
    expect(await page.locator('output').textContent()).toMatch(/^\d{4,8}$/);
    await row.getByRole('button', { name: 'End now' }).click();
    await row.getByRole('button', { name: 'Press again to end it' }).click();
    await row.waitFor({ state: 'detached', timeout: 30_000 });
    await context.close();
  });

  it('draws the day of a sensor, and an episode', async () => {
    await gateway.api.post('/noise_sensors/noise_thresholds/create', {
      device_id: idOf('hall'),
      noise_threshold_decibels: 50,
      starts_daily_at: '00:00:00',
      ends_daily_at: '23:59:59',
      name: 'Quiet',
    });
    const { page, context } = await look();
    await page.getByRole('link', { name: 'Noise' }).click();
    await page.locator('.plot canvas').waitFor();
    await page.getByText('Quiet', { exact: true }).waitFor();
    sensor.measure(72);
    await page.getByText('72.0 dB').waitFor();
    await context.close();
  });

  it('shows no buttons to a key that may not press them', async () => {
    const { key } = await createApiKey(
      `${box.stateDir}/api-keys`,
      { name: 'guard', scopes: ['read'] },
      (n) => crypto.getRandomValues(new Uint8Array(n)),
      Date.now,
    );
    const { page, context } = await visit(browser, url());
    await signIn(page, key);
    await card(page, 'back').waitFor();
    expect(await page.getByRole('button', { name: /lock/i }).count()).toBe(0);
    await page.getByRole('link', { name: 'Codes' }).click();
    await page.getByRole('heading', { name: 'Codes' }).waitFor();
    expect(await page.getByText('New code').count()).toBe(0);
    await context.close();
  });

  it('ends the page of a key that is revoked while it is open, and takes no wrong one', async () => {
    const { key } = await createApiKey(
      `${box.stateDir}/api-keys`,
      { name: 'leaver' },
      (n) => crypto.getRandomValues(new Uint8Array(n)),
      Date.now,
    );
    const { page, context } = await visit(browser, url());
    await signIn(page, 'seam_gw1_wrong');
    await page.getByText('This key is not known here').waitFor();
    await signIn(page, key);
    await card(page, 'back').waitFor();
    await revokeApiKey(`${box.stateDir}/api-keys`, 'leaver', Date.now);
    await page.getByRole('button', { name: 'Sign in' }).waitFor({ timeout: 30_000 });
    await context.close();
  });

  it('tells a second tab and one that comes back after a restart the truth', async () => {
    const { page, context } = await look();
    const second = await context.newPage();
    await second.goto(url());
    await card(second, 'back').getByText('Locked').waitFor();
    await gateway.api.post('/locks/unlock_door', { device_id: idOf('back') });
    for (const tab of [page, second]) await card(tab, 'back').getByText('Unlocked', { exact: true }).waitFor();
    await gateway.close();
    await page.getByText(/No connection since/).waitFor();
    gateway = await box.start();
    // Sessions are in memory: the page asks to sign in again, and then shows what is so.
    await signIn(page, box.key);
    await card(page, 'back').getByText('Unlocked', { exact: true }).waitFor();
    await context.close();
  });

  it('is operated by keyboard alone', async () => {
    const { page, context } = await visit(browser, url());
    await page.getByLabel('API key').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.type(box.key);
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

  it.each(['light', 'dark'] as const)(
    'has no fault that axe knows of, on any view, in the %s scheme',
    async (scheme) => {
      await gateway.api.post('/access_codes/create', { device_id: idOf('front'), name: 'Ana' });
      const found: string[] = [];
      for (const size of [
        { width: 390, height: 844 },
        { width: 1280, height: 800 },
      ]) {
        const { page, context } = await visit(browser, url(), { scheme, ...size });
        const check = async (view: string) => {
          // As an add-on does: the page's own policy lets no foreign script in.
          const violations = await page.evaluate(
            `${axe};axe.run().then(({ violations }) => violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.target.join(' ')).join(', ')))`,
          );
          found.push(...(violations as string[]).map((one) => `${view} (${size.width}): ${one}`));
        };
        await page.getByLabel('API key').waitFor();
        await check('sign-in');
        await signIn(page, box.key);
        await card(page, 'back').waitFor();
        await hold(page, 'Unlock');
        await page.locator('.life:not(.busy)').waitFor();
        await check('doors');
        for (const view of ['attempts', 'codes', 'noise', 'box', `door/${idOf('front')}`, 'attempt/none']) {
          await page.goto(`${url()}#/${view}`);
          await page.locator('main h1, main .failure').first().waitFor();
          await expect.poll(() => page.locator('.loading').count(), { timeout: 20_000 }).toBe(0);
          await check(view);
        }
        await page.goto(`${url()}#/attempts`);
        await page.locator('.row a').first().click();
        await page.getByText('Asked by').waitFor();
        await check('attempt');
        await context.close();
      }
      expect(found).toEqual([]);
    },
  );
});
