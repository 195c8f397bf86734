import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SimulatedAnnouncedLock } from '../../drivers/mqtt/announced/simulator.ts';
import type { DriverDefinition } from '../../src/contract/index.ts';
import { describeDriver } from '../../src/driver-testing/describe-driver.ts';
import { announcedSuite } from '../kit/locks/announced-suite.ts';
import { announcedSources, asOutside } from '../kit/locks/outside-driver.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** What the guide prints, by file. */
function printed(): ReadonlyMap<string, string> {
  const files = new Map<string, string[]>();
  for (const [, name = '', body = ''] of read('docs/writing-a-driver.md').matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm))
    files.set(name, [...(files.get(name) ?? []), body]);
  return new Map([...files].map(([name, pieces]) => [name, pieces.join('\n')]));
}

const files = printed();

describe('docs/writing-a-driver.md', () => {
  it.each(Object.entries(announcedSources))('prints all of %s as it is', (name, path) => {
    expect(files.get(name)).toBe(asOutside(read(path)));
  });

  it('needs no more than 220 lines of code', () => {
    const code = ['announcement.ts', 'driver.ts'].flatMap((name) => (files.get(name) ?? '').split('\n'));
    expect(code.filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line)).length).toBeLessThanOrEqual(220);
  });
});

const folder = mkdtempSync(join(tmpdir(), 'strikeplate-guide-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const [name, text] of files) if (!name.endsWith('.test.ts')) writeFileSync(join(folder, name), text);
const { announced } = (await import(join(folder, 'driver.ts'))) as { announced: DriverDefinition };
const simulator = (await import(join(folder, 'simulator.ts'))) as {
  SimulatedAnnouncedLock: typeof SimulatedAnnouncedLock;
};

describeDriver(
  announcedSuite('the driver that the guide prints', {
    driver: announced,
    simulator: simulator.SimulatedAnnouncedLock,
  }),
);
