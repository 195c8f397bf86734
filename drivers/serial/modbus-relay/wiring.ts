/** What the lock does without power: fail secure stays locked, fail safe lets go. */
export type LockType = 'fail_secure' | 'fail_safe';

/** Which contact of the relay the lock is wired through. */
export type RelayContact = 'normally_open' | 'normally_closed';

/** Where the coil stands: on pulls the relay, which closes its normally open contact. */
export interface Wiring {
  /** The coil's position that releases the door. */
  readonly releasedWhen: 'on' | 'off';
  /** The coil's position at rest: the door is secured. */
  readonly securedWhen: 'on' | 'off';
}

/**
 * The lock has power while its contact is closed; a fail-secure strike is released by power, a fail-safe magnet by
 * taking it away. Everything else follows, and nothing is assumed.
 */
export function wiringOf(lockType: LockType, contact: RelayContact): Wiring {
  const poweredWhen = contact === 'normally_open' ? 'on' : 'off';
  const releasedWhen = lockType === 'fail_secure' ? poweredWhen : opposite(poweredWhen);
  return { releasedWhen, securedWhen: opposite(releasedWhen) };
}

const opposite = (position: 'on' | 'off') => (position === 'on' ? 'off' : 'on');
