import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { runProgram } from '../../src/cli/program.ts';
import { logLine } from '../../src/cli/service-manager.ts';
import { frame } from '../../src/cli/watch.ts';
import type { Ratio } from '../../src/contract/index.ts';
import { simulators } from '../../src/simulation/index.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { blocksRunBy, named, read, repository } from '../kit/documents/printed-blocks.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { monitorFixture } from '../kit/gateway/monitor-fixture.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

/* What a document shows as printed is what is printed: word for word where it is the same each time, and without ids, times and
   digits where those are of that moment. */

const blocks = blocksRunBy('test/house/printed-output.test.ts');
const pages = blocks.filter(({ text }) => text.startsWith('$ strikeplate '));
const logs = blocks.filter(({ text }) => /^\d\d:\d\d:\d\d /.test(text));
const messages = blocks.filter(({ document }) => document === 'docs/monitoring.md');

it('knows what prints each of them', () => {
  expect(blocks.filter((block) => ![...pages, ...logs, ...messages].includes(block)).map(named)).toEqual([]);
});

describe('on a terminal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-printed-'));
  let building: ZigbeeBuilding;
  let box: GatewayBox;
  let gateway: BoxedGateway;

  beforeAll(async () => {
    building = await ZigbeeBuilding.open();
    building.bridge.addLock({ friendlyName: 'front', slots: 10, exposePin: true, motorMs: 5, radioMs: 1 });
    building.bridge.start();
    const front = zigbeeEntry('front', { settings: { pin_slots: { first: 1, count: 9 } } });
    box = await GatewayBox.make({ mqtt: { main: { url: building.url } }, devices: [{ ...front, name: 'Front door' }] });
    gateway = await box.start();
    await gateway.api.online(idOf('front'));
  });
  afterAll(async () => {
    await gateway.close();
    await building.close();
    box.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<string[]> {
    const terminal = Object.assign(
      new RecordedTerminal(folder, {
        ...{ STRIKEPLATE_CONFIG: box.configFile, STRIKEPLATE_URL: gateway.url, STRIKEPLATE_API_KEY: box.key },
      }),
      { columns: 80 },
    );
    const stop = () => ({ requested: new Promise<string>(() => undefined) });
    await runProgram({ terminal, catalogues: { drivers, simulators }, version: '0.1.0', stop }, args);
    return [...terminal.outLines, ...terminal.errLines].join('\n').trimEnd().split('\n');
  }
  /** Without what is of that moment, and however it was folded. */
  const lasting = (lines: readonly string[]) =>
    lines
      .join(' ')
      .replaceAll(/\/root\/lobbybox(\/new)?|\S*\/strikeplate-printed-\w+/g, 'FOLDER')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
      .replaceAll(/\(\d+\.\d s\)/g, '(N s)')
      .replaceAll(/Digits: \d+/g, 'Digits: N')
      .replaceAll(/\s+/g, ' ');
  const headings = (lines: readonly string[]) => lines[0]?.split(/ {2,}/).map((word) => word.trim());

  const checks: Readonly<Record<string, (printed: readonly string[], args: readonly string[]) => Promise<void>>> = {
    '--help': async (printed) => expect(await run('--help')).toEqual(printed),
    unlock: async (printed) => expect(lasting(await run('unlock', 'front'))).toBe(lasting(printed)),
    devices: async (printed, args) => {
      if (!args.includes('--url')) expect(headings(await run('devices'))).toEqual(headings(printed));
      else expect(lasting(await run(...args))).toBe(lasting(printed));
    },
    attempts: async (printed) => expect(headings(await run('attempts'))).toEqual(headings(printed)),
    'codes create': async (printed, args) => expect(lasting(await run(...args))).toBe(lasting(printed)),
    'codes list': async (printed, args) => expect(headings(await run(...args))).toEqual(headings(printed)),
    'keys list': async (printed, args) => expect(headings(await run(...args))).toEqual(headings(printed)),
    watch: async (printed) => {
      const around = { url: 'http://127.0.0.1:1', trouble: undefined, isPaused: false, now: 0 };
      const drawn = frame({ devices: [], attempts: [] }, { columns: 80, rows: 24 }, around);
      expect(drawn[1]?.replace(/^\d+/, '6')).toBe(printed[1]);
      expect(headings(drawn.slice(3))).toEqual(headings(printed.slice(3)));
    },
    doctor: async (printed) => {
      const findings = (lines: readonly string[]) =>
        lines.flatMap((line) => /^(?:ok|WARN|BAD) +(\w+)/.exec(line)?.[1] ?? []);
      const known =
        read('src/cli/doctor/doctor.ts') +
        readdirSync(join(repository, 'src/cli/doctor'))
          .map((file) => read(`src/cli/doctor/${file}`))
          .join('\n');
      expect(findings(printed).length).toBeGreaterThan(10);
      for (const name of findings(printed)) expect(known).toContain(`'${name}'`);
    },
    'check-config': async (printed) => {
      const mistaken = read('config/demo.yaml')
        .replace('driver: mqtt/zigbee2mqtt', 'driver: mqtt/zigbee2mqt')
        .replace('name: ', 'nmae: ');
      writeFileSync(join(folder, 'mistaken.yaml'), mistaken.replace('state_dir: ../var', 'state_dir: var'));
      expect(lasting(await run('check-config', '--config', join(folder, 'mistaken.yaml')))).toBe(lasting(printed));
    },
    setup: async (printed) => {
      const said = lasting(await run('setup', '--yes', '--config', join(folder, 'gateway.yaml')));
      expect(said.replaceAll(hostname().split('.')[0] ?? '', 'vm')).toBe(lasting(printed));
    },
  };

  it.each(pages.map((block) => [named(block), block] as const))('%s', async (_, { text }) => {
    const [command = '', ...printed] = text.trimEnd().split('\n');
    const args = command.replace('$ strikeplate ', '').split(' ');
    const check = checks[args.slice(0, 2).join(' ')] ?? checks[args[0] ?? ''];
    if (check === undefined) throw new Error(`Nobody here knows what ${command} prints.`);
    await check(printed, args);
  });
});

describe('in the log', () => {
  /** Every text of the product that a line may be made of, with whatever stands in its gaps. */
  const sentences = ['src', 'drivers']
    .flatMap((folder) =>
      readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
    )
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...read(file).matchAll(/`([^`\n]{6,})`|'([^'\n]{6,})'/g)].map(([, template, plain]) => template ?? plain ?? ''),
    )
    .map(
      (text) =>
        new RegExp(
          `^${text
            .split(/\$\{[^}]*\}/)
            .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
            .join('.+')}$`,
        ),
    );
  it.each(
    logs.flatMap((block) =>
      block.text
        .trim()
        .split('\n')
        .map((line) => [named(block), line] as const),
    ),
  )('%s: %s', (_, line) => {
    const [, message = '', details = ''] = /^\d\d:\d\d:\d\d (.*?)((?: \w+=\S+)*)$/.exec(line) ?? [];
    const fields = Object.fromEntries(
      details
        .trim()
        .split(' ')
        .filter(Boolean)
        .map((pair) => pair.split('=')),
    );
    const said = logLine(JSON.stringify({ level: 30, msg: message, ...fields }), 'journal')
      .replace(/^<\d>/, '')
      .trimEnd();
    expect(said).toBe(line.slice(9));
    expect(
      sentences.some((sentence) => sentence.test(message)),
      message,
    ).toBe(true);
  });
});

describe('over MQTT', () => {
  const shape = (topic: string) => topic.replaceAll(/\b(front|hall|[0-9a-f]{8}(…|[0-9a-f-]{28}))(?=\/|$)/g, '*');
  /** What a gateway with a lock and a sensor tells within some minutes. */
  async function everything(): Promise<ReadonlyMap<string, readonly string[][]>> {
    const { publisher, clock, core, lock, sensor, origin } = await monitorFixture();
    publisher.connect();
    await clock.advance(1_000);
    lock.report({ kind: 'lock_state', state: 'locked' });
    lock.report({ kind: 'battery', level: 0.87 as Ratio, low: false });
    lock.report({ kind: 'door', contact: 'closed' });
    const threshold = { deviceId: 'hall', startsDailyAt: '00:00:00', endsDailyAt: '23:59:59', decibels: 70 };
    await clock.until(core.noise.create(threshold, origin()));
    await clock.until(core.doors.unlock('front', origin()));
    lock.report({ kind: 'lock_state', state: 'unlocked' });
    await clock.until(core.accessCodes.create({ deviceId: 'front', name: 'Guest' }, origin()));
    for (let second = 0; second < 90; second++) {
      sensor.hear(82.8);
      await clock.advance(1_000);
    }
    const told = new Map<string, string[][]>();
    for (const { topic, payload } of publisher.said)
      told.set(shape(topic), [...(told.get(shape(topic)) ?? []), keysIn(String(payload))]);
    return told;
  }
  const keysIn = (payload: string): string[] =>
    payload.startsWith('{') ? Object.keys(JSON.parse(payload) as object) : [payload];

  it.each(messages.map((block) => [named(block), block] as const))('%s', async (_, { text }) => {
    const told = await everything();
    for (const line of text.trim().split('\n')) {
      const [, topic = '', payload = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
      const real = told.get(shape(topic)) ?? [];
      expect(real, shape(topic)).not.toEqual([]);
      if (payload === 'offline') continue;
      // What is known of a lock differs, and this one sees its bolt; `…` stands for more.
      const isWhole = !payload.includes('…}') && !payload.includes('"changed_by"');
      const sought = keysIn(payload.replaceAll(/,…(?=\})/g, '')).filter((key) => key !== 'observes');
      const like = isWhole ? sought : expect.arrayContaining(sought);
      expect(isWhole ? real : [[...new Set(real.flat())]], line).toContainEqual(like);
    }
  });
});
