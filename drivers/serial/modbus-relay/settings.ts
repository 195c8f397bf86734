import { z } from 'zod';

const address = z.int().min(0).max(0xffff);
const word = z.int().min(0).max(0xffff);

/**
 * What differs between relay boards, as data. Only boards that end a pulse by their own timer can work a door: with
 * any other a gateway that dies in between leaves the door open.
 */
const relayProfile = z
  .strictObject({
    manufacturer: z.string().min(1).default('unknown').describe('The maker, for people.'),
    model: z.string().min(1).default('Modbus relay board').describe('The model, for people.'),
    channels: z.int().min(1).max(64).describe('How many relays it has.'),
    function_code: z
      .literal([5, 6])
      .default(5)
      .describe('Function that switches a relay: 5, its coil, or 6, its register.'),
    coil_base: address.default(0).describe('Address of the first relay among the coils, or registers.'),
    on_word: word.default(0xff00).describe('What that function takes for on; for coils the standard says 0xFF00.'),
    off_word: word.default(0x0000).describe('What it takes for off, also while a pulse runs.'),
    read: z
      .strictObject({
        function_code: z.literal([1, 3]).describe('1: coils; 3: a register for each relay, 0 while it is off.'),
        base: address.describe('Address of the first relay.'),
      })
      .optional()
      .describe('How the relays are read. Left out: where they are switched, by function 1 or 3.'),
    pulse: z
      .discriminatedUnion('method', [
        z.strictObject({
          method: z.literal('coil_word').describe('Function 5 with the time as its word.'),
          on_base: address.describe('Address that switches the first relay on for a time.'),
          off_base: address.optional().describe('Address that switches it off for a time, where there is one.'),
        }),
        z.strictObject({
          method: z.literal('register_word').describe('Function 6 with a command and the time in one word.'),
          base: address.optional().describe('Register of the first relay, where it is not coil_base.'),
          on_command: word.describe('Command that switches on for a time; the time is added to it.'),
          off_command: word.optional().describe('Command that switches off for a time, where there is one.'),
        }),
        z.strictObject({
          method: z.literal('two_registers').describe('Function 16 with a mode and the time.'),
          base: address.describe('First register of the first relay.'),
          stride: z.int().min(2).max(64).describe('From one relay to the next.'),
          on_mode: word.describe('Mode that switches on for a time.'),
          off_mode: word.optional().describe('Mode that switches off for a time, where there is one.'),
        }),
      ])
      .describe("How the board's own pulse timer is started."),
    pulse_unit_ms: z.int().min(1).max(10_000).default(100).describe('Milliseconds that one step of the time means.'),
    pulse_steps_max: z
      .int()
      .min(1)
      .max(0xffff)
      .default(0x7fff)
      .describe('Most steps; sources differ between 0x7FFF and 0xFFFF, so the lower is the default.'),
    inputs: z
      .strictObject({
        function_code: z.literal([1, 2]).default(2).describe('Function that reads them.'),
        base: address.default(0).describe('Address of the first input.'),
        count: z.int().min(1).max(64).describe('How many there are.'),
      })
      .optional()
      .describe('Digital inputs, for boards that have them.'),
  })
  .describe('A relay board that is none of the known ones.');

type RelayProfile = z.output<typeof relayProfile>;

const waveshare = {
  manufacturer: 'Waveshare',
  channels: 8,
  pulse: { method: 'coil_word', on_base: 0x0200, off_base: 0x0400 },
} as const;

/** Function 6, one register for each relay from 1 on: command in the high byte, seconds in the low one. */
const eletechsup = {
  manufacturer: 'Eletechsup',
  function_code: 6,
  coil_base: 1,
  on_word: 0x0100,
  off_word: 0x0200,
  pulse: { method: 'register_word', on_command: 0x0600 },
  pulse_unit_ms: 1000,
  pulse_steps_max: 255,
} as const;

/** An owner measured that only "on for 0 s" ends a time that runs; "off" is ignored meanwhile. */
const ryn4 = { ...eletechsup, off_word: 0x0600 } as const;

/**
 * Boards whose map was found published; none was on the bench (see README.md).
 *
 * - `waveshare-*`: Waveshare, wiki pages of the Modbus RTU Relay, of its 16CH and 32CH siblings, and of its (D) variant
 *   with inputs.
 * - `lc-8ch`: LC Technology LC-Modbus-8R, as a public driver and the seller's table describe it.
 * - `r4d-*`, `ryn4-*`: Eletechsup (485io), the maker's command tables, public drivers, and an owner's measurements of a
 *   RYN408F.
 */
const relayProfiles = {
  'waveshare-8ch': relayProfile.parse({ ...waveshare, model: 'Modbus RTU Relay 8CH' }),
  'waveshare-8ch-io': relayProfile.parse({ ...waveshare, model: 'Modbus RTU Relay (D)', inputs: { count: 8 } }),
  'waveshare-16ch': relayProfile.parse({ ...waveshare, model: 'Modbus RTU Relay 16CH', channels: 16 }),
  'waveshare-32ch': relayProfile.parse({ ...waveshare, model: 'Modbus RTU Relay 32CH', channels: 32 }),
  'lc-8ch': relayProfile.parse({
    manufacturer: 'LC Technology',
    model: 'LC-Modbus-8R',
    channels: 8,
    pulse: { method: 'two_registers', base: 3, stride: 5, on_mode: 2, off_mode: 4 },
    inputs: { count: 8 },
  }),
  'r4d-8ch': relayProfile.parse({ ...eletechsup, model: 'R4D8A08', channels: 8 }),
  'r4d-16ch': relayProfile.parse({ ...eletechsup, model: 'R4D3B16', channels: 16 }),
  'ryn4-4ch': relayProfile.parse({ ...ryn4, model: 'RYN404E', channels: 4 }),
  'ryn4-8ch': relayProfile.parse({ ...ryn4, model: 'RYN408F', channels: 8 }),
} as const;

export type RelayProfileName = keyof typeof relayProfiles;

const relayProfileNames = Object.keys(relayProfiles) as readonly RelayProfileName[];

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
