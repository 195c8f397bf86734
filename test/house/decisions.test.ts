import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const folder = resolve(import.meta.dirname, '../../docs/decisions');
const records = readdirSync(folder).filter((file) => /^\d{4}-.+\.md$/.test(file));
const titleOf = (file: string) => /^# (?:\d+[.:] )?(.+)$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? '';

/** By which one it does not hold any more. */
const withdrawnBy = (file: string) =>
  /^(?:Withdrawn|Superseded) by \[(?:decision )?0*(\d+)\]/m
    .exec(readFileSync(join(folder, file), 'utf8'))?.[1]
    ?.padStart(4, '0');

it('lists every decision in the index, by its number and title, and says which hold no more', () => {
  const rows = records.map((file) => {
    const by = withdrawnBy(file);
    const mark = by === undefined ? '' : `; withdrawn by ${by}`;
    return `| [${file.slice(0, 4)}](${file}) | ${titleOf(file)}${mark} |`;
  });
  const listed = readFileSync(join(folder, 'README.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ['));
  expect(listed).toEqual(rows.sort());
});

it('gives no number twice', () => {
  const numbers = records.map((file) => file.slice(0, 4));
  expect(numbers).toEqual([...new Set(numbers)]);
});
