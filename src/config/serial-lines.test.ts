import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bell, configFolder, options } from '../../test/kit/command-line/config-folder.ts';
import { defineDriver } from '../contract/index.ts';

const relay = defineDriver({
  ...bell,
  id: 'serial/relay',
  link: 'serial',
  settings: z.strictObject({ channel: z.int() }),
  describe: () => ({ deviceType: 'unit', manufacturer: 'Nobody', model: 'Unit' }),
  part: ({ channel }) => `relay ${channel}`,
  open: () => Promise.reject(new Error('not opened in these tests')),
});
const meter = defineDriver({
  ...bell,
  id: 'serial/meter',
  link: 'serial',
  settings: z.strictObject({}),
  describe: () => ({ deviceType: 'unit', manufacturer: 'Nobody', model: 'Unit' }),
  part: () => 'all of it',
  open: () => Promise.reject(new Error('not opened in these tests')),
});

const more = {
  drivers: {
    ...options.drivers,
    'serial/relay': () => Promise.resolve(relay),
    'serial/meter': () => Promise.resolve(meter),
  },
  simulators: { 'serial/board': () => Promise.resolve({ link: 'serial' as const, settings: z.strictObject({}) }) },
};

const config = (serial: string, devices: string) =>
  `gateway: { id: lobby, name: Lobby, time_zone: Europe/Zurich }\nserial:\n${serial}\ndevices:\n${devices}\n`;

const bus = '  bus1: { path: /dev/ttyUSB0, baud_rate: 4800, parity: even }';
const device = (id: string, driver: string, link: string, settings = '{}') =>
  `  - { id: ${id}, name: ${id}, driver: ${driver}, link: ${link}, settings: ${settings} }`;

describe('serial lines', () => {
  it('are read with their defaults, and units with their address', async () => {
    const { load } = configFolder();
    const { serial, devices, simulation } = await load(
      `${config(`${bus}\n  trial: { simulated: true }`, device('front', 'serial/relay', '{ serial: bus1, unit: 7 }', '{ channel: 1 }'))}simulation:\n  - { simulator: serial/board, link: { serial: trial } }\n`,
      more,
    );
    expect(serial).toEqual([
      { name: 'bus1', path: '/dev/ttyUSB0', baudRate: 4800, parity: 'even', stopBits: 1 },
      { name: 'trial', path: undefined, baudRate: 9600, parity: 'none', stopBits: 1 },
    ]);
    expect(devices.map(({ link }) => link)).toEqual([{ kind: 'serial', name: 'bus1', unit: 7 }]);
    expect(simulation.map(({ link }) => link)).toEqual([{ kind: 'serial', name: 'trial' }]);
  });

  it.each([
    [
      'neither a path nor simulated',
      '  bus1: { baud_rate: 9600 }',
      '',
      'gateway.yaml:3:3 serial.bus1: a line is either path (a port) or simulated (one inside the gateway): one of them is missing.',
    ],
    [
      'both',
      '  bus1: { path: /dev/ttyUSB0, simulated: true }',
      '',
      'gateway.yaml:3:3 serial.bus1: a line is either path (a port) or simulated (one inside the gateway): not both.',
    ],
    [
      'a path that is none',
      '  bus1: { path: COM1 }',
      '',
      'gateway.yaml:3:17 serial.bus1.path: must be an absolute path such as /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10K-if00-port0.',
    ],
    [
      'one port twice',
      `${bus}\n  bus2: { path: /dev/ttyUSB0 }`,
      '',
      'gateway.yaml:4:17 serial.bus2.path: serial.bus1 is this port already.',
    ],
    [
      'a line that is not there',
      bus,
      device('front', 'serial/relay', '{ serial: bus9, unit: 1 }', '{ channel: 1 }'),
      'gateway.yaml:5:69 devices.0.link.serial: "bus9" is not known; the section serial has: bus1.',
    ],
    [
      'no unit',
      bus,
      device('front', 'serial/relay', '{ serial: bus1 }', '{ channel: 1 }'),
      'gateway.yaml:5:53 devices.0.link.unit: is missing.',
    ],
    [
      'a unit that Modbus does not have',
      bus,
      device('front', 'serial/relay', '{ serial: bus1, unit: 248 }', '{ channel: 1 }'),
      'gateway.yaml:5:81 devices.0.link.unit: must be at most 247.',
    ],
    [
      'one unit as two products',
      bus,
      [
        device('front', 'serial/relay', '{ serial: bus1, unit: 1 }', '{ channel: 1 }'),
        device('hall', 'serial/meter', '{ serial: bus1, unit: 1 }'),
      ].join('\n'),
      'gateway.yaml:6:57 devices.1.link: devices.0 is this unit already, with the driver serial/relay.',
    ],
    [
      'one relay as two doors',
      bus,
      [
        device('front', 'serial/relay', '{ serial: bus1, unit: 1 }', '{ channel: 1 }'),
        device('back', 'serial/relay', '{ serial: bus1, unit: 1 }', '{ channel: 2 }'),
        device('side', 'serial/relay', '{ serial: bus1, unit: 1 }', '{ channel: 2, }'),
      ].join('\n'),
      'gateway.yaml:7:5 devices.2: this is the same device as devices.1: driver, link and settings are equal.',
    ],
  ])('refuse %s', async (_what, serial, devices, problem) => {
    const { problemsOf } = configFolder();
    const text = devices === '' ? config(serial, '').replace('devices:\n', 'devices: []') : config(serial, devices);
    expect(await problemsOf(text, more)).toEqual([problem]);
  });

  it('refuse one relay as two doors although their settings differ otherwise', async () => {
    const { problemsOf } = configFolder();
    const two = {
      ...more,
      drivers: {
        'serial/relay': () =>
          Promise.resolve(
            defineDriver({ ...relay, settings: z.strictObject({ channel: z.int(), release_s: z.int() }) }),
          ),
      },
    };
    const doors = ['{ channel: 2, release_s: 3 }', '{ channel: 2, release_s: 5 }']
      .map((settings, index) => device(`d${index}`, 'serial/relay', '{ serial: bus1, unit: 1 }', settings))
      .join('\n');
    expect(await problemsOf(config(bus, doors), two)).toEqual([
      'gateway.yaml:6:5 devices.1: this is the same device as devices.0: line, unit and relay 2 are equal.',
    ]);
  });
});
