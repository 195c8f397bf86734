import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { PassingMap } from './passing-map.ts';

describe('a map of what comes and goes', () => {
  it('is a map, however much goes', () => {
    const step = fc.oneof(
      fc.record({ does: fc.constant('set' as const), key: fc.nat(40), value: fc.nat() }),
      fc.record({ does: fc.constant('delete' as const), key: fc.nat(40), value: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 150, maxLength: 300 }), (steps) => {
        const plain = new Map<number, number>();
        const passing = new PassingMap<number, number>();
        for (const { does, key, value } of steps) {
          if (does === 'set') {
            plain.set(key, value);
            passing.set(key, value);
          } else if (does === 'delete') expect(passing.delete(key)).toBe(plain.delete(key));
          expect(passing.get(key)).toBe(plain.get(key));
          expect(passing.has(key)).toBe(plain.has(key));
        }
        expect([passing.size, ...passing.keys()]).toEqual([plain.size, ...plain.keys()]);
        expect([...passing.values()]).toEqual([...plain.values()]);
      }),
      { numRuns: 20 },
    );
  });

  it('is left behind before it grows old, and not while more is in it than went', () => {
    const comeAndGo = (passing: PassingMap<number, string>, times: number) => {
      for (let time = 0; time < times; time++) {
        passing.set(-1, 'passing');
        passing.delete(-1);
      }
    };
    /** Whether an iterator from before still sees what is put in. */
    const isTheSame = (entries: number, times: number) => {
      const passing = new PassingMap<number, string>();
      const before = passing.values();
      for (let key = 0; key < entries; key++) passing.set(key, 'kept');
      comeAndGo(passing, times);
      passing.set(-2, 'put in last');
      return [...before].includes('put in last');
    };
    expect(isTheSame(0, 60)).toBe(true);
    expect(isTheSame(0, 70)).toBe(false);
    expect(isTheSame(1_000, 900)).toBe(true);
    expect(isTheSame(1_000, 1_100)).toBe(false);
  });
});
