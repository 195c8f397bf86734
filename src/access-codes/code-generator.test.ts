import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { seededRandom } from '../../test/kit/seeded-random.ts';
import type { AccessCodeRules } from '../contract/index.ts';
import { type CodeTarget, generateCode, isWeak } from './code-generator.ts';

const rules: AccessCodeRules = {
  lengths: [4, 6],
  digits: '0123456789',
  slots: { first: 1, count: 10 },
  nativeSchedule: false,
  readCost: 'battery',
};

const lock = (its: AccessCodeRules, isTaken: CodeTarget['isTaken'] = () => false): CodeTarget => ({
  name: 'Front',
  rules: its,
  isTaken,
});

const drawnBy = (seed: number) => {
  const random = seededRandom(seed);
  return (below: number) => Math.floor(random() * below);
};

describe('a generated code', () => {
  it('obeys the lock, is not weak and not taken', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(undefined, 4, 6), (seed, wanted) => {
        const taken = new Set<string>();
        for (let count = 0; count < 20; count++) {
          const code = generateCode([lock(rules, (each) => taken.has(each.reveal()))], wanted, drawnBy(seed)).reveal();
          expect(code).toMatch(wanted === 4 ? /^\d{4}$/ : /^\d{6}$/);
          expect(isWeak(code)).toBe(false);
          expect(taken.has(code)).toBe(false);
          taken.add(code);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('uses only the digits that the keypad has, and heeds the lock’s own rule', () => {
    const nuki: AccessCodeRules = {
      ...rules,
      lengths: [6],
      digits: '123456789',
      refuse: (code) => (code.reveal().startsWith('12') ? 'Codes must not begin with 12.' : undefined),
    };
    for (let seed = 0; seed < 200; seed++) {
      expect(generateCode([lock(nuki)], undefined, drawnBy(seed)).reveal()).toMatch(/^(?!12)[1-9]{6}$/);
    }
  });

  it('fits several doors at once, or says which digits each takes', () => {
    const keypad = { ...rules, lengths: [4, 5], digits: '123456' };
    expect(generateCode([lock(rules), lock(keypad)], undefined, drawnBy(7)).reveal()).toMatch(/^[1-6]{4}$/);
    const other = { ...rules, lengths: [5] };
    expect(() => generateCode([lock(rules), lock(other)], undefined, drawnBy(1))).toThrowError(
      /no one code fits.*5 digits/,
    );
  });

  it('says so when nothing is left, or the length does not fit', () => {
    expect(() => generateCode([lock(rules, () => true)], 4, drawnBy(1))).toThrowError(/no code is left/);
    expect(() => generateCode([lock(rules)], 5, drawnBy(1))).toThrowError(/4 or 6 digits/);
  });
});

describe('a weak code', () => {
  it.each([
    '0000',
    '1234',
    '8901',
    '9876',
    '1212',
    '123123',
    '1984',
    '2026',
    '90',
    '121212',
    '1357',
    '2580',
    '4224',
    '112112',
    '230487',
    '042387',
    '870423',
    '23041987',
    '147258',
  ])('%s', (digits) => {
    expect(isWeak(digits)).toBe(true);
  });
  it.each(['0472', '195837', '1224', '482913'])('is not %s', (digits) => {
    expect(isWeak(digits)).toBe(false);
  });
});
