import { expect, it } from 'vitest';
import { wiringOf } from './settings.ts';

it.each([
  // A strike that opens while it has power, from the contact that closes when the relay pulls.
  ['fail_secure', 'normally_open', 'on'],
  // A magnet that is fed through the contact that opens when the relay pulls.
  ['fail_safe', 'normally_closed', 'on'],
  // A magnet that has power only while the relay pulls.
  ['fail_safe', 'normally_open', 'off'],
  // A strike that has power while the relay rests.
  ['fail_secure', 'normally_closed', 'off'],
] as const)('a %s lock on the %s contact is released by the relay %s', (lockType, contact, releasedWhen) => {
  expect(wiringOf(lockType, contact)).toEqual({
    releasedWhen,
    securedWhen: releasedWhen === 'on' ? 'off' : 'on',
  });
});
