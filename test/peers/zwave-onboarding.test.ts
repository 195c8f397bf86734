import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { UnpackedLock } from '../../drivers/zwave/node/simulator.ts';
import { simulatedLock } from '../../drivers/zwave/node/simulator-settings.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { recordLog } from '../../src/driver-testing/recorded-log.ts';
import { type BoxedGateway, GatewayBox, idOf } from '../kit/gateway/gateway-box.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';
import { socatProgram } from './kit/tty-pair.ts';
import { ZwaveNetwork } from './kit/zwave-site.ts';

/*
 * A lock from its box to its first unlock over HTTP, through the gateway that runs: the real library, a simulated stick.
 * On the real clock, which is the library's: nothing asserts how long something took.
 */

const old = { kind: 'lock', node: 3, codes: 'none', secure: false, listens: 'always' };

interface Shown {
  readonly onboarding_id: string;
  readonly status: string;
  readonly step: string;
  readonly message: string;
  readonly found: readonly { readonly configuration: readonly string[] }[];
}

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
    configure([]);
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

  function configure(more: readonly object[]): void {
    const stick = { path: network.ttys.near, keys_file: 'zwave.keys', cache_dir: 'zwave' };
    const device = { id: 'old', name: 'Old', driver: 'zwave/node', link: { zwave: 'stick', node: 3 }, settings: {} };
    box.configure({ zwave: { stick }, devices: [device, ...more] });
  }
  const start = (body: object) => api.post('/strikeplate/onboarding/start', body);
  const of = (answer: { readonly body: unknown }) => (answer.body as { readonly onboarding: Shown }).onboarding;
  async function until(id: string, isSo: (shown: Shown) => boolean): Promise<Shown> {
    for (;;) {
      const shown = of(await api.post('/strikeplate/onboarding/get', { onboarding_id: id }));
      if (isSo(shown)) return shown;
      if (shown.status !== 'running') throw new Error(`it ended: ${shown.message}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

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
  });

  it('takes a lock in with its PIN, opens it, and lets it go again, while another door moves', async () => {
    // The library's simulated node says only once that it agrees: the PIN is given beforehand.
    const { onboarding_id: id } = of(await start({ kind: 'zwave_inclusion', answers: { pin: fresh.pin } }));
    await until(id, ({ step }) => step === 'including');
    expect(await api.door('unlock', idOf('old'), { prefer: 'wait=20' })).toMatchObject({ status: 'success' });
    network.simulated.management.pressToJoin(fresh.device);
    const done = await until(id, ({ status }) => status === 'succeeded');
    expect(done.message).toMatch(/^lock 9 .*has joined with the keys S2_AccessControl/);

    // Its lines are what the configuration wants.
    const { devices } = parse((done.found[0]?.configuration ?? []).join('\n')) as {
      devices: readonly { id: string }[];
    };
    configure(devices);
    await gateway.reload();
    await api.online(idOf('node-9'));
    expect(await api.door('unlock', idOf('node-9'), { prefer: 'wait=20' })).toMatchObject({
      ...{ status: 'success', result: { was_confirmed_by_device: true } },
    });

    const { onboarding_id: leaving } = of(await start({ kind: 'zwave_exclusion' }));
    await until(leaving, ({ step }) => step === 'excluding');
    network.simulated.management.press(9);
    expect((await until(leaving, ({ status }) => status === 'succeeded')).message).toMatch(/^Node 9 has left/);

    const events = await api.post('/events/list', { since: '2020-01-01T00:00:00Z', limit: 500 });
    const audit = await api.post('/strikeplate/audit/list', {});
    const list = await api.post('/strikeplate/onboarding/list', {});
    for (const text of [log.text, events.text, audit.text, list.text])
      expect(text).not.toContain(fresh.dsk.slice(0, 11));
    expect(events.text).toContain('strikeplate.onboarding.changed');
    expect(audit.text).toContain('onboarding_ended');
  });
});
