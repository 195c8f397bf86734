import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { playRadios } from '../../src/cli/simulate.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { startGateway } from '../../src/composition/gateway.ts';
import { pairSimulated } from '../../src/composition/pairing.ts';
import { loadConfig } from '../../src/config/load.ts';
import { recordLog } from '../../src/driver-testing/recorded-log.ts';
import { simulators } from '../../src/simulation/index.ts';
import { pairingFilesOf } from '../../src/store/pairing-files.ts';
import { SimulatedRadios } from '../../src/transports/ble/simulated-radios.ts';
import { GatewayBox, idOf } from '../kit/gateway/gateway-box.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';
import { tracesOf } from '../kit/secret-search.ts';

/* The whole gateway with a simulated Bluetooth lock, as `strikeplate run` starts it, over two starts. */

const address = '54:D2:72:00:00:01';
const securityPin = '7391';
const code = '589472';

let box: GatewayBox;

beforeEach(async () => {
  box = await GatewayBox.make({
    ble: { radio: { simulated: true } },
    devices: [
      {
        id: 'front',
        name: 'Front door',
        driver: 'ble/nuki',
        link: { ble: 'radio', address },
        settings: { keypad: true },
      },
    ],
    simulation: [
      {
        simulator: 'ble/radio',
        link: { ble: 'radio' },
        settings: { devices: [{ kind: 'nuki', address, pin: securityPin, motor_ms: 200 }] },
      },
    ],
  });
});
afterEach(() => box.dispose());

async function start() {
  const config = await loadConfig(box.configFile, { drivers, simulators, env: {}, now: Date.now() });
  const log = recordLog();
  const surroundings = { clock: systemClock, random: Math.random, log: log.logger };
  const simulatedRadios = new SimulatedRadios();
  const radios = await playRadios(config, simulators, simulatedRadios, { ...surroundings, buttonsHeld: false });
  const pairings = pairingFilesOf(config, randomBytes);
  await pairSimulated(config, radios.waiting, { ...surroundings, simulatedRadios, pairings });
  const gateway = await startGateway({
    ...{ config, log: log.logger, simulatedRadios },
    onFatal: (error) => {
      throw error;
    },
  });
  const device = config.devices[0];
  const credentials =
    device && pairings.read({ deviceId: device.deviceId, driver: device.driver.id, name: device.name });
  return {
    api: new ApiCaller(gateway.url, box.key),
    log,
    waited: radios.waiting.size,
    sharedKey: JSON.parse(credentials?.reveal() ?? '{}').shared_key as string,
    close: async () => {
      await gateway.close();
      await radios.close();
    },
  };
}

const wait = { prefer: 'wait=20' };

it('opens a door and keeps a code, remembers both over a restart, and keeps its secrets', async () => {
  const device_id = idOf('front');
  const first = await start();
  expect(first.waited).toBe(1);
  const unlocked = await first.api.door('unlock', device_id, wait);
  expect(unlocked).toMatchObject({ status: 'success', result: { was_confirmed_by_device: true } });
  const [starts_at, ends_at] = [-60_000, 86_400_000].map((ms) => new Date(Date.now() + ms).toISOString());
  const wanted = { device_id, name: 'Guest', code, starts_at, ends_at };
  const created = await first.api.post('/access_codes/create', wanted, wait);
  expect(created.body).toMatchObject({
    access_code: { status: 'set', type: 'time_bound', code },
    action_attempt: { status: 'success' },
  });
  const twin = await first.api.post('/access_codes/create', { device_id, name: 'Again', code }, wait);
  expect(twin.body).toMatchObject({ error: { type: 'duplicate_access_code' } });
  await first.close();

  const second = await start();
  expect(second.waited).toBe(0);
  expect(second.sharedKey).toBe(first.sharedKey);
  expect(await second.api.door('lock', device_id, wait)).toMatchObject({ status: 'success' });
  const { access_code_id } = created.body.access_code as unknown as { readonly access_code_id: string };
  const deleted = await second.api.post('/access_codes/delete', { access_code_id }, wait);
  expect(deleted.body).toMatchObject({ action_attempt: { action_type: 'DELETE_ACCESS_CODE', status: 'success' } });
  await second.close();

  const secrets = [
    { name: 'the lock’s key', value: Buffer.from(first.sharedKey, 'hex') },
    { name: 'the code', value: code },
  ];
  const entries = readdirSync(box.stateDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
  expect(paths.some((path) => path.includes('/pairings/'))).toBe(true);
  expect(paths.some((path) => path.includes('/simulated/'))).toBe(true);
  expect([
    ...paths.flatMap((path) => tracesOf(secrets, readFileSync(path), path)),
    ...[first, second].flatMap(({ log }) =>
      tracesOf([...secrets, { name: 'the PIN', value: securityPin }], log.text, 'the log'),
    ),
  ]).toEqual([]);
});
