/*
 * `npm run screenshots`: each view of the console as a picture, on a phone and on a desk, light and dark, of the built
 * demonstration with a day behind it. Needs Debian's chromium. They go to docs/console; `npm run screenshots -- noise` takes
 * those alone whose name begins so.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { chromium } from 'playwright-core';
import { createApiKey } from '../src/http/api-key-changes.ts';
import { permissionScopes } from '../src/model/permission.ts';
import { ensureBuilt } from './build.mjs';
import { seedNoise } from './console-demo-day.mjs';

const root = resolve(import.meta.dirname, '..');
const out = process.env.STRIKEPLATE_SCREENSHOTS ?? join(root, 'docs/console');
const only = process.argv.slice(2);

/** @returns {Promise<number>} */
const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

await ensureBuilt();
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'strikeplate-screenshots-'));
const port = await freePort();
const demo = readFileSync(join(root, 'config/demo.yaml'), 'utf8')
  .replace('port: 8080', `port: ${port}`)
  .replace('port: 18830', `port: ${await freePort()}`)
  .replace('state_dir: ../var', 'state_dir: var');
writeFileSync(join(folder, 'demo.yaml'), demo);
const base = `http://127.0.0.1:${port}`;

mkdirSync(join(folder, 'var'), { mode: 0o700 });
// It sees everything, which the demonstration's own does not.
const { key } = await createApiKey(
  join(folder, 'var/api-keys'),
  { name: 'Console', scopes: permissionScopes },
  randomBytes,
  Date.now,
);

const start = async () => {
  const gateway = spawn(
    process.execPath,
    [join(root, 'dist/src/cli.js'), 'run', '--config', join(folder, 'demo.yaml')],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let said = '';
  gateway.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  while (!said.includes('Stop with Ctrl-C.')) await once(gateway.stdout, 'data');
  const stop = async () => {
    gateway.kill();
    if (gateway.exitCode === null) await once(gateway, 'exit');
  };
  /** @param {string} path @param {object} body */
  const call = async (path, body) => {
    const answer = await fetch(base + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const said = /** @type {any} */ (await answer.json());
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(said)}`);
    return said;
  };
  return { stop, call };
};

const day = 86_400_000;
const inDays = (/** @type {number} */ days) =>
  new Date(Math.round((Date.now() + days * day) / 3_600_000) * 3_600_000).toISOString();

/** A building in which something happened. @param {Awaited<ReturnType<typeof start>>} gateway */
async function live({ call }) {
  const { devices } = await call('/devices/list', {});
  const idOf = (/** @type {string} */ name) =>
    devices.find((/** @type {any} */ one) => one.display_name === name).device_id;
  const [front, cellar, back] = [idOf('Front door'), idOf('Cellar door'), idOf('Back door')];
  const { space } = await call('/spaces/create', { name: 'Flat 2', device_ids: [front, cellar] });
  await call('/access_grants/create', {
    user_identity: { full_name: 'Ana Ferreira', email_address: 'ana@example.com' },
    space_ids: [space.space_id],
    requested_access_methods: [{ mode: 'code' }],
    ends_at: inDays(3),
  });
  await call('/access_grants/create', {
    user_identity: { full_name: 'Jo Lindqvist', phone_number: '+41791234567' },
    device_ids: [front],
    requested_access_methods: [{ mode: 'code' }],
    starts_at: inDays(4),
    ends_at: inDays(6),
  });
  await call('/access_grants/create', {
    user_identity: { full_name: 'Kofi Mensah' },
    name: 'Garden',
    device_ids: [cellar],
    requested_access_methods: [{ mode: 'code' }],
    strikeplate_schedule: {
      time_zone: 'Europe/Zurich',
      windows: [
        { weekdays: ['monday', 'tuesday', 'wednesday'], starts_at: '08:00', ends_at: '11:30' },
        { weekdays: ['saturday'], starts_at: '13:00', ends_at: '18:00' },
      ],
    },
  });
  await call('/access_codes/create', { device_id: front, name: 'Cleaning', sync: true });
  const { noise_threshold } = await call('/noise_sensors/noise_thresholds/create', {
    device_id: idOf('Lobby noise'),
    name: 'Night',
    noise_threshold_decibels: 55,
    starts_daily_at: '22:00:00',
    ends_daily_at: '06:00:00',
    sync: true,
  });
  await call('/strikeplate/api_keys/create', {
    name: 'Reception',
    scopes: ['read', 'control'],
    device_ids: [front, back],
  });
  await call('/webhooks/create', { url: 'https://booking.example.com/strikeplate' }).catch(() => undefined);
  for (const [action, door] of [
    ['unlock', 'Front door'],
    ['lock', 'Front door'],
    ['unlock', 'Yard door'],
    ['unlock', 'Cellar door'],
    ['lock', 'Cellar door'],
    ['unlock', 'Front door'],
  ])
    await call(`/locks/${action}_door`, { device_id: idOf(door ?? ''), sync: true });
  await call('/devices/take_out_of_service', { device_id: back, reason: 'The cylinder is being changed' });
  return { front, sensor: idOf('Lobby noise'), thresholdId: noise_threshold.noise_threshold_id };
}

let gateway = await start();
const { front, sensor, thresholdId } = await live(gateway);
await gateway.stop();
await seedNoise({
  database: join(folder, 'var/strikeplate.db'),
  deviceId: sensor,
  thresholdId,
  thresholdName: 'Night',
  decibels: 55,
});
gateway = await start();
// The simulated locks forgot their codes over the restart: they are brought back.
for (let tries = 0; tries < 60; tries += 1) {
  const { access_codes: codes } = await gateway.call('/strikeplate/access_codes/list', {});
  const isThere = (/** @type {any} */ one) =>
    one.status === 'set' || one.strikeplate_schedule !== undefined || Date.parse(one.starts_at) > Date.now();
  if (codes.every(isThere)) break;
  await new Promise((done) => setTimeout(done, 1_000));
}
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
try {
  const { call } = gateway;
  const { attempts } = await call('/strikeplate/attempts/list', { limit: 1, device_id: front, doors_only: true });
  const { access_grants } = await call('/access_grants/list', {});
  const views = {
    doors: '',
    door: `#/door/${front}`,
    attempts: '#/attempts',
    'attempts-events': '#/attempts/events',
    attempt: `#/attempt/${attempts[0].action_attempt.action_attempt_id}`,
    codes: '#/codes',
    'codes-new': '#/codes',
    'codes-grant': `#/grant/${access_grants.find((/** @type {any} */ one) => one.display_name === 'Ana Ferreira')?.access_grant_id}`,
    'codes-by-door': '#/codes/doors',
    'codes-people': '#/codes/people',
    'codes-spaces': '#/codes/spaces',
    noise: `#/noise/${sensor}`,
    box: '#/box',
    'box-events': '#/box/events',
    'box-metrics': '#/box/metrics',
    'box-webhooks': '#/box/webhooks',
    'box-keys': '#/box/keys',
    'box-configuration': '#/box/configuration',
  };
  for (const [size, viewport] of Object.entries({
    phone: { width: 390, height: 844 },
    desk: { width: 1280, height: 800 },
  }))
    for (const scheme of /** @type {const} */ (['light', 'dark'])) {
      const context = await browser.newContext({ viewport, colorScheme: scheme, locale: 'en-GB' });
      const page = await context.newPage();
      const shot = (/** @type {string} */ view) =>
        page.screenshot({
          path: join(out, `${view}-${size}-${scheme}.png`),
          // The week stands below the day.
          fullPage: view === 'noise' && size === 'desk',
        });
      const isWanted = (/** @type {string} */ view) =>
        only.length === 0 || only.some((start) => view.startsWith(start));
      await page.goto(`${base}/`);
      await page.getByLabel('API key').waitFor();
      if (isWanted('sign-in')) await shot('sign-in');
      await page.getByLabel('API key').fill(key);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.locator('article').first().waitFor();
      for (const [view, place] of Object.entries(views)) {
        if (!isWanted(view)) continue;
        await page.goto(`${base}/${place}`);
        await page.locator('main h1').waitFor();
        if (view === 'noise') await page.locator('.handle').first().waitFor();
        // Two are needed for a line.
        if (view === 'box-metrics') await page.waitForTimeout(20_000);
        while ((await page.locator('.loading').count()) > 0) await page.waitForTimeout(100);
        await page.waitForTimeout(400);
        if (view === 'codes-new') {
          await page.getByText('Let somebody in').click();
          await page.getByLabel('Name').fill('Kofi Mensah');
          await page.getByRole('button', { name: 'Only at certain hours' }).click();
          await page.getByRole('group', { name: 'Hours 1' }).scrollIntoViewIfNeeded();
        }
        // Where this run happens to lie is nobody's business.
        if (view === 'box-configuration')
          await page.evaluate("document.querySelector('.toolbar code').textContent = '/etc/strikeplate/gateway.yaml'");
        await shot(view);
      }
      await context.close();
    }
} finally {
  await browser.close();
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
}
