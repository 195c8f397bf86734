import type { BoltPosition, SimulatedLock } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { errorTypes, type GatewayErrorType } from '../../../src/contract/index.ts';
import type { AttemptLife } from '../sdk/api-caller.ts';

export interface VerdictLimits {
  readonly sendByMs: number;
  readonly deadlineMs: number;
  /** `Clock.wallTime()` less `Clock.now()`, of the clock that the simulated locks run on. */
  readonly wallOffset: number;
}

/** What became of the doors, for the record. */
export interface DoorTally {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly doorCommands: number;
  /** Milliseconds after the request at which the last command reached its lock's bridge. */
  readonly latestCommandMs: number | undefined;
  /** Milliseconds after the request at which the last attempt ended. */
  readonly latestEndMs: number;
}

/** From the gateway's socket through the broker to the bridge, with room for a busy machine. */
const onTheWayMs = 250;
/** P5 allows an attempt that long after its deadline. */
const graceMs = 1_000;

/**
 * Holds what attempts say against what the simulated bolts did. Each lock was asked once.
 * @returns every broken promise in words, and what happened
 */
export function judgeDoors(
  lives: readonly AttemptLife[],
  lockOf: (deviceId: string) => SimulatedLock,
  limits: VerdictLimits,
): { readonly broken: readonly string[]; readonly tally: DoorTally } {
  const broken = lives.flatMap((life) => {
    const lock = lockOf(life.deviceId);
    return [...late(life, lock, limits), ...unended(life, limits), ...lies(life, lock, limits)].map(
      (what) => `${lock.friendlyName}: ${what} (${life.attempt.error?.type ?? life.attempt.status})`,
    );
  });
  const outcomes: Record<string, number> = {};
  const commandsAfter: number[] = [];
  for (const { attempt, deviceId, acceptedAt } of lives) {
    const outcome = attempt.error?.type ?? (attempt.result?.was_confirmed_by_device ? 'confirmed' : 'not confirmed');
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    for (const { sentAt } of lockOf(deviceId).doorCommands) commandsAfter.push(sentAt + limits.wallOffset - acceptedAt);
  }
  return {
    broken,
    tally: {
      outcomes,
      doorCommands: commandsAfter.length,
      latestCommandMs: commandsAfter.length === 0 ? undefined : Math.round(Math.max(...commandsAfter)),
      latestEndMs: Math.round(Math.max(...lives.map(({ acceptedAt, settledAt }) => settledAt - acceptedAt))),
    },
  };
}

function late({ attempt, acceptedAt }: AttemptLife, lock: SimulatedLock, limits: VerdictLimits): string[] {
  const { doorCommands, movements } = lock;
  const broken = doorCommands
    .map(({ sentAt }) => Math.round(sentAt + limits.wallOffset - acceptedAt))
    .filter((after) => after > limits.sendByMs + onTheWayMs)
    .map((after) => `P2 a command reached it ${after} ms after the request`);
  // A LOCK may be sent once more; the bolt moves once all the same.
  if (doorCommands.length > (attempt.action_type === 'LOCK_DOOR' ? 2 : 1))
    broken.push(`P3 ${doorCommands.length} commands reached it`);
  const moved = movements.filter(({ cause }) => cause === 'rf').length;
  if (moved > 1) broken.push(`P3 its bolt moved ${moved} times`);
  return broken;
}

function unended({ acceptedAt, settledAt }: AttemptLife, { deadlineMs }: VerdictLimits): string[] {
  const tookMs = settledAt - acceptedAt;
  return tookMs <= deadlineMs + graceMs ? [] : [`P5 its attempt took ${tookMs} ms`];
}

function lies({ attempt, settledAt }: AttemptLife, lock: SimulatedLock, { wallOffset }: VerdictLimits): string[] {
  const asked: BoltPosition = attempt.action_type === 'LOCK_DOOR' ? 'locked' : 'unlocked';
  const first = lock.movements[0]?.from ?? lock.bolt;
  const until = lock.movements.filter(({ at }) => at + wallOffset <= settledAt + 1).map(({ to }) => to);
  const places = new Set<BoltPosition>([first, ...until]);
  if (attempt.status === 'success') return places.has(asked) ? [] : [`P4 its bolt was not ${asked}`];
  const type = attempt.error?.type as GatewayErrorType;
  if (errorTypes[type].delivery === 'not_sent' && lock.doorCommands.length > 0)
    return ['P4 nothing is said to have been sent, and it came'];
  if (type === 'lock_jammed' && !places.has('not_fully_locked')) return ['P4 its bolt was not stuck'];
  if (type === 'state_not_reached' && (until.at(-1) ?? first) === asked) return [`P4 its bolt was ${asked}`];
  return [];
}
