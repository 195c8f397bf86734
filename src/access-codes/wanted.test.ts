import { describe, expect, it } from 'vitest';
import { aCode } from '../../test/kit/store/store-records.ts';
import { type AccessCodeRules, Secret } from '../contract/index.ts';
import { fits, overlap, wantOf } from './wanted.ts';

const hour = 3_600_000;
const stay = { startsAt: 100 * hour, endsAt: 150 * hour };

describe('what is wanted of a code', () => {
  it.each([
    ['long before its time', 98 * hour, 'off_lock'],
    ['in the lead before it', 99 * hour, 'on_lock'],
    ['until its end', 150 * hour - 1, 'on_lock'],
    ['from its end on', 150 * hour, 'off_lock'],
  ] as const)('%s', (_, at, want) => {
    expect(wantOf(aCode(1, stay), { at, sure: true }, hour)).toBe(want);
    expect(wantOf(aCode(1, stay), { at, sure: false }, hour)).toBe('as_it_is');
  });

  it('is the same at all times without times, and after its removal', () => {
    expect(wantOf(aCode(1), { at: 0, sure: false }, hour)).toBe('on_lock');
    const removed = aCode(1, { ...stay, removal: { cause: 'requested', at: 0 } });
    expect(wantOf(removed, { at: 120 * hour, sure: false }, hour)).toBe('off_lock');
  });
});

describe('what stands on a lock', () => {
  const rules: AccessCodeRules = {
    lengths: [4],
    digits: '0123456789',
    slots: 'device',
    nativeSchedule: true,
    readCost: 'battery',
  };
  const sealedCode = Uint8Array.of(1);
  const code = aCode(1, { ...stay, sealedCode });
  const placement = { slot: 1, label: 'sp-1', sealedCode, schedule: stay, state: 'held' } as const;
  const reveal = (sealed: Uint8Array) => new Secret(String(sealed[0]));

  it.each([
    ['the same digits and times', placement, rules, true],
    ['other times', { ...placement, schedule: { ...stay, endsAt: 151 * hour } }, rules, false],
    ['other digits', { ...placement, sealedCode: Uint8Array.of(2) }, rules, false],
    ['what was not seen yet', { ...placement, state: 'writing' as const }, rules, false],
    ['times on a lock that keeps none any more', placement, { ...rules, nativeSchedule: false }, false],
    ['what was given to a lock that has not been opened yet', placement, undefined, true],
  ])('%s', (_, standing, its, expected) => {
    expect(fits(standing, code, its, reveal)).toBe(expected);
  });
});

describe('two codes', () => {
  it.each([
    [stay, { startsAt: 150 * hour, endsAt: 160 * hour }, false],
    [stay, { startsAt: 149 * hour, endsAt: 160 * hour }, true],
    [stay, { startsAt: undefined, endsAt: undefined }, true],
  ])('overlap or do not', (one, other, expected) => {
    expect(overlap(one, other)).toBe(expected);
    expect(overlap(other, one)).toBe(expected);
  });
});
