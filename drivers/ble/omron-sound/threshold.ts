import {
  type BleLink,
  type Clock,
  type CommandContext,
  GatewayError,
  type GattSession,
} from '../../../src/contract/index.ts';
import { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Claim, Plan, Traits } from '../../../src/driver-kit/evidence/claims.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { LIMIT_RANGE, paths, SETTING_SERVICE } from './catalogue.ts';
import { inSteps, OmronFrameError, readSoundSettings, withUpperLimit } from './codec.ts';

/** A GATT read answers its own question, and a write with response is acknowledged by the sensor. */
const traits: Traits = {
  answers: 'correlated',
  lateByMs: 0,
  oldByMs: 0,
  acknowledgedBy: 'device',
  tellsChanges: false,
  echoes: false,
};

/** A setting is there once it was written. Without an answer it is looked for again. Guesses. */
const plan: Plan = {
  firstAskMs: 3_000,
  betweenMs: 2_000,
  longestBetweenMs: 4_000,
  patienceMs: 3_000,
  travelMs: 0,
  halfWayMs: 0,
  witnessMs: 0,
  reasonMs: 0,
  knownForMs: 10_000,
  earlyUntil: Number.POSITIVE_INFINITY,
};

/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
const MARGIN_MS = 1_000;

export interface SensorAccess {
  readonly link: BleLink;
  readonly deviceName: string;
  readonly clock: Clock;
  readonly closing: AbortSignal;
}

/**
 * Writes the sensor's one upper limit, or switches it off, and reads it back.
 * @throws GatewayError `device_rejected` for a limit the sensor does not take, `state_not_reached` when it holds another
 * afterwards, and what the link throws
 */
export async function writeLimit(
  { link, deviceName, clock, closing }: SensorAccess,
  ctx: CommandContext,
  limit: number | undefined,
): Promise<void> {
  if (limit !== undefined && (limit < LIMIT_RANGE.lowest || limit > LIMIT_RANGE.highest))
    throw new GatewayError(
      'device_rejected',
      `${deviceName} takes limits from ${LIMIT_RANGE.lowest} to ${LIMIT_RANGE.highest} dB. Choose one of these.`,
      { delivery: 'not_sent' },
    );
  const wanted = placeOf(limit !== undefined, limit ?? 0);
  const book = new EvidenceBook({ clock, closing, lateByMs: 0 });
  const session = <T>(signal: AbortSignal, by: number, use: (gatt: GattSession) => Promise<T>) =>
    underSignals([signal, closing], (either) =>
      link.session({ priority: 'code', signal: either, by, services: [SETTING_SERVICE] }, use),
    );
  const look = async (gatt: GattSession): Promise<readonly Claim[]> => {
    const settings = await gatt.read(paths.soundSettings);
    const { upperLimitEnabled, upperLimit } = understood(deviceName, () => readSoundSettings(settings));
    return [{ about: 'limit', value: placeOf(upperLimitEnabled, upperLimit), at: clock.now() }];
  };
  const verdict = await book
    .judge({
      ...{ traits, plan, ctx, marginMs: MARGIN_MS, goal: { proof: [{ about: 'limit', value: wanted }] } },
      send: (observe, said) =>
        session(ctx.signal, ctx.sendBy, async (gatt) => {
          const before = await gatt.read(paths.soundSettings);
          const changed = understood(deviceName, () => withUpperLimit(before, limit));
          if (changed.equals(before)) throw new AsItWas();
          await gatt.command(observedPermit(await ctx.pointOfNoReturn(), observe), paths.soundSettings, changed);
          said({ said: 'acknowledged', at: clock.now() });
        }).then(() => book.reachable()),
      ask: (_about, signal) => session(signal, ctx.deadline - MARGIN_MS, look),
    })
    .catch((error: unknown) => {
      if (!(error instanceof AsItWas)) throw error;
      return undefined;
    });
  if (verdict === undefined || verdict.end === 'confirmed' || verdict.end === 'unconfirmed') return;
  throw verdict.end === 'not_reached'
    ? new GatewayError('state_not_reached', `${deviceName} was given a noise limit, and holds another when it is read.`)
    : new GatewayError(
        'outcome_unknown',
        `${deviceName} was given a noise limit, and could not be read afterwards: which one it holds is not known.`,
      );
}

/** Nothing has to be sent. */
class AsItWas extends Error {
  override readonly name = 'AsItWas';
}

const placeOf = (isEnabled: boolean, limit: number): string => (isEnabled ? inSteps(limit).toFixed(2) : 'off');

/** @throws GatewayError `misconfigured` for bytes that are no such sensor's */
export function understood<T>(deviceName: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof OmronFrameError)) throw cause;
    throw new GatewayError(
      'misconfigured',
      `${deviceName} answered with ${cause.message}: it is no OMRON 2JCIE-BL01. Check its address.`,
      { cause },
    );
  }
}
