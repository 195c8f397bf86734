import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../../src/config/load.ts';
import type { LoadedConfig } from '../../../src/config/loaded-config.ts';
import { ConfigError } from '../../../src/config/problems.ts';
import { type DriverDefinition, defineDriver } from '../../../src/contract/index.ts';

export const bell = defineDriver({
  id: 'mqtt/bell',
  title: 'A driver for these tests',
  link: 'mqtt',
  settings: z.strictObject({ topic: z.string().min(1), unit: z.int().min(1).max(247).default(1) }),
  describe: () => ({ deviceType: 'bell', manufacturer: 'Nobody', model: 'Bell' }),
  part: ({ topic }) => `the topic ${topic}`,
  limits: { door: { sendByMs: 5_000, deadlineMs: 9_000 }, code: { sendByMs: 45_000, deadlineMs: 60_000 } },
  open: () => Promise.reject(new Error('not opened in these tests')),
});

/** One that is set in two ways. */
const siren = defineDriver({
  ...bell,
  id: 'mqtt/siren',
  part: () => 'the siren',
  describe: () => ({ deviceType: 'siren', manufacturer: 'Nobody', model: 'Siren' }),
  open: () => Promise.reject(new Error('not opened in these tests')),
  settings: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('tone'), hertz: z.int() }),
    z.strictObject({ kind: z.literal('voice').default('voice'), words: z.string() }),
  ]),
});

/** Its kind of link has no section yet. */
const line = { ...bell, id: 'serial/line', link: 'telepathy' } as unknown as DriverDefinition;

export const options = {
  drivers: {
    'mqtt/bell': () => Promise.resolve(bell),
    'mqtt/siren': () => Promise.resolve(siren),
    'serial/line': () => Promise.resolve(line),
    'mqtt/broken': () => Promise.reject(new Error('The package bell-js is not installed.')),
  },
  simulators: {
    'mqtt/bell': () => Promise.resolve({ link: 'mqtt' as const, settings: z.strictObject({ loud: z.boolean() }) }),
  },
  env: {},
  now: Date.UTC(2026, 4, 1),
};

export const good = `gateway: { id: lobby, name: Lobby, time_zone: Europe/Zurich }
mqtt:
  main: { url: "mqtt://127.0.0.1:1883" }
devices:
  - id: front
    name: Front door
    driver: mqtt/bell
    link: { mqtt: main }
    settings: { topic: bell/front }
`;

/** A folder with a configuration in it, for one test. */
export function configFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-config-'));
  const file = join(folder, 'gateway.yaml');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const load = (text: string | Uint8Array, more: object = {}): Promise<LoadedConfig> => {
    writeFileSync(file, text);
    return loadConfig(file, { ...options, ...more });
  };
  /** What is wrong, without the folder, which is another in each run. */
  const problemsOf = async (text: string | Uint8Array, more: object = {}): Promise<string[]> => {
    const error = await load(text, more).catch((thrown: unknown) => thrown);
    if (!(error instanceof ConfigError)) throw error instanceof Error ? error : new Error('nothing was wrong');
    return error.message.split('\n').map((problem) => problem.replaceAll(`${folder}/`, ''));
  };
  return { folder, file, load, problemsOf };
}
