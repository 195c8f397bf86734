import {
  type CommandContext,
  GatewayError,
  type LockOutcome,
  type LockReading,
  type ReadContext,
  unlessAborted,
  type ZwaveBolt,
  type ZwaveReport,
  type ZwaveVerdict,
} from '../../../src/contract/index.ts';
import { joinSignals, underSignals } from '../../../src/driver-kit/join-signals.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import { jammed, named, noLock, notReached, outcomeUnknown, refused, type Target } from './failures.ts';
import { Witness } from './witness.ts';
import { endedWithDevice, type ZwaveNode } from './zwave-node.ts';

/** Between two looks at the bolt, doubled from the first to the last. Guesses: quick, then sparing of the battery. */
const LOOK_FIRST_MS = 150;
const LOOK_LAST_MS = 3_000;
/** How long a bolt may take, beyond what the lock itself says. A guess: locks were seen to tell up to 5 s late. */
const TRAVEL_MS = 12_000;
/** A bolt that is neither here nor there for longer than this does not move any more. A guess. */
const BETWEEN_MS = 4_000;
/** The reason for a "no" was seen to come up to 400 ms after it. */
const REASON_MS = 400;

/** What the lock made of one command. */
interface Sent {
  readonly target: Target;
  /** `Clock.now()` */
  readonly at: number;
  /** Undefined when it left and nothing came back. */
  readonly verdict: ZwaveVerdict | undefined;
  readonly witness: Witness;
}

/**
 * Locks or unlocks, and stays until it is known what became of it. What the lock says to the command itself is no
 * evidence, a supervised "success" included: locks were seen to say so and jam.
 *
 * @throws GatewayError as the error table has it
 */
export async function operate(node: ZwaveNode, target: Target, ctx: CommandContext): Promise<LockOutcome> {
  const { link, clock, closing } = node;
  const { signal, release } = joinSignals([ctx.signal, closing]);
  const witness = new Witness(link, clock, signal);
  let left = false;
  try {
    // An absent lock is found out before anything was sent; one that listens now and then is awake afterwards.
    await link.reach({ priority: 'door', signal });
    if (link.features?.lock === undefined) throw noLock(node);
    const permit = await unlessAborted(ctx.pointOfNoReturn(), signal);
    const noticing = observedPermit(permit, {
      spent: () => {
        left = true;
        witness.forget();
      },
      withdrawn: () => {
        left = false;
      },
    });
    const command = { do: target === 'locked' ? 'lock' : 'unlock' } as const;
    const at = clock.now();
    const verdict = await link.command(noticing, command, signal).catch((error: unknown) => {
      if (left && error instanceof GatewayError && error.delivery === 'maybe_sent' && !signal.aborted) return undefined;
      throw error;
    });
    return await observe(node, { target, at, verdict, witness }, signal);
  } catch (error) {
    if (left && endedWithDevice(node, error)) throw outcomeUnknown(node, target);
    throw signal.aborted ? error : named(node, error);
  } finally {
    witness.close();
    release();
  }
}

/** @throws GatewayError with what is known when the bolt did not get where it was sent */
async function observe(node: ZwaveNode, sent: Sent, signal: AbortSignal): Promise<LockOutcome> {
  const { clock } = node;
  const { target, at, verdict, witness } = sent;
  const said = verdict?.said;
  const isNo = said !== undefined && !['unsupervised', 'working', 'done'].includes(said);
  const isJam = (report: ZwaveReport) => report.report === 'jammed';
  if (isNo && (await witness.hears(isJam, REASON_MS))) throw jammed(node, target);
  const until = at + TRAVEL_MS + (verdict?.remainingMs ?? 0);
  let last: ZwaveBolt | undefined;
  for (let wait = LOOK_FIRST_MS; ; wait = Math.min(wait * 2, LOOK_LAST_MS)) {
    if (witness.heard(isJam)) throw jammed(node, target);
    if (witness.heard((report) => shows(report, target))) return { wasConfirmedByDevice: true };
    const bolt = await tryToLook(node, signal);
    last = bolt ?? last;
    if (witness.heard(isJam)) throw jammed(node, target);
    if (bolt !== undefined && isThere(bolt, target)) return { wasConfirmedByDevice: true };
    if (isNo && bolt === 'between') throw jammed(node, target);
    if (isNo) throw refused(node, target);
    if (last === 'between' && clock.now() >= at + BETWEEN_MS + (verdict?.remainingMs ?? 0)) throw jammed(node, target);
    const left = until - clock.now();
    if (left <= 0) throw last === undefined ? outcomeUnknown(node, target) : notReached(node, target);
    await witness.news(Math.min(wait, left));
  }
}

const isThere = (bolt: ZwaveBolt, target: Target): boolean => bolt === (target === 'locked' ? 'secured' : 'unsecured');

/** Evidence that came by itself; it counts even when it was undone since. */
function shows(report: ZwaveReport, target: Target): boolean {
  if (report.report === 'bolt') return isThere(report.bolt, target);
  return report.report === 'operated' && report.by === 'radio' && report.operation === target;
}

/** Undefined while the lock cannot be asked; the end of the command ends the wait. */
async function tryToLook(node: ZwaveNode, signal: AbortSignal): Promise<ZwaveBolt | undefined> {
  try {
    return await node.bolt({ priority: 'door', signal });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** @throws GatewayError, `not_sent` */
export async function readBolt(node: ZwaveNode, { signal }: ReadContext): Promise<LockReading> {
  return underSignals([signal, node.closing], async (either) => {
    try {
      return { state: stateOf(await node.bolt({ priority: 'door', signal: either })) };
    } catch (error) {
      throw either.aborted ? error : named(node, error);
    }
  });
}

export const stateOf = (bolt: ZwaveBolt) =>
  bolt === 'secured' ? 'locked' : bolt === 'unsecured' ? 'unlocked' : 'unknown';
