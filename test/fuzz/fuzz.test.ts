import { describe, expect, test } from 'vitest';
import { corpusOf } from './corpus.ts';
import { mutate, seededNumbers } from './mutator.ts';
import { targets } from './targets.ts';

/** Per target: some seconds in all. `npm run fuzz` goes on for as long as it is let. */
const ROUNDS = Number(process.env.STRIKEPLATE_FUZZ_ROUNDS ?? 4_000);
const seed = Number(process.env.STRIKEPLATE_SEED ?? 20_260_328);

describe('what others send', () => {
  test.each(Object.entries(targets))('is read or refused, whatever it is: %s', async (name, target) => {
    const corpus = corpusOf(name);
    expect(corpus.length).toBeGreaterThan(1);
    for (const input of corpus) await target.run(input);
    const below = seededNumbers(seed);
    const pick = () => corpus[below(corpus.length)] ?? Buffer.alloc(0);
    for (let round = 0; round < ROUNDS; round++) {
      const input = mutate(pick(), pick(), below);
      try {
        await target.run(input);
      } catch (error) {
        throw new Error(`seed ${seed}, round ${round}: hex:${input.toString('hex')}`, { cause: error });
      }
    }
  });
});

test('the mutator reaches what it is to find: three bytes in a row, from nothing', () => {
  const below = seededNumbers(seed);
  let found = false;
  for (let round = 0; round < 200_000 && !found; round++) {
    const input = mutate(Buffer.from('aaa'), Buffer.from('bbb'), below);
    found = input.includes('ab') && input.includes('{') && input.length < 40;
  }
  expect(found).toBe(true);
});
