import type { Clock, Unsubscribe } from '../contract/index.ts';
import type { Attempts } from '../model/gateway.ts';
import { PassingMap } from '../model/passing-map.ts';
import type { AttemptRecord } from '../model/records.ts';

/** The longest hold, in milliseconds: below the 30 s after which the official clients give up on a request. */
export const MAX_HOLD_MS = 25_000;

/** What a request says about waiting. */
export interface HoldWish {
  /** The header `Prefer` (RFC 7240). */
  readonly prefer: string | undefined;
  /** The parameter `sync`. */
  readonly sync: boolean | undefined;
}

/**
 * How long to hold a request, in milliseconds. `Prefer: wait=N` (seconds) goes before `sync: true`, that before
 * `Prefer: respond-async`, and that before the configured time. Preferences that make no sense are ignored, as RFC
 * 7240 section 2 asks.
 */
export function holdTime({ prefer, sync }: HoldWish, configuredMs: number): number {
  let asynchronous = false;
  for (const preference of prefer?.split(',') ?? []) {
    const [name, value] =
      preference
        .split(';', 1)[0]
        ?.split('=', 2)
        .map((part) => part.trim().toLowerCase()) ?? [];
    if (name === 'wait' && value !== undefined && /^"?\d{1,6}"?$/.test(value))
      return Math.min(Number(value.replaceAll('"', '')) * 1000, MAX_HOLD_MS);
    if (name === 'respond-async') asynchronous = true;
  }
  if (sync === true) return MAX_HOLD_MS;
  return asynchronous ? 0 : Math.min(configuredMs, MAX_HOLD_MS);
}

interface Held {
  /** With the settled attempt, or with none when nobody waits any longer. */
  answer(settled: AttemptRecord | undefined): void;
}

/**
 * Keeps requests waiting for their attempts' outcome, so that a fast door is final in the first answer. A client that
 * goes away cancels nothing. One subscription serves all: it costs a held request less than a signal of its own.
 */
export class Holds {
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #held = new PassingMap<string, Held[]>();
  readonly #unsubscribe: Unsubscribe;
  #released = false;

  constructor(attempts: Attempts, clock: Clock) {
    this.#attempts = attempts;
    this.#clock = clock;
    this.#unsubscribe = attempts.onChange((changed) => {
      if (changed.settlement !== undefined) this.#answer(changed.actionAttemptId, changed);
    });
  }

  /** Resolves with the attempt as it is when it ended, when `ms` have passed, or when all are released. */
  async wait(attempt: AttemptRecord, ms: number): Promise<AttemptRecord> {
    const id = attempt.actionAttemptId;
    const now = this.#attempts.get(id) ?? attempt;
    if (now.settlement !== undefined || ms <= 0 || this.#released) return now;
    const settled = await new Promise<AttemptRecord | undefined>((resolve) => {
      const timer = this.#clock.setTimer(() => {
        this.#forget(id, held);
        resolve(undefined);
      }, ms);
      const held: Held = {
        answer: (ended) => {
          timer.cancel();
          resolve(ended);
        },
      };
      const others = this.#held.get(id);
      if (others === undefined) this.#held.set(id, [held]);
      else others.push(held);
    });
    return settled ?? this.#attempts.get(id) ?? attempt;
  }

  /** Lets every held request answer now, and holds none from now on. */
  release(): void {
    this.#released = true;
    this.#unsubscribe();
    for (const id of [...this.#held.keys()]) this.#answer(id, undefined);
  }

  #answer(id: string, settled: AttemptRecord | undefined): void {
    const waiting = this.#held.get(id);
    if (waiting === undefined) return;
    this.#held.delete(id);
    for (const held of waiting) held.answer(settled);
  }

  #forget(id: string, held: Held): void {
    const waiting = this.#held.get(id)?.filter((other) => other !== held) ?? [];
    if (waiting.length === 0) this.#held.delete(id);
    else this.#held.set(id, waiting);
  }
}
