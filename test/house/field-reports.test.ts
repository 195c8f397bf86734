import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(repository, file), 'utf8');

interface Row {
  readonly what: string;
  readonly cells: number;
  /** Each as its file and its title. */
  readonly tests: readonly (readonly [string, string])[];
}

function rowOf(line: string): Row {
  const cells = line.split(' | ');
  const tests = (cells.at(-1) ?? '').split(' · ').flatMap((entry) => {
    const file = /`([^`]+)`/.exec(entry)?.[1] ?? '';
    return [...entry.matchAll(/“([^”]+)”/g)].map(([, title = '']) => [file, title] as const);
  });
  return { what: cells[0] ?? '', cells: cells.length, tests };
}

const rows = read('docs/field-reports.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (---|what a device does)/.test(line))
  .map(rowOf);

describe('docs/field-reports.md', () => {
  it('has a test for every row', () => {
    expect(rows.length).toBeGreaterThan(80);
    expect(rows.filter(({ tests, cells }) => tests.length === 0 || cells !== 5).map(({ what }) => what)).toEqual([]);
  });

  it('names tests that exist, by their titles', () => {
    const missing = rows
      .flatMap(({ tests }) => tests)
      .filter(([file, title]) => {
        if (!existsSync(join(repository, file))) return true;
        const source = read(file);
        return !["'", '`', '"'].some((quote) => source.includes(`${quote}${title}${quote}`));
      });
    expect(missing).toEqual([]);
  });
});
