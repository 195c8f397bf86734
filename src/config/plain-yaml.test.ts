import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { good } from '../../test/kit/command-line/config-folder.ts';
import { fc } from '../../test/kit/seeded-properties.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { readPlacedYaml } from './yaml-source.ts';

const folder = join(import.meta.dirname, '../../config');
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const texts = [good, ...files.map((name) => readFileSync(join(folder, name), 'utf8'))];

/** What was read, with the order of keys, kinds of numbers and empty places. */
const exactly = (value: unknown): string =>
  JSON.stringify(value, (_, one) => {
    if (typeof one === 'number') return `number ${Object.is(one, -0) ? '-0' : one}`;
    if (typeof one === 'string') return `text ${one}`;
    if (one === undefined) return 'undefined';
    return one;
  });

/** @returns whether it was certain */
function agrees(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  const { value, problems } = readPlacedYaml('gateway.yaml', text);
  expect(problems).toEqual([]);
  expect(exactly(plain.value)).toBe(exactly(value));
  return true;
}

describe('what is read without the library', () => {
  it.each(files)('is what the library reads of %s', (name) => {
    expect(agrees(readFileSync(join(folder, name), 'utf8'))).toBe(true);
  });

  it.each([
    ['a list that is indented no further than its key', 'a:\n- x\n- y\nb: 1\n'],
    ['a key without a value', 'a:\nb:\n  c:\n  d: 1\n'],
    ['a list in an item of a list', '- a:\n  - x\n  b:\n    - y\n-   c: 1\n    d: 2\n'],
    ['comments', '# one\na: 1 # two\n\n  # three\nb: "x # y" # four\nc: # five\n  d: x#y\n'],
    ['items that begin below', 'a:\n  - # one\n    b: 1\n  -\n    c: 2\n  -\n  - 3\n'],
    ['words', 'a: true\nb: null\nc: yes\nd: No way\ne: on\nf: /a/b\ng: nullable\n'],
    ['numbers', 'a: 0\nb: -1\nc: 1.50\nd: 999999999999999\ne: 10.0.0.1\nf: 10.0.0.0/8\ng: 12:30\nh: 5 minutes\n'],
    ['braces', 'a: { b: 1, c: { d: [x, y y, "z, z"], e: {} }, f: [], g: mqtt://h:1883/x } # end\nb: [1, -2, 0.5]\n'],
    ['quotes', `a: "x: y"\nb: 'x # "y"'\nc: ""\nd: Bob's [own] {door}, & more\n`],
    ['letters of all kinds', 'name: Haustür 門\nb: { a: ä 1 }\n'],
  ])('takes in %s', (_, text) => {
    expect(agrees(text)).toBe(true);
  });

  it.each([
    ['a key twice', 'a: 1\na: 2\n'],
    ['a key twice in braces', 'a: { b: 1, b: 2 }\n'],
    ['anchors and aliases', 'a: &x 1\nb: *x\n'],
    ['merge keys', 'a: { b: 1 }\nc:\n  <<: { b: 1 }\n'],
    ['tags', 'a: !!str 1\n'],
    ['a second document', 'a: 1\n---\na: 2\n'],
    ['texts in several lines', 'a: b\n  c\n'],
    ['blocks of text', 'a: |\n  b\n'],
    ['keys that are no text', 'true: 1\n'],
    ['a prototype', '__proto__: { a: 1 }\n'],
    ['tabs', 'a:\t1\n'],
    ['an escaped character', 'a: "\\n"\n'],
    ['what is nested too deep', `${'a: { '.repeat(20)}b: 1${' }'.repeat(20)}\n`],
    ['what is indented in an odd way', 'a:\n  b: 1\n c: 2\n'],
  ])('leaves %s to it', (_, text) => {
    expect(readPlainYaml(text)).toBeUndefined();
  });
});

describe('whatever stands there', () => {
  const word = fc.constantFrom(
    ...[
      'a',
      'b',
      'id',
      'true',
      'Null',
      '0',
      '-0',
      '1.5',
      '007',
      '1e3',
      '0x1F',
      '.5',
      '5.',
      '~',
      '-',
      '2026-01-01',
      '12:30',
    ],
    ...[
      'a: ',
      'b: ',
      'c:',
      ': ',
      ':',
      '- ',
      '-',
      '? ',
      ', ',
      ',',
      '{ ',
      ' }',
      '{',
      '}',
      '[',
      ']',
      '[ ',
      ' ]',
      '{}',
      '[]',
    ],
    ...[
      '"x"',
      "'y'",
      '"',
      "'",
      '# no',
      ' # no',
      '#',
      '&a ',
      '*a',
      '!x ',
      '<<: ',
      '|',
      '>',
      '%',
      '@',
      '`',
      '\\',
      '=',
      '+1',
    ],
    ...[
      '---',
      '...',
      '\t',
      '\r',
      '\u00a0',
      '\u0085',
      '\u2028',
      '\ufeff',
      'ü',
      '\ud83d\ude00',
      '__proto__: ',
      '10.0.0.1',
      ' ',
    ],
  );
  const words = fc.array(word, { maxLength: 4 }).map((all) => all.join(''));
  const value = fc
    .tuple(fc.constantFrom('a: ', 'a: ', '- ', 'a: { b: ', 'a: [', 'a: [x, ', '- a: ', 'a:\n  '), words)
    .map(([before, inside]) => `${before}${inside}${before.includes('{') ? ' }' : before.includes('[') ? ']' : ''}\n`);
  const line = fc.tuple(fc.nat(6), words).map(([indent, all]) => `${' '.repeat(indent)}${all}`);
  const plainLine = fc
    .tuple(
      fc.constantFrom(0, 0, 2, 2, 4, 1),
      fc.constantFrom('', '', '- ', '-  '),
      fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      fc.constantFrom('', '', ' 1', ' x y', ' { a: 1, b: [x, 2] }', ' "q"', ' # no', ' x # no', ' x: y', ' [a, b]'),
    )
    .map(([indent, item, key, rest]) => `${' '.repeat(indent)}${item}${key}:${rest}`);
  const edited = fc
    .tuple(
      fc.constantFrom(...texts),
      fc.array(fc.tuple(fc.nat(10_000), fc.nat(6), fc.oneof(word, fc.constant('\n'), line)), { maxLength: 3 }),
    )
    .map(([text, edits]) =>
      edits.reduce((now, [at, cut, put]) => {
        const from = at % (now.length + 1);
        return `${now.slice(0, from)}${put}${now.slice(from + cut)}`;
      }, text),
    );
  const key = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('a', 'b', 'id', 'link') },
    { weight: 1, arbitrary: word },
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.oneof(
        word,
        fc.string({ maxLength: 8 }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.double({ noNaN: true }),
      ),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(key, tie('node'), { maxKeys: 4 }),
    ),
  })).node;
  const written = fc
    .tuple(tree, fc.constantFrom('any' as const, 'block' as const, 'flow' as const), fc.boolean())
    .map(([value, collectionStyle, indentSeq]) => stringify(value, { collectionStyle, indentSeq, lineWidth: 0 }));

  it.each([
    [
      'lines of words that mean something',
      fc.oneof(
        value,
        value,
        fc.array(line, { maxLength: 5 }).map((lines) => lines.join('\n')),
      ),
      3_000,
      500,
    ],
    [
      'lines as they are common',
      fc.array(plainLine, { minLength: 2, maxLength: 5 }).map((lines) => `${lines.join('\n')}\n`),
      2_000,
      50,
    ],
    ['our own files with changes', edited, 200, 30],
    ['what the library writes', written, 1_000, 60],
  ])('it is what the library reads, or is left to it: %s', (_, texts, numRuns, least) => {
    let certain = 0;
    fc.assert(
      fc.property(texts, (text) => {
        if (agrees(text)) certain += 1;
      }),
      { numRuns },
    );
    expect(certain).toBeGreaterThan(least);
  });
});
