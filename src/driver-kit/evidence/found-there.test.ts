import { expect, it } from 'vitest';
import { foundThere } from './found-there.ts';

const confirmed = { end: 'confirmed', by: 'change' };
const unconfirmed = { end: 'unconfirmed' };

it.each([
  ['was seen elsewhere since', 'unlocked', false, confirmed],
  ['was seen half way', 'half_way', false, confirmed],
  ['was never seen', undefined, false, unconfirmed],
  ['stood there before', 'locked', false, unconfirmed],
  ['did not know', 'not_known', false, unconfirmed],
  ['did not show', 'withheld', false, unconfirmed],
  ['refused, and was moved by somebody else', 'unlocked', true, unconfirmed],
] as const)('a bolt that %s', (_, before, wasRefused, verdict) => {
  expect(foundThere({ before, value: 'locked', wasRefused })).toEqual(verdict);
});
