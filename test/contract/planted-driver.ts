import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, expect } from 'vitest';
import type { DriverDefinition } from '../../src/contract/index.ts';
import { collectChecks, type Runner } from '../../src/driver-testing/index.ts';

/** A defect that is put into a driver that has none, and the check that has to find it. */
export interface Defect {
  readonly name: string;
  /** Below the driver's family, as `modbus/requests.ts`. */
  readonly file: string;
  /** What stands there once, and what stands there instead. */
  readonly plant: readonly [string, string];
  /** Further places in the same file. */
  readonly and?: readonly (readonly [string, string])[];
  /** A part of the name of the check. */
  readonly caughtBy: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const rewritten = (text: string): string =>
  text
    .replace(/'(?:\.\.\/)+src\/contract\/index\.ts'/g, "'strikeplate/driver'")
    .replace(/'(?:\.\.\/)+src\/driver-kit\/[^']+'/g, "'strikeplate/driver-kit'");

/**
 * Copies of the drivers below `drivers/<family>`, as they would be written outside, each with one defect.
 * @param entry the driver's own file in the family
 */
export function plantingIn(family: string, entry: string, exported: string) {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-planted-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const source = join(root, 'drivers', family);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/\.test\.ts$|(^|\/)simulat/.test(file),
  );
  const clean = join(folder, 'clean');
  for (const file of files) {
    mkdirSync(dirname(join(clean, file)), { recursive: true });
    writeFileSync(join(clean, file), rewritten(readFileSync(join(source, file), 'utf8')));
  }
  let count = 0;
  return async ({ file, plant, and = [] }: Defect): Promise<DriverDefinition> => {
    const place = join(folder, String(count++));
    cpSync(clean, place, { recursive: true });
    let text = readFileSync(join(place, file), 'utf8');
    for (const [before, after] of [plant, ...and]) {
      expect(text.split(before).length - 1, `${file} holds once: ${before}`).toBe(1);
      text = text.replace(before, () => after);
    }
    writeFileSync(join(place, file), text);
    const module = (await import(join(place, entry))) as Record<string, DriverDefinition>;
    const driver = module[exported];
    if (driver === undefined) throw new Error(`${entry} exports no ${exported}`);
    return driver;
  };
}

/** A driver that does not run at all fails every check, and proves nothing of any. */
const BROKEN = /is not defined|is not a function|Cannot read prop|is not iterable|is not a constructor/;

/**
 * Runs the checks whose names hold `caughtBy`.
 * @returns the names of those that failed
 * @throws Error when there is no such check, or the driver was not planted but broken
 */
export async function failuresOf(register: (runner: Runner) => void, caughtBy = ''): Promise<readonly string[]> {
  const failed: string[] = [];
  const checks = collectChecks(register).filter(({ name }) => name.includes(caughtBy));
  if (checks.length === 0) throw new Error(`no check is called ${caughtBy}`);
  for (const { name, run } of checks)
    await run().catch((error: unknown) => {
      failed.push(name);
      const { actual } = error as { readonly actual?: unknown };
      const said = `${error} ${inspect(actual, { depth: 4 })}`;
      if (BROKEN.test(said)) throw new Error(`the driver is broken: ${said}`);
    });
  return failed;
}
