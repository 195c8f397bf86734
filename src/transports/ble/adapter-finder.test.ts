import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { type AdapterChoice, AdapterFinder } from './adapter-finder.ts';
import { BluezTrouble, bluezHint } from './bluez/bluez-trouble.ts';
import { DBUS_PACKAGE } from './bluez/system-bus.ts';
import { type ControlSocket, type KernelAdapter, listKernelAdapters } from './kernel-adapters.ts';

const one = { index: 0, address: '00:1a:7d:da:71:01', powered: true };
const two = { index: 1, address: '00:1a:7d:da:71:02', powered: true };

function finder(
  choice: AdapterChoice,
  present: {
    adapters: readonly KernelAdapter[] | Error;
    bluez?: readonly KernelAdapter[] | Error;
    paths?: string[];
  },
) {
  return new AdapterFinder(choice, {
    kernelAdapters: async () => {
      if (present.adapters instanceof Error) throw present.adapters;
      return present.adapters;
    },
    bluezAdapters: async () => {
      if (present.bluez instanceof Error) throw present.bluez;
      return present.bluez ?? [];
    },
    pathExists: async (path) => present.paths?.includes(path) ?? false,
  });
}

describe('a kernel adapter', () => {
  it('is taken by name at first and by address from then on', async () => {
    const present = { adapters: [one, two] as readonly KernelAdapter[] };
    const found = finder({ adapter: 'hci0' }, present);
    expect(await found.find()).toEqual({ binding: { kind: 'hci', index: 0, userChannel: false }, name: 'hci0' });
    found.learn(one.address);
    present.adapters = [two];
    expect(await found.find()).toMatchObject({ reason: 'no_adapter', hint: expect.stringContaining(two.address) });
    present.adapters = [two, { ...one, index: 2 }];
    expect(await found.find()).toMatchObject({ name: 'hci2' });
  });

  it('is taken by its address when that is configured', async () => {
    const found = finder({ adapter: two.address.toUpperCase(), userChannel: true }, { adapters: [one, two] });
    expect(await found.find()).toMatchObject({ binding: { kind: 'hci', index: 1, userChannel: true } });
  });

  it('is missed with a word on what to do, on a host without Bluetooth too', async () => {
    expect(await finder({ adapter: 'hci3' }, { adapters: [] }).find()).toMatchObject({ reason: 'no_adapter' });
    const without = finder({ adapter: 'hci0' }, { adapters: new Error('Address family not supported by protocol') });
    expect(await without.find()).toMatchObject({
      reason: 'no_bluetooth',
      hint: expect.stringContaining('Address family not supported'),
    });
  });
});

describe('an adapter that BlueZ keeps', () => {
  it('is taken by name at first and by address from then on', async () => {
    const present = { adapters: [], bluez: [one, two] as readonly KernelAdapter[] };
    const found = finder({ dbus: 'hci1' }, present);
    expect(await found.find()).toEqual({ binding: { kind: 'dbus', index: 1, address: two.address }, name: 'hci1' });
    found.learn(two.address);
    present.bluez = [{ ...two, index: 3 }];
    expect(await found.find()).toMatchObject({ binding: { kind: 'dbus', index: 3, address: two.address } });
    present.bluez = [one];
    expect(await found.find()).toMatchObject({ reason: 'no_adapter', hint: expect.stringContaining(one.address) });
  });

  it.each([
    ['library', 'npm install --no-save @jellybrick/dbus-next@0.11.3'],
    ['bus', 'systemctl status dbus'],
    ['daemon', 'systemctl enable --now bluetooth'],
    ['silent', 'systemctl restart bluetooth'],
  ] as const)('is missed with a word on what to do: %s', async (kind, word) => {
    expect(await finder({ dbus: 'hci0' }, { adapters: [], bluez: new BluezTrouble(kind) }).find()).toMatchObject({
      reason: 'no_bluez',
      hint: expect.stringContaining(word),
    });
  });

  it('is asked for in the version that was installed for these tests', async () => {
    const { peerDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
    expect(bluezHint(new BluezTrouble('library'))).toContain(`${DBUS_PACKAGE}@${peerDependencies[DBUS_PACKAGE]}`);
  });
});

it('a serial port is there or not', async () => {
  const choice = { uart: '/dev/ttyACM0', baudRate: 1_000_000 };
  expect(await finder(choice, { adapters: [] }).find()).toMatchObject({ reason: 'no_adapter' });
  expect(await finder(choice, { adapters: [], paths: ['/dev/ttyACM0'] }).find()).toEqual({
    binding: { kind: 'uart', path: '/dev/ttyACM0', baudRate: 1_000_000 },
    name: '/dev/ttyACM0',
  });
});

/** Answers as the kernel does (BlueZ, doc/mgmt-api): 5.15, two controllers. */
class Kernel extends EventEmitter implements ControlSocket {
  readonly asked: string[] = [];
  stopped = false;
  readonly #answers: Readonly<Record<string, string>>;

  constructor(answers: Readonly<Record<string, string>>) {
    super();
    this.#answers = answers;
  }

  bindControl(): void {}

  start(): void {
    const error = this.#answers.error;
    if (error !== undefined) this.emit('error', new Error(error));
  }

  stop(): void {
    this.stopped = true;
  }

  write(bytes: Buffer): void {
    this.asked.push(bytes.toString('hex'));
    const answer = this.#answers[bytes.toString('hex')];
    // An event of somebody else's comes in between.
    queueMicrotask(() => this.emit('data', Buffer.from('0b0001000700', 'hex')));
    if (answer !== undefined) queueMicrotask(() => this.emit('data', Buffer.from(answer, 'hex')));
  }
}

const information = (address: string, powered: boolean) =>
  `${address}0b0200ffff0100${powered ? 'd10a0000' : 'd00a0000'}000000${'00'.repeat(260)}`;

describe('the kernel', () => {
  it('is asked for its adapters, and lists them by index and address', async () => {
    const kernel = new Kernel({
      '0300ffff0000': '0100ffff0900030000020000000200',
      '040000000000': `010000001901040000${information('0171da7d1a00', true)}`,
      '040002000000': `010002001901040000${information('0271da7d1a00', false)}`,
    });
    expect(await listKernelAdapters(new SimulatedClock(), () => kernel)).toEqual([
      { index: 0, address: '00:1a:7d:da:71:01', powered: true },
      { index: 2, address: '00:1a:7d:da:71:02', powered: false },
    ]);
    expect(kernel.stopped).toBe(true);
  });

  it('without Bluetooth fails at once', async () => {
    const kernel = new Kernel({ error: 'Address family not supported by protocol' });
    await expect(listKernelAdapters(new SimulatedClock(), () => kernel)).rejects.toThrow('Address family');
    expect(kernel.stopped).toBe(true);
  });

  it('that says nothing is not waited for', async () => {
    const clock = new SimulatedClock();
    const kernel = new Kernel({});
    const listed = listKernelAdapters(clock, () => kernel).catch((error: Error) => error.message);
    expect(await clock.until(listed)).toContain('did not answer');
    expect(clock.now()).toBe(1_000);
  });

  it('that refuses is quoted', async () => {
    const kernel = new Kernel({ '0300ffff0000': '0200ffff0300030014' });
    await expect(listKernelAdapters(new SimulatedClock(), () => kernel)).rejects.toThrow('status 20');
  });
});
