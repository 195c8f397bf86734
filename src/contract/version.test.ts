import { describe, expect, it } from 'vitest';
import { contractMismatch, contractVersion } from './version.ts';

describe('the version of the contract', () => {
  it('fits itself, and what was written for an earlier minor one', () => {
    expect(contractMismatch(contractVersion)).toBeUndefined();
    expect(contractMismatch('1.0')).toBeUndefined();
  });

  it.each([
    [
      '0.9',
      'it was written for version 0.9 of the driver contract, and this gateway has 1.1. Install a release of it for version 1.',
    ],
    [
      '2.0',
      'it was written for version 2.0 of the driver contract, and this gateway has 1.1. Install a release of it for version 1.',
    ],
    [
      '1.7',
      'it needs version 1.7 of the driver contract, and this gateway has 1.1. Install a newer release of the gateway, or an older one of the driver.',
    ],
  ])('%s does not fit, with what to do', (declared, sentence) => {
    expect(contractMismatch(declared)).toBe(sentence);
  });

  it.each([undefined, null, 1, '1', '1.x', {}])('%s is none', (declared) => {
    expect(contractMismatch(declared)).toMatch(/^it does not say which version .*defineDriver/);
  });
});
