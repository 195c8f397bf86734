import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bell, configFolder, options } from '../../test/kit/command-line/config-folder.ts';
import { defineDriver } from '../contract/index.ts';
import { newZwaveKeys, readZwaveKeys } from './zwave-keys.ts';

const bolt = defineDriver({
  ...bell,
  id: 'serial/bolt',
  link: 'zwave',
  settings: z.strictObject({ colour: z.string().optional() }),
  describe: () => ({ deviceType: 'lock', manufacturer: 'Nobody', model: 'Bolt' }),
  part: () => 'all of it',
  open: () => Promise.reject(new Error('not opened in these tests')),
});
const more = {
  drivers: {
    ...options.drivers,
    'serial/bolt': () => Promise.resolve(bolt),
    'serial/other': () => Promise.resolve({ ...bolt, id: 'serial/other' as const }),
  },
  simulators: { 'serial/stick': () => Promise.resolve({ link: 'zwave' as const, settings: z.strictObject({}) }) },
};

const stick = '  stick: { path: /dev/ttyACM0, keys_file: zwave.keys, cache_dir: zwave }';
const lock = (id: string, link = '{ zwave: stick, node: 5 }', driver = 'serial/bolt', settings = '{}') =>
  `  - { id: ${id}, name: ${id}, driver: ${driver}, link: ${link}, settings: ${settings} }`;
const config = (sticks: string, devices: string) =>
  `gateway: { id: lobby, name: Lobby, time_zone: Europe/Zurich }\nzwave:\n${sticks}\ndevices:\n${devices}\n`;

/** A folder with a file of keys in it. */
function folderWithKeys(content = newZwaveKeys(randomBytes), mode = 0o600) {
  const found = configFolder();
  const keysFile = join(found.folder, 'zwave.keys');
  writeFileSync(keysFile, content, { mode });
  chmodSync(keysFile, mode);
  return { ...found, keysFile };
}

describe('Z-Wave sticks', () => {
  it('are read with their files in the state directory, and nodes with their number', async () => {
    const { load, folder } = folderWithKeys();
    const loaded = await load(
      `${config(stick.replace('}', ', home_id: "C0FFEE01" }'), lock('front'))}simulation:\n  - { simulator: serial/stick, link: { zwave: stick } }\n`,
      more,
    );
    expect(loaded.zwave).toEqual([
      {
        name: 'stick',
        path: '/dev/ttyACM0',
        keysFile: join(folder, 'zwave.keys'),
        cacheDir: join(folder, 'zwave'),
        homeId: 'c0ffee01',
      },
    ]);
    expect(loaded.devices.map(({ link }) => link)).toEqual([{ kind: 'zwave', name: 'stick', node: 5 }]);
    expect(loaded.simulation.map(({ link }) => link)).toEqual([{ kind: 'zwave', name: 'stick' }]);
  });

  it.each([
    [
      'a stick on the port of a line',
      `${stick}\nserial:\n  bus1: { path: /dev/ttyACM0 }`,
      lock('front'),
      'gateway.yaml:3:18 zwave.stick.path: serial.bus1 is this port already.',
    ],
    [
      'a home id that lost its quotes',
      stick.replace('}', ', home_id: 12345678 }'),
      lock('front'),
      'gateway.yaml:3:83 zwave.stick.home_id: must be text, but is a number; put it in quotes.',
    ],
    [
      'a stick that is not there',
      stick,
      lock('front', '{ zwave: other, node: 5 }'),
      'gateway.yaml:5:67 devices.0.link.zwave: "other" is not known; the section zwave has: stick.',
    ],
    [
      'a node between the classic and the Long Range ones',
      stick,
      lock('front', '{ zwave: stick, node: 240 }'),
      'gateway.yaml:5:80 devices.0.link.node: must be 1 to 232, or 256 to 4000.',
    ],
    [
      'one node as two products',
      stick,
      [lock('front'), lock('back', undefined, 'serial/other')].join('\n'),
      'gateway.yaml:6:57 devices.1.link: devices.0 is this node already, with the driver serial/bolt.',
    ],
    [
      'one node as two doors',
      stick,
      [lock('front', undefined, undefined, '{ colour: red }'), lock('back')].join('\n'),
      'gateway.yaml:6:5 devices.1: this is the same device as devices.0: stick, node and all of it are equal.',
    ],
  ])('refuse %s', async (_what, sticks, devices, problem) => {
    const { problemsOf } = folderWithKeys();
    expect(await problemsOf(config(sticks, devices), more)).toEqual([problem]);
  });
});

describe('the keys of a Z-Wave network', () => {
  it('are made anew each time, and read back as 16 bytes each', async () => {
    const { keysFile } = folderWithKeys();
    const keys = await readZwaveKeys(keysFile);
    expect(keys.S2_AccessControl).toHaveLength(16);
    expect(keys.long_range?.S2_AccessControl).toHaveLength(16);
    expect(newZwaveKeys(randomBytes)).not.toBe(newZwaveKeys(randomBytes));
  });

  it('may be JSON, of digits alone, and without Long Range', async () => {
    const { keysFile } = folderWithKeys(
      JSON.stringify({
        S0_Legacy: '1'.repeat(32),
        S2_Unauthenticated: '2'.repeat(32),
        S2_Authenticated: `12e4${'0'.repeat(28)}`,
        S2_AccessControl: 'ab'.repeat(16),
      }),
    );
    expect((await readZwaveKeys(keysFile)).S2_Authenticated.toString('hex')).toBe(`12e4${'0'.repeat(28)}`);
  });

  const good = newZwaveKeys((length) => randomBytes(length));
  const keysIn = (text: string) => [...text.matchAll(/[0-9a-f]{8,}/g)].map(([key]) => key);
  it.each([
    ['that others may read', good, 0o640, 'others may read the keys in zwave.keys (mode 0640); chmod 600 it.'],
    [
      'of which one is missing',
      good.replace(/S2_AccessControl: .*\n/, ''),
      0o600,
      'the keys in zwave.keys cannot be used: S2_AccessControl is missing.',
    ],
    [
      'with a digit too few',
      good.replace(/(S0_Legacy: .{31})./, '$1'),
      0o600,
      'the keys in zwave.keys cannot be used: S0_Legacy must be 32 hexadecimal digits.',
    ],
    [
      'with another name',
      `${good}S3: ${'ab'.repeat(16)}\n`,
      0o600,
      'the keys in zwave.keys cannot be used: it has names that are not known.',
    ],
    ['that are no keys', 'hello', 0o600, 'the keys in zwave.keys cannot be used: it must have one "NAME: HEX" a line.'],
    [
      'that are no text of that kind',
      '{ a: [',
      0o600,
      'zwave.keys is neither YAML nor JSON; it has one "NAME: HEX" a line.',
    ],
    [
      'of which two are equal',
      good.replaceAll(/: [0-9a-f]{32}/g, `: ${'ab'.repeat(16)}`),
      0o600,
      'the keys in zwave.keys must all be different.',
    ],
  ])('%s are refused, and not quoted', async (_what, content, mode, message) => {
    const { problemsOf } = folderWithKeys(content, mode);
    const problems = await problemsOf(config(stick, lock('front')), more);
    expect(problems).toEqual([`gateway.yaml:3:43 zwave.stick.keys_file: ${message}`]);
    for (const key of keysIn(content)) expect(problems.join('\n')).not.toContain(key.slice(0, 8));
  });

  it('that are not there are made by a command', async () => {
    const { problemsOf } = configFolder();
    expect(await problemsOf(config(stick, lock('front')), more)).toEqual([
      "gateway.yaml:3:43 zwave.stick.keys_file: there is no file zwave.keys. A new network's keys are made by: strikeplate keys zwave FILE",
    ]);
  });
});
