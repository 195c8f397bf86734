import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeBorders, type Verdict } from '../../scripts/borders.mjs';

const repository = resolve(import.meta.dirname, '../..');

/** What others import; together a small product that keeps every rule. */
const cleanTree: Record<string, string> = {
  'src/contract/index.ts': "export type { Lock } from './lock.ts';",
  'src/contract/lock.ts':
    "import { inspect } from 'node:util';\nimport type { Logger } from 'pino';\nimport { z } from 'zod';\nexport const shown = inspect.custom;\nexport const id = z.string();\nexport interface Lock { readonly log: Logger }",
  'src/model/store.ts':
    "import type { AttemptRecord } from './records.ts';\nexport interface Store { get(): AttemptRecord }",
  'src/model/records.ts': 'export interface AttemptRecord { readonly id: string }',
  'src/store/database.ts': "import Database from 'libsql';\nexport const open = (path: string) => new Database(path);",
  'src/model/gateway.ts': "import type { Store } from './store.ts';\nexport type Kept = Store;",
  'src/attempts/attempt.ts':
    "import { setup } from 'xstate';\nimport type { Lock } from '../contract/index.ts';\nimport { lane } from '../devices/lane.ts';\nimport type { Kept } from '../model/gateway.ts';\nimport type { Store } from '../model/store.ts';\nexport const attempt = (lock: Lock, store: Store, kept: Kept) => [lock, store, kept, lane, setup];",
  'src/devices/lane.ts': 'export const lane = 1;',
  'src/access-codes/repository.ts': 'export const repository = 1;',
  'src/access-grants/grant.ts':
    "import { repository } from '../access-codes/repository.ts';\nexport const grant = repository;",
  'src/noise/level.ts': 'export const level = 1;',
  'src/driver-kit/mailbox.ts': "import { id } from '../contract/lock.ts';\nexport const mailbox = id;",
  'src/driver-testing/index.ts':
    "import { describe } from 'vitest';\nimport { id } from '../contract/lock.ts';\nimport type { AttemptRecord } from '../model/records.ts';\nexport const suite = (record: AttemptRecord) => [record, id, describe];",
  'src/device-events/projector.ts': "import { attempt } from '../attempts/attempt.ts';\nexport const told = attempt;",
  'src/webhooks/queue.ts':
    "import type { Store } from '../model/store.ts';\nexport const hooks = (store: Store) => store;",
  'src/config/load.ts': 'export const settings = 1;',
  'src/model/device-snapshot.ts': 'export interface DeviceSnapshot { readonly name: string }',
  'src/permission/view.ts':
    "import type { Kept } from '../model/gateway.ts';\nexport const view = (kept: Kept) => kept;",
  'src/wire/device.ts':
    "import { z } from 'zod';\nimport { id } from '../contract/lock.ts';\nimport type { DeviceSnapshot } from '../model/device-snapshot.ts';\nimport type { Kept } from '../model/gateway.ts';\nimport type { AttemptRecord } from '../model/records.ts';\nexport const device = (snapshot: DeviceSnapshot, kept: Kept, attempt: AttemptRecord) => [snapshot, kept, attempt, id, z];",
  'src/http/server.ts':
    "import { attempt } from '../attempts/attempt.ts';\nimport { view } from '../permission/view.ts';\nexport const server = [attempt, view];",
  'src/monitor/metrics.ts': "import 'prom-client';\nexport const metrics = 1;",
  'src/transports/mqtt/link.ts':
    "import mqtt from 'mqtt';\nimport { id } from '../../contract/lock.ts';\nexport const link = [mqtt, id];",
  'src/transports/mqtt/embedded-broker.ts': "import { Aedes } from 'aedes';\nexport const broker = Aedes;",
  'src/transports/serial/port.ts': "import { SerialPort } from 'serialport';\nexport const port = SerialPort;",
  'src/transports/ble/radio.ts': "import noble from '@stoprocent/noble';\nexport const radio = noble;",
  'src/simulation/building.ts':
    "import mqtt from 'mqtt';\nimport { simulator } from '../../drivers/mqtt/bolt/simulator.ts';\nexport const building = [mqtt, simulator, () => import('@stoprocent/bleno')];",
  'src/cli/run.ts': "import { drivers } from '../../drivers/index.ts';\nexport const run = drivers;",
  'src/composition/gateway.ts':
    "import { told } from '../device-events/projector.ts';\nimport { server } from '../http/server.ts';\nimport { metrics } from '../monitor/metrics.ts';\nimport { building } from '../simulation/building.ts';\nimport { hooks } from '../webhooks/queue.ts';\nexport const main = [told, server, metrics, building, hooks];",
  'src/cli.ts':
    "import { run } from './cli/run.ts';\nimport { main } from './composition/gateway.ts';\nexport const cli = [run, main];",
  'drivers/index.ts': "export const drivers = { 'mqtt/bolt': () => import('./mqtt/bolt/driver.ts') };",
  'drivers/mqtt/bolt/driver.ts':
    "import { createHash } from 'node:crypto';\nimport nacl from 'tweetnacl';\nimport { z } from 'zod';\nimport type { Lock } from '../../../src/contract/index.ts';\nimport { encode } from './codec.ts';\nexport const driver = (lock: Lock) => [lock, encode, nacl, z, createHash];",
  'drivers/mqtt/bolt/codec.ts': "import { names } from './catalogue.ts';\nexport const encode = names;",
  'drivers/mqtt/bolt/catalogue.ts': "export const names = ['bolt'];",
  'drivers/mqtt/bolt/simulator.ts': "import { names } from './catalogue.ts';\nexport const simulator = names;",
  'drivers/mqtt/bolt/driver.test.ts':
    "import { connect } from 'node:net';\nimport mqtt from 'mqtt';\nimport { describe } from 'vitest';\nimport { kit } from '../../../test/kit/kit.ts';\nimport { simulator } from './simulator.ts';\nexport const tested = [connect, mqtt, describe, kit, simulator];",
  'drivers/serial/other/driver.ts': 'export const driver = 1;',
  'drivers/serial/modbus/requests.ts': 'export const request = 1;',
  'drivers/serial/modbus/simulated-line.ts': 'export const line = 1;',
  'drivers/serial/modbus-relay/driver.ts':
    "import { request } from '../modbus/requests.ts';\nexport const driver = request;",
  'drivers/serial/modbus-relay/simulator.ts':
    "import { line } from '../modbus/simulated-line.ts';\nexport const simulator = line;",
  'src/transports/zwave/library.ts': "export const library = () => import('zwave-js');",
  'test/kit/kit.ts': 'export const kit = 1;',
};

/** [rule, planted file, its text, what it reached for]. Each file is one violation and nothing else. */
const planted: readonly (readonly [rule: string, file: string, text: string, to: string])[] = [
  ['contract-imports-nothing-of-ours', 'src/contract/p1.ts', "import '../config/load.ts';", 'src/config/load.ts'],
  ['contract-imports-nothing-of-ours', 'src/contract/p2.ts', "import 'xstate';", 'xstate'],
  ['contract-imports-nothing-of-ours', 'src/contract/p3.ts', "import 'node:fs';", 'fs'],
  ['contract-takes-pino-as-a-type', 'src/contract/p4.ts', "import { pino } from 'pino';\npino();", 'pino'],
  [
    'driver-imports-contract-and-its-own-folder',
    'drivers/mqtt/bolt/p1.ts',
    "import '../../serial/other/driver.ts';",
    'drivers/serial/other/driver.ts',
  ],
  [
    'driver-imports-contract-and-its-own-folder',
    'drivers/mqtt/bolt/p2.ts',
    "import type { lane } from '../../../src/devices/lane.ts';\nexport type Lane = typeof lane;",
    'src/devices/lane.ts',
  ],
  [
    'driver-imports-contract-and-its-own-folder',
    'drivers/mqtt/bolt/p3.ts',
    "import '../../../src/transports/serial/port.ts';",
    'src/transports/serial/port.ts',
  ],
  ['driver-imports-contract-and-its-own-folder', 'drivers/mqtt/bolt/p4.ts', "import 'pino';", 'pino'],
  [
    'driver-imports-contract-and-its-own-folder',
    'drivers/serial/other/p1.ts',
    "import '../modbus/requests.ts';",
    'drivers/serial/modbus/requests.ts',
  ],
  [
    'modbus-driver-imports-its-family',
    'drivers/serial/modbus-relay/p1.ts',
    "import '../other/driver.ts';",
    'drivers/serial/other/driver.ts',
  ],
  [
    'modbus-simulator-never-uses-the-codec',
    'drivers/serial/modbus-noise/simulator.ts',
    "import '../modbus/requests.ts';",
    'drivers/serial/modbus/requests.ts',
  ],
  ['driver-opens-nothing-itself', 'drivers/mqtt/bolt/p5.ts', "import 'node:net';", 'net'],
  [
    'driver-index-loads-lazily',
    'drivers/index.ts',
    `${cleanTree['drivers/index.ts']}\nimport { driver } from './serial/other/driver.ts';\nexport const eager = driver;`,
    'drivers/serial/other/driver.ts',
  ],
  ['driver-index-knows-drivers-alone', 'drivers/p1.ts', "import '../src/config/load.ts';", 'src/config/load.ts'],
  [
    'only-composition-knows-drivers',
    'src/config/p1.ts',
    "import '../../drivers/mqtt/bolt/driver.ts';",
    'drivers/mqtt/bolt/driver.ts',
  ],
  [
    'simulation-uses-simulators-alone',
    'src/simulation/p1.ts',
    "import '../../drivers/mqtt/bolt/codec.ts';",
    'drivers/mqtt/bolt/codec.ts',
  ],
  ['mqtt-only-in-its-transport', 'src/monitor/p1.ts', "import 'mqtt';", 'mqtt'],
  ['mqtt-only-in-its-transport', 'src/config/p2.ts', "import 'aedes';", 'aedes'],
  ['serialport-only-in-its-transport', 'src/config/p3.ts', "import 'serialport';", 'serialport'],
  ['noble-only-in-its-transport', 'src/config/p4.ts', "import '@stoprocent/noble';", '@stoprocent/noble'],
  ['bleno-only-in-simulation', 'src/transports/ble/p1.ts', "import '@stoprocent/bleno';", '@stoprocent/bleno'],
  ['zwave-js-only-in-its-transport', 'drivers/mqtt/bolt/p6.ts', "import 'zwave-js';", 'zwave-js'],
  [
    'transport-implements-the-contract',
    'src/transports/serial/p1.ts',
    "import '../mqtt/link.ts';",
    'src/transports/mqtt/link.ts',
  ],
  [
    'transport-implements-the-contract',
    'src/transports/serial/p2.ts',
    "import '../../devices/lane.ts';",
    'src/devices/lane.ts',
  ],
  ['core-is-given-what-it-needs', 'src/attempts/p1.ts', "import '../store/database.ts';", 'src/store/database.ts'],
  ['core-is-given-what-it-needs', 'src/devices/p1.ts', "import '../config/load.ts';", 'src/config/load.ts'],
  [
    'core-is-given-what-it-needs',
    'src/noise/p1.ts',
    "import '../transports/serial/port.ts';",
    'src/transports/serial/port.ts',
  ],
  ['core-uses-few-libraries', 'src/access-codes/p1.ts', "import 'yaml';", 'yaml'],
  ['core-opens-nothing-itself', 'src/attempts/p2.ts', "import 'node:fs/promises';", 'fs/promises'],
  ['store-and-clock-stand-alone', 'src/store/p1.ts', "import '../devices/lane.ts';", 'src/devices/lane.ts'],
  ['nothing-imports-http', 'src/monitor/p2.ts', "import '../http/server.ts';", 'src/http/server.ts'],
  ['nothing-imports-http', 'src/config/p5.ts', "import '../http/server.ts';", 'src/http/server.ts'],
  ['nothing-imports-monitor', 'src/http/p1.ts', "import '../monitor/metrics.ts';", 'src/monitor/metrics.ts'],
  [
    'http-and-monitor-know-no-hardware',
    'src/http/p2.ts',
    "import '../transports/serial/port.ts';",
    'src/transports/serial/port.ts',
  ],
  ['wire-maps-the-model', 'src/wire/p1.ts', "import '../config/load.ts';", 'src/config/load.ts'],
  ['wire-maps-the-model', 'src/wire/p2.ts', "import '../devices/lane.ts';", 'src/devices/lane.ts'],
  [
    'nothing-imports-the-composition',
    'src/http/p3.ts',
    "import '../composition/gateway.ts';",
    'src/composition/gateway.ts',
  ],
  ['model-stands-on-the-contract-alone', 'src/model/p1.ts', "import '../devices/lane.ts';", 'src/devices/lane.ts'],
  ['model-stands-on-the-contract-alone', 'src/model/p2.ts', "import '../store/database.ts';", 'src/store/database.ts'],
  [
    'driver-kit-stands-on-the-contract-alone',
    'src/driver-kit/p1.ts',
    "import '../model/store.ts';",
    'src/model/store.ts',
  ],
  [
    'driver-testing-stands-on-the-contract',
    'src/driver-testing/p1.ts',
    "import '../transports/serial/port.ts';",
    'src/transports/serial/port.ts',
  ],
  [
    'driver-testing-stands-on-the-contract',
    'src/driver-testing/p2.ts',
    "import '../devices/lane.ts';",
    'src/devices/lane.ts',
  ],
  [
    'nothing-imports-driver-testing',
    'src/config/p10.ts',
    "import '../driver-testing/index.ts';",
    'src/driver-testing/index.ts',
  ],
  ['vitest-only-in-driver-testing', 'src/monitor/p10.ts', "import 'vitest';", 'vitest'],
  ['core-imports-downwards', 'src/devices/p2.ts', "import '../attempts/attempt.ts';", 'src/attempts/attempt.ts'],
  ['core-imports-downwards', 'src/events/p1.ts', "import '../devices/lane.ts';", 'src/devices/lane.ts'],
  ['attempts-know-no-subject', 'src/attempts/p3.ts', "import '../noise/level.ts';", 'src/noise/level.ts'],
  ['codes-and-noise-are-strangers', 'src/access-codes/p2.ts', "import '../noise/level.ts';", 'src/noise/level.ts'],
  [
    'codes-know-no-grants',
    'src/access-codes/p3.ts',
    "import '../access-grants/grant.ts';",
    'src/access-grants/grant.ts',
  ],
  [
    'attempts-know-no-subject',
    'src/attempts/p4.ts',
    "import '../access-grants/grant.ts';",
    'src/access-grants/grant.ts',
  ],
  ['grants-stand-on-codes', 'src/access-grants/p1.ts', "import '../noise/level.ts';", 'src/noise/level.ts'],
  ['core-is-given-what-it-needs', 'src/access-grants/p2.ts', "import '../config/load.ts';", 'src/config/load.ts'],
  ['device-events-look-on', 'src/device-events/p1.ts', "import '../wire/device.ts';", 'src/wire/device.ts'],
  ['webhooks-know-records-alone', 'src/webhooks/p1.ts', "import '../devices/lane.ts';", 'src/devices/lane.ts'],
  ['permission-knows-the-ports-alone', 'src/permission/p1.ts', "import '../devices/lane.ts';", 'src/devices/lane.ts'],
  ['nothing-imports-the-onlookers', 'src/http/p4.ts', "import '../webhooks/queue.ts';", 'src/webhooks/queue.ts'],
  [
    'nothing-imports-the-onlookers',
    'src/monitor/p3.ts',
    "import '../device-events/projector.ts';",
    'src/device-events/projector.ts',
  ],
  [
    'simulator-never-uses-its-driver',
    'drivers/mqtt/latch/simulator.ts',
    "import './codec.ts';",
    'drivers/mqtt/latch/codec.ts',
  ],
  [
    'simulator-never-uses-its-driver',
    'drivers/mqtt/hasp/simulator.ts',
    "import './catalogue.ts';",
    'drivers/mqtt/hasp/session.ts',
  ],
  [
    'driver-never-uses-its-simulator',
    'drivers/mqtt/bolt/p7.ts',
    "import './simulator.ts';",
    'drivers/mqtt/bolt/simulator.ts',
  ],
  ['product-imports-no-test-code', 'src/config/p6.ts', "import '../../test/kit/kit.ts';", 'test/kit/kit.ts'],
  ['product-imports-no-development-package', 'src/config/p7.ts', "import 'fast-check';", 'fast-check'],
  ['every-import-resolves', 'src/config/p8.ts', "import './nowhere.ts';", './nowhere.ts'],
  [
    'ports-are-types',
    'src/model/gateway.ts',
    `${cleanTree['src/model/gateway.ts']}\nexport const kept = 1;`,
    'src/model/gateway.ts',
  ],
  ['every-import-is-judged', 'src/config/p9.ts', 'export const load = (name: string) => import(name);', '(computed)'],
  [
    'every-import-is-judged',
    'src/config/outside-modules.ts',
    'export const one = (name: string) => import(name);\nexport const two = (name: string) => import(name);',
    '(computed)',
  ],
];

/** Files that some violations need beside them and that keep the rules themselves. */
const beside: Record<string, string> = {
  'drivers/mqtt/latch/codec.ts': 'export const encode = 1;',
  'drivers/mqtt/hasp/catalogue.ts': "import './session.ts';",
  'drivers/mqtt/hasp/session.ts': 'export const talk = 1;',
};

const trees: string[] = [];

function plant(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'borders-'));
  trees.push(root);
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  symlinkSync(join(repository, 'package.json'), join(root, 'package.json'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `${text}\n`);
  }
  return root;
}

const asLine = ({ rule, from, to }: { rule: string; from: string; to: string }) =>
  `${rule}: ${from} → ${to.replace(/^node_modules\/((@[^/]+\/)?[^/]+)\/.*$/, '$1')}`;

afterAll(() => {
  for (const root of trees) rmSync(root, { recursive: true, force: true });
});

describe('import borders', () => {
  let verdict: Verdict;

  beforeAll(async () => {
    const files = { ...cleanTree, ...beside, ...Object.fromEntries(planted.map(([, file, text]) => [file, text])) };
    verdict = await judgeBorders(plant(files));
  });

  it.each(planted)('%s catches %s', (rule, from, _text, to) => {
    expect(verdict.violations.map(asLine)).toContain(asLine({ rule, from, to }));
  });

  it('reports what was planted and nothing else', () => {
    expect(verdict.violations.map(asLine).sort()).toEqual(
      planted.map(([rule, from, , to]) => asLine({ rule, from, to })).sort(),
    );
  });

  it('every rule of the configuration has a planted violation', async () => {
    const { forbidden } = (await import('../../.dependency-cruiser.cjs')).default;
    const names = (forbidden as { name: string }[]).map(({ name }) => name);
    expect(names.filter((name) => name !== 'no-cycles' && !planted.some(([rule]) => rule === name))).toEqual([]);
  });

  it('lets a product pass that keeps them', async () => {
    const { modules, violations } = await judgeBorders(plant(cleanTree));
    expect(violations).toEqual([]);
    expect(modules).toBeGreaterThanOrEqual(Object.keys(cleanTree).length - 1);
  });

  it('sees a cycle, and one of types alone', async () => {
    const { violations } = await judgeBorders(
      plant({
        'src/config/a.ts': "import { b } from './b.ts';\nexport const a = () => b;",
        'src/config/b.ts': "import { a } from './a.ts';\nexport const b = () => a;",
        'src/config/c.ts': "import type { D } from './d.ts';\nexport interface C { readonly d: D }",
        'src/config/d.ts': "import type { C } from './c.ts';\nexport interface D { readonly c: C }",
      }),
    );
    expect(violations.map(asLine).sort()).toEqual([
      'no-cycles: src/config/a.ts → src/config/b.ts',
      'no-cycles: src/config/c.ts → src/config/d.ts',
    ]);
  });

  it('sees imports wherever they stand', async () => {
    const { violations } = await judgeBorders(
      plant({
        'src/http/server.ts': 'export const server = 1;',
        'src/config/corners.ts': `
          export type Server = import('../http/server.ts').Server;
          export class Loader {
            readonly #load = { late: async () => [...(await Promise.all([import('../http/server.ts')]))] } as const;
            static { void (async () => { for await (const x of [import('../http/server.ts')]) void x; })(); }
            get load() { return this.#load satisfies object; }
          }`,
      }),
    );
    expect(new Set(violations.map(({ from }) => from))).toEqual(new Set(['src/config/corners.ts']));
  });

  it('are kept by this product', async () => {
    const { modules, violations } = await judgeBorders(repository);
    expect(violations).toEqual([]);
    expect(modules).toBeGreaterThan(10);
    // The whole product is read: on a busy machine that takes longer than a test may.
  });
});
