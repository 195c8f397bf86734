import { expect, it } from 'vitest';
import { ChangeBit } from './watch.ts';

/** What a lock is asked for over a time in which `bits` were heard; `R` is a read that found something new, `r` one that did not. */
function asked(resetsIt: boolean, heard: string): string {
  const bit = new ChangeBit(resetsIt);
  return [...heard]
    .map((one) => {
      if (one === '0' || one === '1') return bit.heard(one === '1') ? '!' : '.';
      bit.read(one === 'R');
      return ' ';
    })
    .join('')
    .replaceAll(' ', '');
}

it.each([
  ['an app reads once for a change, however long it is told', false, '01R1111r11111', '.!.........'],
  ['and again once a bridge has reset it', false, '01R11011R11', '.!...!...'],
  ['a bridge reads once, since its read resets it', true, '01R0000', '.!....'],
  ['a bridge hears of the next change although it never heard it reset', true, '01R1R0', '.!!.'],
  ['a lock that resets it for nobody is not read for ever', true, '01R1r1r1111111', '.!!!.......'],
  ['and is read again for a change once it was reset', true, '01R1r1r11011', '.!!!...!.'],
])('%s', (_, resetsIt, heard, expected) => expect(asked(resetsIt, heard)).toBe(expected));
