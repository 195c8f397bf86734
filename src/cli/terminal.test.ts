import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { clip, folded, isShortId, localTime, shortId, table } from './terminal.ts';

describe('a table', () => {
  const rows = fc
    .integer({ min: 1, max: 7 })
    .chain((columns) =>
      fc.array(fc.array(fc.string({ maxLength: 60 }), { minLength: columns, maxLength: columns }), { minLength: 1 }),
    );

  it('has room on eighty columns, whatever its cells are', () => {
    fc.assert(
      fc.property(rows, (cells) => {
        for (const line of table(cells, 80)) expect(line.length).toBeLessThanOrEqual(80);
      }),
    );
  });

  it('is cut nowhere for a program that reads it, nor where there is room', () => {
    fc.assert(
      fc.property(rows, (cells) => {
        const whole = table(cells);
        expect(table(cells, 1_000)).toEqual(whole);
        for (const [at, row] of cells.entries()) for (const cell of row) expect(whole[at]).toContain(cell.trimEnd());
      }),
    );
  });

  it('takes from the widest column, and says that it did', () => {
    expect(table([['front', 'x'.repeat(40), 'ok']], 20)).toEqual([`front  ${'x'.repeat(8)}…  ok`]);
  });
});

it('says the time where it is read: of today without the day, of another year with it', () => {
  const now = new Date(2026, 10, 30, 13, 5, 9).getTime();
  expect(localTime(now, now)).toBe('13:05:09');
  expect(localTime(new Date(2026, 10, 29, 0, 0, 1).getTime(), now)).toBe('11-29 00:00:01');
  expect(localTime(new Date(2025, 0, 2, 3, 4, 5).getTime(), now)).toBe('2025-01-02 03:04:05');
});

it('shortens an id to what differs, and knows it again', () => {
  expect(shortId('01a20759-7a3c-7000-8000-99f03bd0a1c2')).toBe('3bd0a1c2');
  expect(isShortId(shortId('01a20759-7a3c-7000-8000-99f03bd0a1c2'))).toBe(true);
  expect(shortId('code-1')).toBe('code-1');
  expect(clip('abc', 3)).toBe('abc');
});

describe('a line that is folded', () => {
  const words = fc.array(fc.stringMatching(/^[!-~]{1,40}$/), { minLength: 1, maxLength: 60 });

  it('keeps every word whole and in its place, within the room', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 50, max: 120 }), fc.integer({ min: 0, max: 8 }), (all, room, indent) => {
        const lines = folded(all.join(' '), room, ' '.repeat(indent));
        expect(lines.map((line) => line.trim()).join(' ')).toBe(all.join(' '));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(room);
      }),
    );
  });

  it('is left as it is where nothing ends, and cuts no address that is longer than the room', () => {
    const address = `/etc/${'a'.repeat(100)}`;
    expect(folded(`see ${address} now`, Number.POSITIVE_INFINITY)).toEqual([`see ${address} now`]);
    expect(folded(`look at ${address} now`, 40)).toEqual(['look at', `    ${address}`, '    now']);
  });
});
