import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bell, configFolder, options } from '../../test/kit/command-line/config-folder.ts';
import { defineDriver } from '../contract/index.ts';

const tag = defineDriver({
  ...bell,
  id: 'ble/tag',
  link: 'ble',
  settings: z.strictObject({ colour: z.string().optional() }),
  part: () => 'all of it',
  describe: () => ({ deviceType: 'tag', manufacturer: 'Nobody', model: 'Tag' }),
  open: () => Promise.reject(new Error('not opened in these tests')),
});

const more = {
  drivers: { ...options.drivers, 'ble/tag': () => Promise.resolve(tag) },
  simulators: { 'ble/radio': () => Promise.resolve({ link: 'ble' as const, settings: z.strictObject({}) }) },
};

const config = (ble: string, devices = '', serial = '') =>
  `gateway: { id: lobby, name: Lobby, time_zone: Europe/Zurich }\nble:\n${ble}\ndevices:${devices === '' ? ' []' : `\n${devices}`}\n${serial}`;

const radio = '  radio: { adapter: hci0 }';
const device = (id: string, link: string, settings = '{}') =>
  `  - { id: ${id}, name: ${id}, driver: ble/tag, link: ${link}, settings: ${settings} }`;

describe('Bluetooth adapters', () => {
  it('are read with their defaults, and devices with their address', async () => {
    const { load } = configFolder();
    const { ble, devices, simulation } = await load(
      `${config(
        [
          '  radio: { adapter: "00:1A:7D:DA:71:13", user_channel: true, connections: 2 }',
          '  dongle: { uart: /dev/ttyACM0 }',
          '  fast: { uart: /dev/ttyACM1, baud_rate: 2000000 }',
          '  shared: { dbus: "00:1A:7D:DA:71:14" }',
          '  trial: { simulated: true }',
        ].join('\n'),
        `${device('a', '{ ble: radio, address: "54:D2:72:AA:BB:CC" }')}\n${device('b', '{ ble: dongle, address: "C0:11:22:33:44:55", address_type: random }')}`,
      )}simulation:\n  - { simulator: ble/radio, link: { ble: trial } }\n`,
      more,
    );
    expect(ble).toEqual([
      {
        name: 'radio',
        radio: { kind: 'kernel', adapter: '00:1a:7d:da:71:13', userChannel: true },
        connections: 2,
      },
      { name: 'dongle', radio: { kind: 'uart', path: '/dev/ttyACM0', baudRate: 1_000_000 }, connections: 1 },
      { name: 'fast', radio: { kind: 'uart', path: '/dev/ttyACM1', baudRate: 2_000_000 }, connections: 1 },
      { name: 'shared', radio: { kind: 'dbus', adapter: '00:1a:7d:da:71:14' }, connections: 1 },
      { name: 'trial', radio: { kind: 'simulated' }, connections: 1 },
    ]);
    expect(devices.map(({ link }) => link)).toEqual([
      { kind: 'ble', name: 'radio', address: '54:d2:72:aa:bb:cc', addressType: 'public' },
      { kind: 'ble', name: 'dongle', address: 'c0:11:22:33:44:55', addressType: 'random' },
    ]);
    expect(simulation.map(({ link }) => link)).toEqual([{ kind: 'ble', name: 'trial' }]);
  });

  it.each([
    [
      'nothing that it is',
      config('  radio: {}'),
      'gateway.yaml:3:3 ble.radio: a Bluetooth adapter is adapter (one of the kernel), uart (a dongle on a serial port), dbus (one that BlueZ keeps) or simulated (inside the gateway): one of them is missing.',
    ],
    [
      'two things at once',
      config('  radio: { adapter: hci0, simulated: true }'),
      'gateway.yaml:3:3 ble.radio: a Bluetooth adapter is adapter (one of the kernel), uart (a dongle on a serial port), dbus (one that BlueZ keeps) or simulated (inside the gateway): not adapter and simulated together.',
    ],
    [
      'a name that no adapter has',
      config('  radio: { adapter: usb0 }'),
      'gateway.yaml:3:21 ble.radio.adapter: must be a name such as hci0, or the address of an adapter such as "00:1A:7D:DA:71:13".',
    ],
    [
      'a baud rate without a serial port',
      config('  radio: { adapter: hci0, baud_rate: 115200 }'),
      'gateway.yaml:3:27 ble.radio.baud_rate: belongs to an adapter with uart.',
    ],
    [
      'a user channel without a kernel',
      config('  radio: { uart: /dev/ttyACM0, user_channel: true }'),
      'gateway.yaml:3:32 ble.radio.user_channel: belongs to an adapter of the kernel.',
    ],
    [
      'one adapter in two ways',
      config(`${radio}\n  other: { dbus: hci0 }`),
      'gateway.yaml:4:18 ble.other.dbus: ble.radio uses this already.',
    ],
    [
      'one adapter twice',
      config(`${radio}\n  other: { adapter: hci0 }`),
      'gateway.yaml:4:21 ble.other.adapter: ble.radio uses this already.',
    ],
    [
      'a port that is a serial line',
      config('  radio: { uart: /dev/ttyACM0 }', '', 'serial: { bus1: { path: /dev/ttyACM0 } }\n'),
      'gateway.yaml:3:18 ble.radio.uart: serial.bus1 uses this already.',
    ],
    [
      'a device without an address',
      config(radio, device('a', '{ ble: radio }')),
      'gateway.yaml:5:40 devices.0.link.address: is missing.',
    ],
    [
      'an address that is none',
      config(radio, device('a', '{ ble: radio, address: 54-D2-72-AA-BB-CC }')),
      'gateway.yaml:5:69 devices.0.link.address: must be a Bluetooth address such as "54:D2:72:11:22:33"; scan ble lists them.',
    ],
    [
      'an adapter that is not there',
      config(radio, device('a', '{ ble: radoi, address: "54:D2:72:AA:BB:CC" }')),
      'gateway.yaml:5:53 devices.0.link.ble: "radoi" is not known; the section ble has: radio.',
    ],
    [
      'one device twice',
      config(
        radio,
        `${device('a', '{ ble: radio, address: "54:D2:72:AA:BB:CC" }')}\n${device('b', '{ ble: radio, address: "54:d2:72:aa:bb:cc" }', '{ colour: red }')}`,
      ),
      'gateway.yaml:6:69 devices.1.link.address: devices.0 has this address already.',
    ],
  ])('with %s are refused', async (_, text, problem) => {
    const { problemsOf } = configFolder();
    expect(await problemsOf(text, more)).toEqual([problem]);
  });
});
