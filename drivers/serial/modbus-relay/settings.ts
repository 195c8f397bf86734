import { z } from 'zod';
import { type RelayProfile, relayProfile, relayProfileNames, relayProfiles } from './profiles.ts';

/** What the lock does without power: fail secure stays locked, fail safe lets go. */
type LockType = 'fail_secure' | 'fail_safe';

/** Which contact of the relay the lock is wired through. */
type RelayContact = 'normally_open' | 'normally_closed';

/** Where the coil stands: on pulls the relay, which closes its normally open contact. */
interface Wiring {
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

/**
 * The longest release, in seconds: a guess at what a slow person with a wheelchair needs. More is not a door that is
 * opened but one that stands open.
 */
const LONGEST_RELEASE_S = 60;
/** Some converters behind radio take seconds. More than this is no line to work a door on. A guess. */
const LONGEST_REPLY_MS = 10_000;

export const settings = z
  .strictObject({
    profile: z
      .union([z.enum(relayProfileNames), relayProfile])
      .describe(`The board: ${relayProfileNames.join(', ')}, or its description.`),
    channel: z.int().min(1).describe('The relay, counted from 1 as printed on the board.'),
    lock_type: z
      .enum(['fail_secure', 'fail_safe'])
      .describe('fail_secure: power releases it, as most strikes. fail_safe: power holds it, as magnets.'),
    relay_contact: z
      .enum(['normally_open', 'normally_closed'])
      .describe('The contact of the relay that the lock is wired through: NO or NC on the board.'),
    release_s: z
      .number()
      .min(0.5)
      .max(LONGEST_RELEASE_S)
      .default(5)
      .describe("How long UNLOCK releases the door, in seconds; the board's own timer ends it."),
    door_contact: z
      .strictObject({
        input: z.int().min(1).describe('The input it is wired to, counted from 1.'),
        closed_when: z.enum(['on', 'off']).describe('What the input reads while the door is closed.'),
      })
      .optional()
      .describe('A contact that tells whether the door is closed.'),
    poll_s: z.number().min(0.2).max(60).default(1).describe('Seconds between two looks at relay and contact.'),
    reply_timeout_ms: z
      .int()
      .min(20)
      .max(LONGEST_REPLY_MS)
      .default(300)
      .describe(
        'How long the board may take to begin its answer, in milliseconds. A slow one needs longer limits too.',
      ),
  })
  .superRefine((chosen, check) => {
    const profile = profileOf(chosen.profile);
    // What is wrong with the board has been said; what follows from it would only confuse.
    if (!relayProfile.safeParse(profile).success) return;
    const issue = (path: readonly string[], message: string) =>
      check.addIssue({ code: 'custom', path: [...path], message });
    if (chosen.channel > profile.channels)
      issue(['channel'], `must be at most ${profile.channels}: the board has no more relays`);
    const steps = stepsOf(chosen.release_s, profile);
    if (steps > profile.pulse_steps_max)
      issue(
        ['release_s'],
        `must be at most ${(profile.pulse_steps_max * profile.pulse_unit_ms) / 1000} for this board`,
      );
    const { lock_type, relay_contact } = chosen;
    if (wiringOf(lock_type, relay_contact).releasedWhen === 'off' && offPulse(profile) === undefined)
      issue(
        ['relay_contact'],
        `${lock_type} on ${relay_contact} is released by switching the relay off for a time, which this board cannot`,
      );
    const { door_contact } = chosen;
    if (door_contact === undefined) return;
    if (profile.inputs === undefined) issue(['door_contact'], 'this board has no inputs');
    else if (door_contact.input > profile.inputs.count)
      issue(['door_contact', 'input'], `must be at most ${profile.inputs.count}: the board has no more inputs`);
  });

export type RelaySettings = z.output<typeof settings>;

/** One relay of one board, with all that follows from how it is wired. */
export interface Fitting {
  readonly profile: RelayProfile;
  /** Counted from 0. */
  readonly channel: number;
  readonly wiring: Wiring;
  readonly releaseMs: number;
  /** The board's count for that time. */
  readonly releaseSteps: number;
  /** `input` counted from 0. */
  readonly contact: { readonly input: number; readonly closedWhen: 'on' | 'off' } | undefined;
  readonly replyTimeoutMs: number;
}

export function fittingOf(chosen: RelaySettings): Fitting {
  const profile = profileOf(chosen.profile);
  const releaseSteps = stepsOf(chosen.release_s, profile);
  const { door_contact: contact } = chosen;
  return {
    profile,
    channel: chosen.channel - 1,
    wiring: wiringOf(chosen.lock_type, chosen.relay_contact),
    releaseSteps,
    releaseMs: releaseSteps * profile.pulse_unit_ms,
    contact: contact && { input: contact.input - 1, closedWhen: contact.closed_when },
    replyTimeoutMs: chosen.reply_timeout_ms,
  };
}

export const profileOf = (profile: RelaySettings['profile']): RelayProfile =>
  typeof profile === 'string' ? relayProfiles[profile] : profile;

/** Never shorter than asked. */
const stepsOf = (seconds: number, profile: RelayProfile): number => Math.ceil((seconds * 1000) / profile.pulse_unit_ms);

function offPulse({ pulse }: RelayProfile): number | undefined {
  switch (pulse.method) {
    case 'coil_word':
      return pulse.off_base;
    case 'register_word':
      return pulse.off_command;
    case 'two_registers':
      return pulse.off_mode;
  }
}
