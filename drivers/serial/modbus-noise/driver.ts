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
import { type NoiseProfile, noiseProfile, noiseProfileNames, noiseProfiles } from './profiles.ts';

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
