import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  blocksRunBy,
  documents,
  named,
  printedBlocks,
  read,
  repository,
  runs,
} from '../kit/documents/printed-blocks.ts';

/* What a document prints between two fences is run by a test, or it is a drawing. */

const rows = new Map<string, number>();
afterAll(() => {
  // What was counted, for whoever asks.
  for (const [what, count] of [...rows].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(4)} ${what}`);
});

describe('each block of each document', () => {
  it.each(printedBlocks.map((block) => [named(block), block] as const))('%s is run by a test', (_, block) => {
    const run = runs.find(({ takes }) => takes(block));
    if (run === undefined)
      throw new Error(`Nobody runs it: give it to a test in test/kit/documents/printed-blocks.ts.`);
    rows.set(`${run.by}: ${run.what}`, (rows.get(`${run.by}: ${run.what}`) ?? 0) + 1);
  });
});

it('nothing is printed between other fences, where nobody would find it', () => {
  const others = documents.flatMap((document) =>
    read(document)
      .split('\n')
      .flatMap((line, index) => (/^ *(~~~|<pre|<code>)/.test(line) ? [`${document}:${index + 1}`] : [])),
  );
  expect(others).toEqual([]);
});

it('a test that is named runs what it is named for', () => {
  for (const { by, takes } of runs) {
    if (by === 'nobody') continue;
    expect(existsSync(join(repository, by)), by).toBe(true);
    const isOwn = read(by).includes(`blocksRunBy('${by}')`);
    const document = printedBlocks.find(takes)?.document ?? 'nothing';
    expect(isOwn || read(by).includes(document), by).toBe(true);
  }
});

it('drawings are few', () => {
  expect(blocksRunBy('nobody').length).toBeLessThanOrEqual(2);
  expect(printedBlocks.length).toBeGreaterThan(90);
});
