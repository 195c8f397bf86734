import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import type { Device, DriverDefinition } from '../../src/contract/index.ts';
import { limitsOf } from '../../src/model/time-limits.ts';
import { type OpenedDevice, openedDevices } from '../kit/locks/opened-devices.ts';

const repository = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(repository, file), 'utf8');
const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const seen = {
  bolt: 'the bolt, asked at any time',
  reports: 'what it tells, unasked',
  actuator: 'the contact',
  nothing: 'nothing',
};

function door({ lock }: Device): string {
  if (lock === undefined) return '–';
  const latch = lock.unlockActsOn === 'latch' ? '; UNLOCK pulls the latch' : '';
  return `sees ${seen[lock.observes]}${latch}${lock.tellsWho ? '; tells who' : ''}`;
}

function codes({ accessCodes }: Device): string {
  if (accessCodes === undefined) return '–';
  const { rules, observes } = accessCodes;
  const slots = rules.slots === 'device' ? 'slots of its own choice' : 'slots by number';
  const hours = rules.weeklyHours ? ', keeps dates and weekly hours' : rules.nativeSchedule ? ', keeps dates' : '';
  return `${observes === 'slot' ? 'read back' : 'never confirmed'}, ${slots}${hours}`;
}

const autoLock = ({ autoLock: kept }: Device): string =>
  kept?.delays === undefined ? '–' : `${kept.delays.min} to ${kept.delays.max} s`;

function noise({ noise: sensor }: Device): string {
  if (sensor === undefined) return '–';
  return `${sensor.metric}, every ${sensor.expectedIntervalMs / 1_000} s${sensor.setThreshold ? ', keeps a threshold' : ''}`;
}

const seconds = (ms: number) => `${ms / 1_000} s`;

function times(definition: DriverDefinition): string {
  const { door: limits } = limitsOf(definition);
  return `${seconds(limits.sendByMs)}, ${seconds(limits.deadlineMs)}`;
}

const what = ({ driver, device, what: kind }: OpenedDevice) => [
  `[${driver}](../drivers/${driver}/README.md)`,
  kind,
  door(device),
  codes(device),
  autoLock(device),
  noise(device),
];

const rowsOfField = read('docs/field-reports.md').split('\n');
const testsBelow = (folder: string): readonly string[] =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
const peers = [
  ...testsBelow('test/peers').map((file) => `peers/${file}`),
  ...testsBelow('test/vm').map((file) => `vm/${file}`),
];

function proof(id: string): readonly string[] {
  const folder = `drivers/${id}`;
  const tests = testsBelow(folder)
    .map((file) => read(`${folder}/${file}`))
    .join('\n');
  const suites = new Set([...tests.matchAll(/^(?:for .*\) )?describe([A-Z]\w+)\(/gm)].map(([, name = '']) => name));
  const vectors = join(repository, folder, 'vectors');
  return [
    id,
    [...suites].sort().join(', ') || '–',
    existsSync(vectors) ? readdirSync(vectors).sort().join(', ') : '–',
    String(rowsOfField.filter((line) => line.startsWith('| ') && line.split(' | ')[3]?.includes(id)).length),
    peers.filter((file) => read(`test/${file}`).includes(id)).join(', ') || '–',
    /never tested on hardware|Nothing here was tested on a physical/.test(read(`${folder}/README.md`))
      ? 'none'
      : 'see its README',
  ];
}

// A change of a driver changes the page: `npx vitest run test/house/drivers-page.test.ts -u` writes it anew.
it('docs/drivers.md says what the drivers say', async () => {
  const definitions = await Promise.all(Object.values(drivers).map((load) => load()));
  const page = `# Drivers

What each driver's device says of itself, and what holds the driver to it. Made by \`test/house/drivers-page.test.ts\` from the
drivers as they stand against their simulators. A new one: [writing-a-driver.md](writing-a-driver.md).

## What they can

${table(['driver', 'device', 'door', 'codes', 'auto-lock', 'noise'], (await openedDevices(closers)).map(what))}

## How they are reached

The times are a door command's, from its receipt: until when it may be sent, and when it ends at the latest.

${table(
  ['driver', 'what it is', 'link', 'paired first', 'found by scanning', 'times'],
  definitions.map((it) => [
    it.id,
    it.title,
    it.link,
    it.pairing ? 'yes' : 'no',
    it.recognise ? 'yes' : 'no',
    times(it),
  ]),
)}

## What holds them to it

Suites are those of \`strikeplate/driver-testing\`. Field reports are rows of [field-reports.md](field-reports.md). Peers are
tests with programs that are not ours, in \`test/peers\` and \`test/vm\`.

${table(
  ['driver', 'suites', 'published vectors', 'field reports', 'peers', 'physical devices'],
  definitions.map(({ id }) => proof(id)),
)}
`;
  await expect(page).toMatchFileSnapshot('../../docs/drivers.md');
});
