import { z } from 'zod';
import {
  Decibels,
  type Device,
  defineDriver,
  type Health,
  type OpenContext,
  type SerialLink,
} from '../../../src/contract/index.ts';
import { Poller } from '../../../src/driver-kit/poller.ts';
import { ask } from '../modbus/ask.ts';
import { readRegisters } from '../modbus/requests.ts';

/** What differs between transmitters, as data. */
export const noiseProfile = z
  .strictObject({
    manufacturer: z.string().min(1).default('unknown').describe('The maker, for people.'),
    model: z.string().min(1).default('Modbus noise transmitter').describe('The model, for people.'),
    function_code: z.literal([3, 4]).default(3).describe('3: holding, 4: input registers.'),
    register: z.int().min(0).max(0xffff).describe('The register that holds the level.'),
    scale: z.number().positive().max(100).describe('Decibels that one step of the register means, usually 0.1.'),
    metric: z
      .enum(['dBA', 'dB'])
      .default('dB')
      .describe('What the level is, as far as the maker says: A-weighted, or unspecified.'),
    baud_rate: z
      .int()
      .min(300)
      .max(921_600)
      .optional()
      .describe('The baud rate that it leaves the factory with, for the message when it does not answer.'),
  })
  .describe('A transmitter that is none of the known ones.');

export type NoiseProfile = z.output<typeof noiseProfile>;

/**
 * Transmitters whose map was found published; none was on the bench (see README.md).
 *
 * - `renke-rs-zs`: Renke RS-ZS-BZ, from public field code; baud rate of a sibling's data sheet.
 * - `s300nois`: S300NOIS type, 30 to 120 dB, from a public driver and the seller's table.
 */
export const noiseProfiles = {
  'renke-rs-zs': noiseProfile.parse({
    manufacturer: 'Renke',
    model: 'RS-ZS-BZ',
    register: 0,
    scale: 0.1,
    metric: 'dBA',
    baud_rate: 4800,
  }),
  s300nois: noiseProfile.parse({
    manufacturer: 'unknown',
    model: 'S300NOIS',
    register: 0,
    scale: 0.1,
    metric: 'dB',
    baud_rate: 9600,
  }),
} as const;

export type NoiseProfileName = keyof typeof noiseProfiles;

export const noiseProfileNames = Object.keys(noiseProfiles) as readonly NoiseProfileName[];

export const settings = z.strictObject({
  profile: z
    .union([z.enum(noiseProfileNames), noiseProfile])
    .describe(`The transmitter: ${noiseProfileNames.join(', ')}, or its description.`),
  poll_s: z
    .number()
    .min(0.5)
    .max(60)
    .default(1)
    .describe('Seconds between two reads. Transmitters smooth over about 2 s: faster adds nothing.'),
  reply_timeout_ms: z
    .int()
    .min(20)
    .max(10_000)
    .default(500)
    .describe('How long the transmitter may take to begin its answer, in milliseconds.'),
});

type NoiseSettings = z.output<typeof settings>;

const profileOf = (profile: NoiseSettings['profile']): NoiseProfile =>
  typeof profile === 'string' ? noiseProfiles[profile] : profile;

/**
 * Below the quietest room that such a transmitter can tell from its own noise, and above what it survives: the
 * register holds something else. 30 to 120 or 130 dB are the ranges that makers state; the margins are a guess.
 */
const QUIETEST_DB = 20;
const LOUDEST_DB = 140;

/** The level that a register holds, to a tenth; undefined when it cannot be one. */
function levelOf(word: number, { scale }: NoiseProfile): Decibels | undefined {
  const level = Math.round(word * scale * 10) / 10;
  return level >= QUIETEST_DB && level <= LOUDEST_DB ? Decibels.parse(level) : undefined;
}

/** So many impossible values in a row are no disturbance but a wrong register or scale. A guess. */
const REJECTS_UNTIL_MISCONFIGURED = 10;

export const modbusNoise = defineDriver({
  id: 'serial/modbus-noise',
  title: 'Noise transmitters on Modbus RTU',
  link: 'serial',
  settings,
  describe: ({ profile }) => {
    const { manufacturer, model } = profileOf(profile);
    return { deviceType: 'modbus_noise_sensor', manufacturer, model };
  },
  open: async (link, chosen, ctx) => openSensor(link, chosen, ctx),
});

function openSensor(link: SerialLink, chosen: NoiseSettings, ctx: OpenContext): Device {
  const { name, clock, random, log, closing } = ctx;
  const profile = profileOf(chosen.profile);
  const request = readRegisters({
    unit: link.unit,
    functionCode: profile.function_code,
    address: profile.register,
    count: 1,
    replyTimeoutMs: chosen.reply_timeout_ms,
  });
  let rejects = 0;

  const poller = new Poller({
    link,
    clock,
    random,
    log,
    intervalMs: chosen.poll_s * 1000,
    report: (report) => ctx.report(report.kind === 'health' ? { ...report, health: advised(report.health) } : report),
    async look() {
      const [word = 0] = await ask(link, request, { name, priority: 'poll', signal: closing });
      const level = levelOf(word, profile);
      if (level === undefined) {
        rejects += 1;
        log.debug({ word }, `${name}: its register holds no possible level`);
        return;
      }
      rejects = 0;
      ctx.report({ kind: 'noise', level, metric: profile.metric });
    },
    complaint: () => (rejects < REJECTS_UNTIL_MISCONFIGURED ? undefined : impossible(name, profile.register)),
  });

  /** Transmitters leave the factory with different baud rates: the first thing to look at when one is silent. */
  function advised(health: Health): Health {
    if (health.status !== 'offline' || health.reason !== 'not_answering' || profile.baud_rate === undefined)
      return health;
    return { ...health, hint: `${health.hint} A new ${profile.model} runs at ${profile.baud_rate} baud.` };
  }

  return {
    noise: { metric: profile.metric, expectedIntervalMs: chosen.poll_s * 1000 },
    async close() {
      poller.close();
    },
  };
}

const impossible = (name: string, register: number): Health => ({
  status: 'misconfigured',
  reason: 'wrong_settings',
  hint: `Register ${register} of ${name} holds no possible level. Check register, function_code and scale of its profile.`,
});
