import type { AttemptRegistry } from '../attempts/attempt-registry.ts';
import { type Clock, errorTypes, type Unsubscribe } from '../contract/index.ts';
import type { ActionType, AttemptRecord } from '../model/records.ts';
import type { ProjectionContext, Way } from './projection-context.ts';

/** A lock may tell of a movement so long after the attempt that caused it has ended, in milliseconds. A guess. */
const lateMs = 10_000;

/** Ended attempts that are remembered, per device. */
const remembered = 8;

const actionOf: Readonly<Record<Way, ActionType>> = { locked: 'LOCK_DOOR', unlocked: 'UNLOCK_DOOR' };

/** No more than is asked for: the whole of an attempt, with its history, would outlive it by minutes. */
interface Ended {
  readonly actionAttemptId: string;
  readonly actionType: ActionType;
  /** `Clock.now()` */
  readonly at: number;
}

/** Knows which movements of a bolt are of our own doing. */
export class OwnCommands {
  readonly #clock: Clock;
  readonly #book: AttemptRegistry;
  readonly #ended = new Map<string, Ended[]>();
  readonly #claimed = new Set<string>();
  readonly #unsubscribe: Unsubscribe;

  constructor(clock: Clock, book: AttemptRegistry) {
    this.#clock = clock;
    this.#book = book;
    this.#unsubscribe = book.onChange((attempt) => {
      if (attempt.settlement && mayHaveMoved(attempt)) this.#remember(attempt);
    });
  }

  movement(deviceId: string, way: Way): ReturnType<ProjectionContext['ownMovement']> {
    const found = this.#find(deviceId, actionOf[way]);
    if (found === undefined || this.#claimed.has(found)) return undefined;
    return { actionAttemptId: found, claim: () => this.#claimed.add(found) };
  }

  close(): void {
    this.#unsubscribe();
  }

  #find(deviceId: string, actionType: ActionType): string | undefined {
    for (const { facts, nothingActed, id } of this.#book.livingOf(deviceId)) {
      if (facts.actionType === actionType && !nothingActed) return id;
    }
    const since = this.#clock.now() - lateMs;
    return this.#ended.get(deviceId)?.findLast((ended) => ended.at >= since && ended.actionType === actionType)
      ?.actionAttemptId;
  }

  #remember(attempt: AttemptRecord): void {
    const ofDevice = this.#ended.get(attempt.deviceId) ?? [];
    this.#ended.set(attempt.deviceId, ofDevice);
    const { actionAttemptId, actionType } = attempt;
    ofDevice.push({ actionAttemptId, actionType, at: this.#clock.now() });
    if (ofDevice.length > remembered) this.#claimed.delete(ofDevice.shift()?.actionAttemptId ?? '');
  }
}

function mayHaveMoved({ actionType, settlement }: AttemptRecord): boolean {
  if (actionType !== 'LOCK_DOOR' && actionType !== 'UNLOCK_DOOR') return false;
  if (settlement?.status !== 'error') return true;
  const delivery = Object.entries(errorTypes).find(([type]) => type === settlement.error.type)?.[1].delivery;
  return delivery === 'maybe_sent' || delivery === 'acted';
}
