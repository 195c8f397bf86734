import { describe, expect, test } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { FORGOTTEN, NamePattern } from './name-pattern.ts';

describe('a name', () => {
  test.each([
    ['Anne-Marie Müller', 'for ANNE MARIE MÜLLER, room 4'],
    ["Zoë O'Brien-Łuczak", 'Zoë O’Brien Łuczak'],
    ["Zoë O'Brien-Łuczak", 'key zoë-o-brien-łuczak'.replaceAll('ë', 'ë')],
    ['J. R. (Bob) Dobbs', 'J.R. Bob Dobbs'],
    ['+41 79 123-45-67', 'call +41 79 123 45 67'],
    ['anne-marie@example.org', 'to anne-marie@example.org.'],
    ['हिन्दी देवी', 'हिन्दी देवी'],
    ['山田-太郎', '山田 太郎'],
    ['^Ana$ [x]{2} \\d', 'Ana X 2 d'],
  ])('%s is found in "%s", and taken out', (name, text) => {
    const pattern = new NamePattern(name);
    expect(pattern.isIn(text)).toBe(true);
    expect(pattern.takenOutOf(text)).toContain(FORGOTTEN);
    expect(pattern.isIn(pattern.takenOutOf(text))).toBe(false);
  });

  test.each([
    ['Anne-Marie', 'Anne-Mariella'],
    ["O'Brien", 'OBrien'],
    ['हिन्दी', 'हिन्दीया'],
    ['Ana.Meier', 'AnaXMeier'],
    ['-', 'a - b'],
  ])('%s is not in "%s"', (name, text) => {
    expect(new NamePattern(name).isIn(text)).toBe(false);
  });

  test('is found in itself, whatever it is made of, and nowhere when it has no letter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const hasLetters = /[\p{L}\p{M}\p{N}]/u.test(name.normalize('NFKC'));
        expect(new NamePattern(name).isIn(`(${name})`)).toBe(hasLetters);
      }),
    );
  });
});
