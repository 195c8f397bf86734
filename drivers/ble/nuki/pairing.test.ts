import { afterEach, describe, expect, it } from 'vitest';
import { type GatewayError, openDevice, Secret } from '../../../src/contract/index.ts';
import { testCommand } from '../../../src/driver-testing/command-context.ts';
import { type RadioFixture, radioFixture } from '../../../test/kit/radio/radio-fixture.ts';
import { services } from './catalogue.ts';
import { parseCredentials } from './credentials.ts';
import { nuki } from './driver.ts';
import { pairing } from './pairing.ts';
import { recognise } from './recognise.ts';
import { settings } from './settings.ts';
import { SimulatedNuki, type SimulatedNukiOptions } from './simulator.ts';

let radio: RadioFixture;
let lock: SimulatedNuki;
let address: string;

afterEach(() => radio.close());

async function build(options: Partial<SimulatedNukiOptions> = {}) {
  radio = await radioFixture();
  const { clock } = radio;
  lock = new SimulatedNuki({ clock, randomBytes, ...options });
  ({ address } = await radio.serve(lock));
  await radio.up();
}

const randomBytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(radio.random() * 256));
const link = () => radio.adapter.link({ address, addressType: 'public' }, 'Front door');

const pair = (answers: Record<string, string> = {}) =>
  radio.clock.until(
    pairing
      .pair(link(), {
        clock: radio.clock,
        log: radio.log,
        signal: new AbortController().signal,
        randomBytes,
        ownName: 'Strikeplate lobby',
        answers: new Map(Object.entries(answers).map(([name, value]) => [name, new Secret(value)])),
      })
      .catch((error: unknown) => error as GatewayError),
  );

/** What pairing left behind opens the door. */
async function opens(credentials: Secret) {
  const { clock, random, log } = radio;
  const reports: unknown[] = [];
  const device = await openDevice(nuki, link(), settings.parse({ keypad: true }), {
    ...{ deviceId: 'front', name: 'Front door', clock, random, randomBytes, log, credentials },
    report: (report) => reports.push(report),
  });
  await clock.advance(4_000);
  const command = testCommand({ clock, sendByMs: 6_000, deadlineMs: 20_000 });
  const outcome = await clock.until(device.lock?.unlock(command.ctx) ?? Promise.reject(new Error('no lock')));
  command.end();
  await device.close();
  return outcome;
}

describe.each([
  ['classic', '1234'],
  ['ultra', '123456'],
] as const)('with the %s protocol', (generation, pin) => {
  it('a lock whose button was held is paired, and opens', async () => {
    await build({ generation, pin: Number(pin) });
    lock.holdButton();
    const credentials = await pair({ pin });
    expect(credentials).toBeInstanceOf(Secret);
    expect(parseCredentials(credentials as Secret, 'x')).toMatchObject({ authorizationId: 1, protocol: generation });
    expect(lock.authorizations).toMatchObject([{ name: 'Strikeplate lobby', idType: 0 }]);
    expect(await opens(credentials as Secret)).toEqual({ wasConfirmedByDevice: true });
    expect(radio.air.openLinks).toEqual([]);
  });

  it('a lock that is not ready says what to do', async () => {
    await build({ generation });
    const error = (await pair({ pin })) as GatewayError;
    expect(error).toMatchObject({ type: 'device_not_ready' });
    expect(error.message).toContain('Hold its button');
  });
});

it('a lock of the Ultra class wants its PIN, and the right one', async () => {
  await build({ generation: 'ultra', pin: 123_456 });
  lock.holdButton();
  expect(await pair()).toMatchObject({ type: 'invalid_input' });
  expect(await pair({ pin: '654321' })).toMatchObject({ type: 'authentication_failed' });
  expect(await pair({ pin: 'secret' })).toMatchObject({ type: 'invalid_input' });
  expect(lock.authorizations).toEqual([]);
});

it('what it leaves behind shows nowhere', async () => {
  await build();
  lock.holdButton();
  const credentials = (await pair({ pin: '1234' })) as Secret;
  expect(`${credentials}${JSON.stringify({ credentials })}`).toBe('***{"credentials":"***"}');
});

it('what cannot be read any more says so without quoting it', () => {
  for (const text of ['', '{"shared_key":"ffee"}', '{"version":2}'])
    expect(() => parseCredentials(new Secret(text), 'Front door')).toThrow(/Pair it again/);
});

describe('locks on the air are recognised', () => {
  const base = {
    ...{ address: '54:d2:72:00:00:01', addressType: 'public' as const, rssi: -60, localName: undefined },
    ...{ manufacturerData: undefined, serviceUuids: [], serviceData: [] },
  };
  const id = Buffer.from('1a2b3c4d', 'hex');
  const beacon = (company: string, type: string) =>
    Buffer.concat([
      Buffer.from(`${company}${type}`, 'hex'),
      Buffer.from(services.keyturner, 'hex'),
      id,
      Buffer.from([0xc4]),
    ]);

  it('by their beacon, their pairing service or their name', () => {
    expect(recognise({ ...base, manufacturerData: beacon('4c00', '0215') })).toMatchObject({
      what: 'Nuki Smart Lock 1A2B3C4D',
    });
    for (const uuid of [services.classicPairing, services.ultraPairing])
      expect(recognise({ ...base, serviceData: [{ uuid, data: id }] })).toMatchObject({ note: 'ready to be paired' });
    expect(recognise({ ...base, localName: 'Nuki_1A2B3C4D' })?.what).toBe('Nuki Smart Lock');
  });

  it('and nothing else is', () => {
    for (const other of [
      base,
      { ...base, manufacturerData: beacon('4c00', '0610') },
      { ...base, manufacturerData: beacon('e000', '0215') },
      { ...base, manufacturerData: Buffer.alloc(25) },
      { ...base, localName: 'Nuki_' },
    ])
      expect(recognise(other)).toBeUndefined();
  });
});
