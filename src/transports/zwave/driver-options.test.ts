import { expect, it } from 'vitest';
import { silentLog } from '../../driver-testing/command-context.ts';
import { assertCodesAreKept, driverOptions } from './driver-options.ts';
import { loadZwaveDatabases } from './library.ts';
import { zwaveLog } from './log-bridge.ts';

const key = (byte: number) => new Uint8Array(16).fill(byte);
const keys = { S0_Legacy: key(1), S2_Unauthenticated: key(2), S2_Authenticated: key(3), S2_AccessControl: key(4) };
const databases = await loadZwaveDatabases();
const options = driverOptions({ keys, cacheDir: '/nowhere', log: zwaveLog(silentLog), databases });

it('the first interview erases no codes, and a stick is not opened where it would', () => {
  expect(options.interview?.queryAllUserCodes).toBe(true);
  expect(() => assertCodesAreKept(options)).not.toThrow();
  for (const wrong of [{}, { interview: {} }, { interview: { queryAllUserCodes: false } }])
    expect(() => assertCodesAreKept(wrong)).toThrow(/would erase the codes of every lock/);
});

it('nothing below us sends a command again, or takes an acknowledgement for a state', () => {
  expect(options).toMatchObject({
    attempts: { sendData: 1, controller: 1 },
    features: { unresponsiveControllerRecovery: false },
    disableOptimisticValueUpdate: true,
    preferences: { lookupUserIdInNotificationEvents: false },
  });
});

it('the keys of Long Range are left out when there are none', () => {
  expect(options).not.toHaveProperty('securityKeysLongRange');
  const longRange = { S2_Authenticated: key(5), S2_AccessControl: key(6) };
  const more = driverOptions({
    keys: { ...keys, long_range: longRange },
    cacheDir: '/x',
    log: zwaveLog(silentLog),
    databases,
  });
  expect(more.securityKeysLongRange).toEqual(longRange);
  expect(more.securityKeys).toEqual(keys);
});
