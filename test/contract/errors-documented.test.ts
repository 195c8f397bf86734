import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Delivery, errorTypes } from '../../src/contract/index.ts';

const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const [answers = '', ends = ''] = text.split('## Ends of attempts');
const rowsOf = (part: string) =>
  part
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
const unquoted = (cell = '') => cell.replaceAll('`', '');

const types = Object.entries(errorTypes).map(([type, row]) => ({
  type,
  delivery: row.delivery as Delivery,
  http: 'http' in row ? String(row.http) : undefined,
}));

describe('docs/errors.md', () => {
  test('has every answer of the error table, with its status, and no other', () => {
    const documented = rowsOf(answers).map(([type, http]) => [unquoted(type), http]);
    expect(documented).toEqual(types.flatMap(({ type, http }) => (http === undefined ? [] : [[type, http]])));
  });

  test('has every end of an attempt once', () => {
    const documented = rowsOf(ends).map(([type]) => unquoted(type));
    expect(new Set(documented).size).toBe(documented.length);
    const ofTable = types.flatMap(({ type, http }) => (http === undefined ? [type] : []));
    expect([...documented].sort()).toEqual([...ofTable].sort());
  });

  test('lists each end under what the device may have done', () => {
    const headings: Readonly<Record<Delivery, string>> = {
      not_sent: 'Nothing that acts has left the gateway:',
      refused: 'The device received the command and refused it; it has not acted:',
      acted: 'The device acted, and the result is wrong or incomplete. Somebody should look:',
      maybe_sent: 'The command may have reached the device:',
    };
    for (const { type, delivery, http } of types) {
      if (http !== undefined) continue;
      const above = ends.slice(0, ends.indexOf(`| \`${type}\``));
      const nearest = Object.values(headings).sort((a, b) => above.lastIndexOf(b) - above.lastIndexOf(a))[0];
      expect([type, nearest]).toEqual([type, headings[delivery]]);
    }
  });

  test('says for each what it means and what to do', () => {
    for (const cells of [...rowsOf(answers), ...rowsOf(ends)])
      for (const cell of cells.slice(-2))
        expect(cell).toMatch(/^[A-Z].{10,}\.$|^Nothing\.$|^Ask again\.$|^Choose others\.$/);
  });
});
