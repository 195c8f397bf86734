import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UnpackedLock } from '../../drivers/zwave/node/simulator.ts';
import { simulatedLock } from '../../drivers/zwave/node/simulator-settings.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { ApiCaller } from '../kit/api-caller.ts';
import { type BoxedGateway, GatewayBox, idOf } from '../kit/gateway-box.ts';
import { recordLog } from '../kit/recorded-log.ts';
import { socatProgram } from './kit/tty-pair.ts';
import { ZwaveNetwork } from './kit/zwave-site.ts';

/*
 * What a gateway with a stick refuses before anybody goes to a lock: the real library, a simulated stick.
 * On the real clock, which is the library's: nothing asserts how long something took.
 */

const old = { kind: 'lock', node: 3, codes: 'none', secure: false, listens: 'always' };

describe.skipIf(socatProgram === undefined)('a gateway with a Z-Wave stick', () => {
  let network: ZwaveNetwork;
  let box: GatewayBox;
  let gateway: BoxedGateway;
  let api: ApiCaller;
  let fresh: UnpackedLock;
  const log = recordLog();

  beforeEach(async () => {
    network = await ZwaveNetwork.open([old]);
    box = await GatewayBox.make({ devices: [] });
    mkdirSync(box.stateDir, { recursive: true });
    const keys = Object.entries(network.keys).map(([name, key]) => `${name}: ${Buffer.from(key).toString('hex')}`);
    writeFileSync(join(box.stateDir, 'zwave.keys'), `${keys.join('\n')}\n`, { mode: 0o600 });
    configure();
    gateway = await box.start({ log: log.logger });
    const { key } = await box.makeKey({ name: 'installer', scopes: ['read', 'control', 'admin'] });
    api = new ApiCaller(gateway.url, key);
    await api.online(idOf('old'));
    const settings = simulatedLock.parse({ kind: 'lock', node: 9, listens: 'always', codes: 'none' });
    fresh = await network.simulated.unpack(settings, systemClock);
  });
  afterEach(async () => {
    await gateway.close();
    box.dispose();
    await network.close();
  });

  function configure(): void {
    const stick = { path: network.ttys.near, keys_file: 'zwave.keys', cache_dir: 'zwave' };
    const device = { id: 'old', name: 'Old', driver: 'zwave/node', link: { zwave: 'stick', node: 3 }, settings: {} };
    box.configure({ zwave: { stick }, devices: [device] });
  }
  const start = (body: object) => api.post('/strikeplate/onboarding/start', body);
  it('refuses a PIN and a DSK that are none, and a node that is none, before anybody goes to the lock', async () => {
    for (const body of [
      { kind: 'zwave_inclusion', answers: { pin: '4815' } },
      { kind: 'zwave_inclusion', answers: { pin: '99999' } },
      { kind: 'zwave_smart_start', answers: { dsk: fresh.dsk.slice(1) } },
      { kind: 'zwave_smart_start' },
      { kind: 'zwave_exclusion', answers: { pin: fresh.pin } },
      { kind: 'zwave_replacement', node: 77 },
    ]) {
      const answer = await start(body);
      expect([body, answer.status, answer.body]).toMatchObject([body, 400, { error: { type: 'invalid_input' } }]);
    }
    expect((await api.post('/strikeplate/onboarding/list', {})).body).toMatchObject({ onboardings: [] });
  }, 60_000);
});
