import type { AccessCodeRecord } from '../model/records.ts';
import { isFinalRefusal, refusalsForGood } from './code-words.ts';

/** A code, and the lock it is for. */
export type CodeAt = Pick<AccessCodeRecord, 'accessCodeId' | 'deviceId'>;

/** How a code fared so far on its lock. */
export interface Tries {
  readonly failures: number;
  /** The lock's last refusal of a kind that stays, and how often it came in a row. */
  readonly refused: { readonly type: string; readonly times: number } | undefined;
  /** `Clock.now()`; infinite for a code that the lock has refused for good. */
  readonly nextAt: number;
}

/**
 * How long until a code is tried again after a failure, in milliseconds, the last repeated; a device that comes back,
 * or a slot that falls free, comes first. Guesses.
 */
const backoffMs = [15_000, 60_000, 120_000, 300_000] as const;

/** The same while the device is known to be away. */
const awayMs = 1_800_000;

const noTries: ReadonlyMap<string, Tries> = new Map();

/**
 * What is known of the work on codes that is in no record, as it means nothing after a restart: which requests are being
 * accepted, and how each code fared. Nobody is called from here.
 */
export class CodeProgress {
  /** By device, so that a lock that comes back is asked again for its own codes alone. */
  readonly #tries = new Map<string, Map<string, Tries>>();
  /** Codes of which requests are being accepted, with how many. */
  readonly #held = new Map<string, number>();

  /** What is wanted of these codes is on its way to disk: nobody acts on it until they are released. */
  hold(accessCodeIds: readonly string[]): void {
    for (const id of accessCodeIds) this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
  }

  release(accessCodeIds: readonly string[]): void {
    for (const id of accessCodeIds) {
      const others = (this.#held.get(id) ?? 1) - 1;
      if (others > 0) this.#held.set(id, others);
      else this.#held.delete(id);
    }
  }

  isHeld(accessCodeId: string): boolean {
    return this.#held.has(accessCodeId);
  }

  /** Undefined for a code that has not failed since it was last changed or brought about. */
  of({ deviceId, accessCodeId }: CodeAt): Tries | undefined {
    return this.at(deviceId).get(accessCodeId);
  }

  /** The same of all codes of a lock. */
  at(deviceId: string): ReadonlyMap<string, Tries> {
    return this.#tries.get(deviceId) ?? noTries;
  }

  /** The lock took the code, or let it go: those that wait behind it need not wait any longer. */
  succeeded(code: CodeAt): void {
    this.changed(code);
    this.tryAgain(code.deviceId);
  }

  /** @param at `now` as of `Clock.now()`, and whether the device is known to be away */
  failed(code: CodeAt, type: string, at: { readonly now: number; readonly isAway: boolean }): void {
    const before = this.of(code);
    const failures = (before?.failures ?? 0) + 1;
    const refused = isFinalRefusal(type) ? { type, times: this.refusals(code, type) + 1 } : before?.refused;
    const wait = at.isAway ? awayMs : (backoffMs[Math.min(failures, backoffMs.length) - 1] ?? awayMs);
    const forGood = isFinalRefusal(type) && refused !== undefined && refused.times >= refusalsForGood;
    const ofDevice = this.#tries.get(code.deviceId) ?? new Map<string, Tries>();
    this.#tries.set(code.deviceId, ofDevice);
    const nextAt = forGood ? Number.POSITIVE_INFINITY : at.now + wait;
    ofDevice.set(code.accessCodeId, { failures, refused, nextAt });
  }

  /** How often in a row the lock has refused a code for this reason. */
  refusals(code: CodeAt, type: string): number {
    const refused = this.of(code)?.refused;
    return refused?.type === type ? refused.times : 0;
  }

  /** Something else is wanted of a code from now on: what the lock said of it before does not count. */
  changed({ deviceId, accessCodeId }: CodeAt): void {
    this.#tries.get(deviceId)?.delete(accessCodeId);
  }

  /** The lock is back, or took a code: whoever waits need not wait any longer. What it refused for good, it refuses. */
  tryAgain(deviceId: string): void {
    const ofDevice = this.#tries.get(deviceId);
    for (const [id, tries] of ofDevice ?? []) {
      if (Number.isFinite(tries.nextAt)) ofDevice?.set(id, { ...tries, failures: 0, nextAt: 0 });
    }
  }

  /** A slot or digits may have fallen free: that is a change for what was refused as well. */
  tryAllAgain(deviceId: string): void {
    this.#tries.delete(deviceId);
  }
}
