import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');
const folders = ['src/attempts', 'src/devices', 'src/access-codes', 'src/noise', 'src/events', 'drivers/mqtt/bolt'];

/** Each statement reads a clock, waits, rolls dice or looks around by itself. */
const ambient: readonly string[] = [
  'export const x = Date.now();',
  'export const now = Date.now;',
  "export const x = Date['now']();",
  'export const { now } = Date;',
  'export const Clock = Date;',
  'export const x = [Date];',
  'export const x = new Date();',
  'export const x = new Date;',
  'export const x = Date();',
  'export const x = new Date(Date.now() + 5);',
  'export const x = setTimeout(() => {}, 5);',
  'export const wait = setTimeout;',
  'export const x = setInterval(() => {}, 5);',
  'export const x = setImmediate(() => {});',
  'export const x = globalThis.setTimeout(() => {}, 5);',
  'export const x = global.setTimeout(() => {}, 5);',
  "import { setTimeout as wait } from 'node:timers';\nexport const x = wait;",
  "import { setTimeout as wait } from 'node:timers/promises';\nexport const x = wait;",
  "export const x = import('node:timers/promises');",
  'export const x = AbortSignal.timeout(5);',
  'export const { timeout } = AbortSignal;',
  'export const x = performance.now();',
  "import { performance as p } from 'node:perf_hooks';\nexport const x = p.now();",
  'export const x = process.hrtime();',
  'export const x = process.hrtime.bigint();',
  "import { hrtime } from 'node:process';\nexport const x = hrtime();",
  'export const x = process.env;',
  'export const x = Math.random();',
  'export const { random } = Math;',
  "export const x = Math['random']();",
  'export const M = Math;',
  'export const x = crypto.randomUUID();',
  'export const x = crypto.getRandomValues(new Uint8Array(4));',
  "import { randomUUID } from 'node:crypto';\nexport const x = randomUUID();",
  "import { randomBytes as bytes } from 'node:crypto';\nexport const x = bytes(4);",
  "import { webcrypto } from 'node:crypto';\nexport const x = webcrypto;",
  "import { generateKeyPairSync } from 'node:crypto';\nexport const x = generateKeyPairSync;",
  "import everything from 'node:crypto';\nexport const x = everything;",
  "import * as everything from 'node:crypto';\nexport const x = everything;",
  "export const x = import('node:crypto');",
  "export { randomUUID } from 'node:crypto';",
  "import nacl from 'tweetnacl';\nexport const x = nacl.randomBytes(4);",
  "import nacl from 'tweetnacl';\nexport const x = nacl.box.keyPair();",
  "export const x = fetch('http://127.0.0.1');",
];

/** Everything a driver may well do with time and chance that were handed to it. */
const clean = `
import { createHash, timingSafeEqual } from 'node:crypto';
import nacl from 'tweetnacl';

interface Given {
  readonly clock: { now(): number; setTimeout(run: () => void, ms: number): void };
  readonly random: { bytes(length: number): Uint8Array; randomBytes(length: number): Uint8Array };
  readonly signal: AbortSignal;
}

export function work({ clock, random, signal }: Given, since: Date): Date {
  clock.setTimeout(() => {}, Math.max(1, clock.now()));
  nacl.box.keyPair.fromSecretKey(random.bytes(32));
  random.randomBytes(8);
  createHash('sha256');
  timingSafeEqual(random.bytes(4), random.bytes(4));
  const any = AbortSignal.any([signal]);
  if (any instanceof AbortSignal && since instanceof Date) return new Date(since.getTime() + Date.UTC(2020, 1));
  return new Date(Date.parse('2020-01-01') + Math.floor(1.5));
}
`;

describe('ambient time and randomness', () => {
  let root: string;
  /** The files that the linter complained about. */
  let complained: Set<string>;

  const plant = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `${text}\n`);
  };

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'ambient-'));
    for (const part of ['biome.json', 'lint']) cpSync(join(repository, part), join(root, part), { recursive: true });
    for (const folder of folders) {
      plant(`${folder}/clean.ts`, clean);
      for (const [index, text] of ambient.entries()) {
        plant(`${folder}/planted-${index}.ts`, text);
        plant(`${folder}/planted-${index}.test.ts`, text);
      }
    }
    for (const [index, text] of ambient.entries()) plant(`src/transports/planted-${index}.ts`, text);

    const biome = join(repository, 'node_modules/@biomejs/biome/bin/biome');
    const lint = [
      'lint',
      '--vcs-enabled=false',
      '--reporter=json',
      '--max-diagnostics=none',
      '--only=style/noRestrictedGlobals',
      '--only=style/noRestrictedImports',
      '--only=plugin',
      '.',
    ];
    let answer: string;
    try {
      answer = execFileSync(process.execPath, [biome, ...lint], {
        cwd: root,
        encoding: 'utf8',
        stdio: 'pipe',
        maxBuffer: 2 ** 26,
      });
    } catch (error) {
      answer = (error as { stdout: string }).stdout;
    }
    const { diagnostics } = JSON.parse(answer) as { diagnostics: { location: { path: string } }[] };
    complained = new Set(diagnostics.map(({ location }) => location.path));
  });

  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each(ambient.map((text, index) => [text, index] as const))(
    'is refused in every folder of the core: %s',
    (_, index) => {
      expect(folders.filter((folder) => !complained.has(`${folder}/planted-${index}.ts`))).toEqual([]);
    },
  );

  it('is allowed in tests', () => {
    expect([...complained].filter((file) => file.endsWith('.test.ts'))).toEqual([]);
  });

  it('is allowed where the world begins', () => {
    expect([...complained].filter((file) => file.startsWith('src/transports/'))).toEqual([]);
  });

  it('is not seen in code that uses what it was given', () => {
    expect([...complained].filter((file) => file.endsWith('clean.ts'))).toEqual([]);
  });
});
