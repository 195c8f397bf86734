/*
 * `npm run screenshots`: each view of the console as a picture, on a phone and on a desk, light and dark, of the built
 * demonstration. Needs Debian's chromium. They go to docs/console.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { chromium } from 'playwright-core';
import { build } from './build.mjs';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'docs/console');

/** @returns {Promise<number>} */
const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

build();
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'strikeplate-screenshots-'));
const port = await freePort();
const demo = readFileSync(join(root, 'config/demo.yaml'), 'utf8')
  .replace('port: 8080', `port: ${port}`)
  .replace('port: 18830', `port: ${await freePort()}`)
  .replace('state_dir: ../var', 'state_dir: var');
writeFileSync(join(folder, 'demo.yaml'), demo);
const gateway = spawn(process.execPath, [join(root, 'dist/src/cli.js'), 'run', '--config', join(folder, 'demo.yaml')], {
  cwd: folder,
  stdio: ['ignore', 'pipe', 'inherit'],
});
let said = '';
gateway.stdout.setEncoding('utf8').on('data', (text) => {
  said += text;
});
while (!said.includes('Stop with Ctrl-C.')) await new Promise((done) => gateway.stdout.once('data', done));
const key = /API key: (\S+)/.exec(said)?.[1] ?? '';
const base = `http://127.0.0.1:${port}`;

/** @param {string} path @param {object} body */
const call = async (path, body) => {
  const answer = await fetch(base + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return /** @type {any} */ (await answer.json());
};

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
try {
  const { devices } = await call('/devices/list', {});
  const idOf = (/** @type {string} */ name) =>
    devices.find((/** @type {any} */ one) => one.display_name === name).device_id;
  const front = idOf('Front door');
  for (const [action, name] of [
    ['unlock', 'Front door'],
    ['lock', 'Front door'],
    ['unlock', 'Yard door'],
    ['unlock', 'Cellar door'],
    ['unlock', 'Front door'],
  ])
    await call(`/locks/${action}_door`, { device_id: idOf(name ?? ''), sync: true });
  const day = 86_400_000;
  await call('/access_codes/create', {
    device_id: front,
    name: 'Ana Ferreira',
    ends_at: new Date(Date.now() + 3 * day).toISOString(),
    sync: true,
  });
  await call('/access_codes/create', { device_id: front, name: 'Cleaning', sync: true });
  await call('/access_codes/create', {
    device_id: front,
    name: 'Jo Lindqvist',
    starts_at: new Date(Date.now() + 4 * day).toISOString(),
    ends_at: new Date(Date.now() + 6 * day).toISOString(),
  });
  await call('/noise_sensors/noise_thresholds/create', {
    device_id: idOf('Lobby noise'),
    name: 'Night',
    noise_threshold_decibels: 55,
    starts_daily_at: '22:00:00',
    ends_daily_at: '06:00:00',
  });
  await call('/devices/take_out_of_service', { device_id: idOf('Back door'), reason: 'The cylinder is being changed' });
  const { attempts } = await call('/strikeplate/attempts/list', { limit: 1, doors_only: true });
  const views = {
    doors: '',
    door: `#/door/${front}`,
    attempts: '#/attempts',
    attempt: `#/attempt/${attempts[0].action_attempt.action_attempt_id}`,
    codes: '#/codes',
    noise: `#/noise/${idOf('Lobby noise')}`,
    box: '#/box',
  };
  for (const [size, viewport] of Object.entries({
    phone: { width: 390, height: 844 },
    desk: { width: 1280, height: 800 },
  }))
    for (const scheme of /** @type {const} */ (['light', 'dark'])) {
      const context = await browser.newContext({ viewport, colorScheme: scheme, locale: 'en-GB' });
      const page = await context.newPage();
      const shot = (/** @type {string} */ view) =>
        page.screenshot({ path: join(out, `${view}-${size}-${scheme}.png`) });
      await page.goto(`${base}/`);
      await page.getByLabel('API key').waitFor();
      await shot('sign-in');
      await page.getByLabel('API key').fill(key);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.locator('article').first().waitFor();
      for (const [view, place] of Object.entries(views)) {
        await page.goto(`${base}/${place}`);
        await page.locator('main h1').waitFor();
        while ((await page.locator('.loading').count()) > 0) await page.waitForTimeout(100);
        if (view === 'noise') await page.locator('.plot canvas').waitFor();
        await page.waitForTimeout(300);
        await shot(view);
      }
      await context.close();
    }
} finally {
  await browser.close();
  gateway.kill();
  rmSync(folder, { recursive: true, force: true });
}
