import { type Clock, type CommandContext, GatewayError, type MqttLink } from '../../../src/contract/index.ts';
import type { Ask, CommandToJudge, EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { Plan, Traits, Value, Verdict } from '../../../src/driver-kit/evidence/claims.ts';
import { observedPermit } from '../../../src/driver-kit/observed-permit.ts';
import type { BridgeComplaint } from './bridge-complaint.ts';
import type { DeviceBinding } from './device-binding.ts';
import type { DeviceFeed } from './device-feed.ts';
import { complained, type NamedDevice, notOurs, unreachable } from './failures.ts';
import type { OwnTraffic } from './own-traffic.ts';
import type { Testimony } from './testimony.ts';

/** What every session with a device needs. */
export interface DeviceSession {
  readonly link: MqttLink;
  readonly feed: DeviceFeed;
  readonly binding: DeviceBinding;
  readonly book: EvidenceBook<BridgeComplaint>;
  readonly testimony: Testimony;
  readonly own: OwnTraffic;
  readonly clock: Clock;
  readonly device: NamedDevice;
  /** Aborts when the device is closed. Made when it is first asked for. */
  readonly closing: () => AbortSignal;
}

/** What every attribute that is written and read back has in common. */
export const writePlan = {
  // A guess: reads cost battery.
  longestBetweenMs: 3_000,
  // Doors wait at most this long for an answer.
  patienceMs: 2_000,
  // Sleepy locks were reported to need up to 8 s: what a read shows after this is what the lock made of the write.
  travelMs: 10_000,
  halfWayMs: 0,
  witnessMs: 0,
  reasonMs: 0,
  // It was read just before the write.
  knownForMs: 30_000,
  earlyUntil: Number.POSITIVE_INFINITY,
} satisfies Partial<Plan>;

/** The truth is told this long before the deadline, so that it is not overtaken by the abort. A guess. */
export const WRITE_MARGIN_MS = 500;

/** Why the device cannot be spoken to now; undefined where nothing is known to stand in the way. */
export function obstacleTo({ feed, binding, device }: DeviceSession): GatewayError | undefined {
  if (feed.interruption !== undefined) return unreachable(device, feed.interruption, 'not_sent');
  return binding.problem && notOurs(device, binding.problem);
}

/** @throws GatewayError `link_unavailable`, `misconfigured` or `device_not_ready`, `not_sent` */
export function assertReachable(session: DeviceSession): void {
  const { binding, device } = session;
  const obstacle = obstacleTo(session);
  if (obstacle !== undefined) throw obstacle;
  if (binding.isAwaited)
    throw new GatewayError(
      'device_not_ready',
      `Zigbee2MQTT has not told yet which device ${device.name} is. This takes one moment.`,
      { delivery: 'not_sent' },
    );
}

export interface CommandToSend {
  readonly payload: string;
  readonly ctx: Pick<CommandContext, 'pointOfNoReturn' | 'signal'>;
  /** Done before anything else: lets doors pass. */
  readonly before?: () => Promise<void>;
  /** Takes note that it leaves. @returns takes it back when nothing left */
  readonly leaves?: () => () => void;
}

/**
 * Sends a command once it may go; nothing leaves on a topic that is no longer the device's.
 * @throws GatewayError as {@link assertReachable}, and as the permit and the link do
 */
export const sending =
  (session: DeviceSession, { payload, ctx, before, leaves }: CommandToSend): CommandToJudge<never>['send'] =>
  async (observer, said) => {
    const { link, feed } = session;
    if (before !== undefined) await before();
    assertReachable(session);
    let takeBack: (() => void) | undefined;
    const permit = observedPermit(await ctx.pointOfNoReturn(), {
      assertMayGo: () => assertReachable(session),
      spent: () => {
        takeBack = leaves?.();
        observer.spent();
      },
      withdrawn: () => {
        takeBack?.();
        observer.withdrawn?.();
      },
    });
    said({ said: 'acknowledged', at: await link.command(permit, feed.topics.set, payload, ctx.signal) });
  };

/** Puts a question; its answer comes by the device's topic. */
export const asking =
  (session: DeviceSession, payload: string): Ask =>
  async (about, signal) => {
    assertReachable(session);
    const { link, feed, own } = session;
    for (const one of about) own.asked(one);
    await link.query(feed.topics.get, payload, signal);
    return undefined;
  };

export interface QuestionOptions {
  readonly about: string;
  /** The attribute as the bridge's error lines name it. */
  readonly key: string;
  readonly payload: string;
  readonly traits: Traits;
  readonly plan: Plan;
  readonly between?: () => Promise<void>;
  /** Told of each question that is put. */
  readonly asked?: () => void;
  /** `Clock.now()` */
  readonly until?: number;
}

/**
 * Asks until an answer can be told from what is heard unasked.
 * @returns undefined when `until` came first
 * @throws GatewayError as a read does; the signal's reason
 */
export function question(
  session: DeviceSession,
  signal: AbortSignal,
  { about, key, payload, traits, plan, between, asked, until }: QuestionOptions,
): Promise<Value | undefined> {
  const put = asking(session, payload);
  return session.book.ask({
    ...{ about, traits, plan, ctx: { signal } },
    ask: (subjects, either) => {
      asked?.();
      return put(subjects, either);
    },
    failsBy: ({ verb, key: named = key, reason }) =>
      verb !== 'set' && named === key ? complained(session.device, reason, 'not_sent') : undefined,
    ...(between && { between }),
    ...(until !== undefined && { until }),
  });
}

/**
 * What a write came to that was judged by reading it back.
 *
 * @param unknown what is said where nobody knows, and the bridge gave no reason
 * @returns `done`, or what stands there instead
 * @throws GatewayError when nobody knows, or nothing was written
 */
export function endOfWrite(
  device: NamedDevice,
  verdict: Verdict<BridgeComplaint>,
  unknown: () => GatewayError,
): 'done' | Value {
  switch (verdict.end) {
    case 'confirmed':
    case 'unconfirmed':
      return 'done';
    case 'not_reached':
      return verdict.value;
    case 'refused':
      throw complained(device, verdict.reason?.reason ?? 'other', 'refused');
    default: {
      const reason = verdict.end === 'unknown' ? verdict.reason : undefined;
      if (reason?.verb === 'set') throw complained(device, reason.reason, 'maybe_sent');
      throw unknown();
    }
  }
}
