import { describe, expect, it } from 'vitest';
import { aCode } from '../../test/kit/store/store-records.ts';
import { Secret } from '../contract/index.ts';
import type { CodePlacement } from '../model/records.ts';
import { isOurs } from './code-findings.ts';

const digits = { read: () => new Secret('0472') };
const held: CodePlacement = {
  slot: 4,
  label: 'sp-0123456789abcdef',
  sealedCode: Uint8Array.of(1),
  schedule: undefined,
  state: 'held',
};
const found = (seen: { readonly label?: string; readonly code?: string }) => ({
  slot: 4,
  occupied: true,
  ...(seen.label !== undefined && { label: seen.label }),
  ...(seen.code !== undefined && { code: new Secret(seen.code) }),
});

describe('what stands in a slot of ours', () => {
  it.each([
    ['our digits', { code: '0472' }, true],
    ['our digits as a number, without their leading zero', { code: '472' }, true],
    ['other digits', { code: '7777' }, false],
    ['other digits as a number', { code: '72' }, false],
    ['our digits under another name', { code: '0472', label: 'Cleaner' }, true],
    ['other digits under our name', { code: '7777', label: held.label }, true],
    ['hidden digits and no name', {}, true],
    ['hidden digits and an empty name', { label: '' }, true],
    ['hidden digits under our name, cut short', { label: 'sp-0123456' }, true],
    ['hidden digits under another name', { label: 'Cleaner' }, false],
  ])('%s', (_, seen, ours) => {
    expect(isOurs(digits, aCode(1), held, found(seen))).toBe(ours);
  });

  it('under another name, with hidden digits, is not ours though what we wrote there was stored wrong', () => {
    const seen = found({ label: 'Cleaner' });
    expect(isOurs(digits, aCode(1), { ...held, state: 'spoilt' }, seen)).toBe(false);
  });

  it('was written by somebody else while ours is only planned', () => {
    expect(isOurs(digits, aCode(1), { ...held, state: 'planned' }, found({ code: '0472' }))).toBe(false);
  });
});
