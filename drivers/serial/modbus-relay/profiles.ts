import { z } from 'zod';

const address = z.int().min(0).max(0xffff);
const word = z.int().min(0).max(0xffff);

/**
 * What differs between relay boards, as data. Only boards that end a pulse by their own timer can work a door: with
 * any other a gateway that dies in between leaves the door open.
 */
export const relayProfile = z
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

export type RelayProfile = z.output<typeof relayProfile>;

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
export const relayProfiles = {
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

export const relayProfileNames = Object.keys(relayProfiles) as readonly RelayProfileName[];
