import type { PartialZWaveOptions } from 'zwave-js';
import { GatewayError } from '../../contract/index.ts';
import type { DatabaseFactory } from './databases.ts';
import type { ZwaveLogFactory } from './log-bridge.ts';

type Key = Uint8Array<ArrayBuffer>;

/** The keys of one network, 16 bytes each. */
export interface ZwaveNetworkKeys {
  readonly S0_Legacy: Key;
  readonly S2_Unauthenticated: Key;
  readonly S2_Authenticated: Key;
  readonly S2_AccessControl: Key;
  readonly long_range?: { readonly S2_Authenticated: Key; readonly S2_AccessControl: Key } | undefined;
}

export interface OptionsGiven {
  readonly keys: ZwaveNetworkKeys;
  readonly cacheDir: string;
  readonly log: ZwaveLogFactory;
  readonly databases: DatabaseFactory;
}

/**
 * How zwave-js 15.29.0 is set up. None of it can be configured: most of it is what the promises stand on.
 *
 * - `interview.queryAllUserCodes`: without it the first interview of a lock ERASES EVERY CODE on it (zwave-js, pull
 *   request 8525), and an interview is the first whenever the cache was lost.
 * - `attempts` 1 and no recovery of the controller: zwave-js would send a command again, also one that may have
 *   arrived. A stick that does not answer is opened anew instead, which resets it, and nothing is repeated.
 * - `disableOptimisticValueUpdate`: otherwise an acknowledgement would look like a report of the lock's.
 * - `lookupUserIdInNotificationEvents` off: otherwise codes ride in events.
 */
export function driverOptions({ keys, cacheDir, log, databases }: OptionsGiven): PartialZWaveOptions {
  const { long_range: longRange, ...securityKeys } = keys;
  return {
    securityKeys,
    ...(longRange && { securityKeysLongRange: longRange }),
    storage: { cacheDir, throttle: 'normal' },
    interview: { queryAllUserCodes: true },
    attempts: { sendData: 1, controller: 1 },
    disableOptimisticValueUpdate: true,
    features: { unresponsiveControllerRecovery: false },
    preferences: { lookupUserIdInNotificationEvents: false, scales: {} },
    host: { log, db: databases },
  };
}

/**
 * The last look before a stick is opened: a release of zwave-js that drops or renames the option must not cost anybody
 * their codes.
 * @throws GatewayError `misconfigured`
 */
export function assertCodesAreKept(options: { readonly interview?: { readonly queryAllUserCodes?: boolean } }): void {
  if (options.interview?.queryAllUserCodes === true) return;
  throw new GatewayError(
    'misconfigured',
    'This version of zwave-js would erase the codes of every lock at its first interview. Install zwave-js@15.29.0.',
  );
}
