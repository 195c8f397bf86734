import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { CommandError } from '../../src/cli/exit.ts';
import { pair } from '../../src/cli/pair.ts';
import { scanBle } from '../../src/cli/scan-ble.ts';
import { playRadios } from '../../src/cli/simulate.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { startGateway } from '../../src/composition/gateway.ts';
import { pairSimulated } from '../../src/composition/pairing.ts';
import { loadConfig } from '../../src/config/load.ts';
import { recordLog } from '../../src/driver-testing/recorded-log.ts';
import { loadRecognisers } from '../../src/onboarding/bluetooth-scan.ts';
import { simulators } from '../../src/simulation/index.ts';
import { pairingFilesOf } from '../../src/store/pairing-files.ts';
import { SimulatedRadios } from '../../src/transports/ble/simulated-radios.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { GatewayBox, idOf } from '../kit/gateway/gateway-box.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';

/* A gateway that gets to know a second Bluetooth lock while the first one's door goes on. */

const front = '54:D2:72:00:00:01';
const cellar = '54:D2:72:00:00:02';
const pin = '7391';
/** Ids, hashes and times: four digits come up in them by themselves. */
const madeByChance = /[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|"time":\d+/g;

const lock = (id: string, address: string) => ({
  ...{ id, name: id, driver: 'ble/nuki', link: { ble: 'radio', address }, settings: {} },
});

interface Shown {
  readonly onboarding_id: string;
  readonly status: string;
  readonly message: string;
  readonly seconds_left: number;
  readonly found: readonly { readonly address: string; readonly configured_as: string | null }[];
  readonly error: { readonly type: string; readonly message: string } | null;
}

describe('a gateway that runs', () => {
  let box: GatewayBox;
  let log: ReturnType<typeof recordLog>;
  let api: ApiCaller;
  let close: () => Promise<void>;
  let url: string;
  let key: string;

  beforeEach(async () => {
    box = await GatewayBox.make({
      ble: { radio: { simulated: true } },
      devices: [lock('front', front), lock('cellar', cellar)],
      simulation: [
        {
          simulator: 'ble/radio',
          link: { ble: 'radio' },
          settings: {
            devices: [
              { kind: 'nuki', address: front, pin: '1000', motor_ms: 200 },
              { kind: 'nuki', address: cellar, pin, motor_ms: 200 },
            ],
          },
        },
      ],
    });
    const config = await loadConfig(box.configFile, { drivers, simulators, env: {}, now: Date.now() });
    log = recordLog();
    const surroundings = { clock: systemClock, random: Math.random, log: log.logger };
    const simulatedRadios = new SimulatedRadios();
    const radios = await playRadios(config, simulators, simulatedRadios, { ...surroundings, buttonsHeld: true });
    const pairings = pairingFilesOf(config, randomBytes);
    const first = { ...config, devices: config.devices.filter(({ slug }) => slug === 'front') };
    await pairSimulated(first, radios.waiting, { ...surroundings, simulatedRadios, pairings });
    const gateway = await startGateway({
      ...{ config, log: log.logger, simulatedRadios, recognisers: () => loadRecognisers(drivers) },
      onFatal: (error) => {
        throw error;
      },
    });
    ({ key } = await box.makeKey({ name: 'installer', scopes: ['read', 'control', 'admin'] }));
    ({ url } = gateway);
    api = new ApiCaller(url, key);
    close = async () => {
      await gateway.close();
      await radios.close();
    };
  });
  afterEach(async () => {
    await close();
    box.dispose();
  });

  const ask = async (verb: string, body: object): Promise<{ readonly status: number; readonly shown: Shown }> => {
    const answer = await api.post(`/strikeplate/onboarding/${verb}`, body);
    const { onboarding } = answer.body as unknown as { readonly onboarding: Shown };
    return { status: answer.status, shown: onboarding };
  };
  async function ended(onboarding_id: string): Promise<Shown> {
    for (;;) {
      const { shown } = await ask('get', { onboarding_id });
      if (shown.status !== 'running') return shown;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const pairCellar = (answers: Readonly<Record<string, string>>) =>
    api.post('/strikeplate/onboarding/start', { kind: 'device_pairing', device_id: idOf('cellar'), answers });

  it('pairs a lock, opens it at once, and disturbs no other door', async () => {
    expect(await api.door('unlock', idOf('cellar'), { prefer: 'wait=5' })).toMatchObject({ status: 'error' });
    const { shown } = await ask('start', { kind: 'device_pairing', device_id: idOf('cellar'), answers: { pin } });
    expect(shown).toMatchObject({ status: 'running' });
    const doors: unknown[] = [];
    let isOver = false;
    const others = (async () => {
      for (let time = 0; !isOver || time < 2; time++)
        doors.push(await api.door(time % 2 === 0 ? 'unlock' : 'lock', idOf('front'), { prefer: 'wait=20' }));
    })();
    expect(await ended(shown.onboarding_id)).toMatchObject({
      ...{ status: 'succeeded', message: 'cellar is paired, and says that it is locked.', seconds_left: 0 },
    });
    isOver = true;
    await others;
    for (const door of doors) expect(door).toMatchObject({ status: 'success' });
    const opened = await api.door('unlock', idOf('cellar'), { prefer: 'wait=20' });
    expect(opened).toMatchObject({ status: 'success', result: { was_confirmed_by_device: true } });
    const { body } = await api.post('/events/list', {
      since: '2020-01-01T00:00:00Z',
      event_type: 'strikeplate.onboarding.changed',
    });
    const { events } = body as unknown as { readonly events: readonly { step: string; status: string }[] };
    expect(events.map(({ step }) => step)).toContain('waiting');
    const audit = await api.post('/strikeplate/audit/list', {});
    for (const text of [log.text, JSON.stringify(events), JSON.stringify(audit.body)])
      expect(text.replace(madeByChance, '…')).not.toContain(pin);
    expect(JSON.stringify(audit.body)).toContain('"onboarding_ended"');
  });

  it('refuses a PIN that is none before anybody goes to the lock, and a second one on the radio', async () => {
    expect(await pairCellar({ pin: '12' })).toMatchObject({
      ...{ status: 400, body: { error: { type: 'invalid_input', message: expect.stringContaining('four digits') } } },
    });
    const { shown } = await ask('start', { kind: 'bluetooth_scan', seconds: 60 });
    expect(await pairCellar({ pin })).toMatchObject({ status: 409, body: { error: { type: 'onboarding_under_way' } } });
    expect((await ask('cancel', { onboarding_id: shown.onboarding_id })).shown.status).toBe('cancelled');
    expect(existsSync(join(box.stateDir, 'pairings', `${idOf('cellar')}.json`))).toBe(false);
  });

  it('lists what it hears, and which of it is configured', async () => {
    const { shown } = await ask('start', { kind: 'bluetooth_scan', link: 'ble/radio', seconds: 2 });
    const { status, found } = await ended(shown.onboarding_id);
    expect([status, found.map((one) => [one.address, one.configured_as]).sort()]).toEqual([
      'succeeded',
      [
        [front.toLowerCase(), 'front'],
        [cellar.toLowerCase(), 'cellar'],
      ],
    ]);
  });

  it('is told what to do by the command line, which needs nothing but its address and a key', async () => {
    const terminal = new RecordedTerminal(box.folder, { STRIKEPLATE_URL: url, STRIKEPLATE_API_KEY: key });
    const catalogues = { drivers, simulators };
    const never = new AbortController().signal;
    writeFileSync(join(box.folder, 'pin'), `${pin}\n`);
    const answerFile = new Map([['pin', 'pin']]);
    expect(await pair(terminal, catalogues, 'cellar', { answerFile, timeout: 60 }, never)).toBe(0);
    expect(terminal.errLines.at(-1)).toBe('cellar is paired, and says that it is locked.');
    expect(terminal.errors).not.toContain(pin);
    expect(await scanBle(terminal, catalogues, { baud: 0, seconds: 2 }, never)).toBe(0);
    expect(terminal.outLines.sort()).toEqual([
      expect.stringMatching(/^# Nuki .*, in the configuration as front$/),
      expect.stringMatching(/^# Nuki .*, in the configuration as cellar$/),
    ]);
  });

  it('puts its radio back when the command line is stopped', async () => {
    const terminal = new RecordedTerminal(box.folder, { STRIKEPLATE_URL: url, STRIKEPLATE_API_KEY: key });
    const stop = new AbortController();
    terminal.err = () => stop.abort(new CommandError('failed', 'The scan was stopped.'));
    const scan = scanBle(terminal, { drivers, simulators }, { baud: 0, seconds: 60 }, stop.signal);
    await expect(scan).rejects.toThrow('The scan was stopped.');
    const { body } = await api.post('/strikeplate/onboarding/list', {});
    expect(body).toMatchObject({ onboardings: [{ kind: 'bluetooth_scan', status: 'cancelled' }] });
  });

  it('refuses what cannot be, with what there is', async () => {
    for (const [body, message] of [
      [{ kind: 'zwave_inclusion' }, /has no section zwave with a link/],
      [{ kind: 'device_pairing', device_id: 'nobody' }, /No device of the running config/],
      [{ kind: 'bluetooth_scan', seconds: 4_000 }, /seconds must be 1 to 120/],
    ] as const) {
      const { body: answer } = await api.post('/strikeplate/onboarding/start', body);
      expect(answer).toMatchObject({ error: { message: expect.stringMatching(message) } });
    }
  });
});
