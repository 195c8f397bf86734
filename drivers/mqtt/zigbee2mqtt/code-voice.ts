import type { Clock } from '../../../src/contract/index.ts';
import type { DeviceBinding } from './device-binding.ts';
import type { FeedEvent } from './device-feed.ts';

/** The bridge logs within 10 s that a read failed. One that is neither answered nor failed by then has no answer. */
const verdictMs = 12_000;
/** So many of these in a row, while the lock is heard otherwise, and the lock is not asked again. A guess. */
const silentReads = 3;

/**
 * Locks whose converter writes codes and has none for what the lock answers when it is asked (vectors/converter-words.json,
 * `takesPinsAndTellsNone`). A later converter may: one slot that is told is proof enough.
 */
const mute: ReadonlySet<string> = new Set(['Nimly', 'easyCodeTouch_v1']);

/**
 * Whether a lock tells of its code slots. Some take codes and tell of none: nothing fails, and no answer ever comes. That
 * is learnt from a few questions and not asked for ever.
 */
export class CodeVoice {
  readonly #clock: Clock;
  readonly #binding: DeviceBinding;
  readonly #chosen: 'read' | 'none' | undefined;
  readonly #changed: () => void;
  /** `Clock.now()` of reads that neither were answered nor failed. */
  #silent: readonly number[] = [];
  #heardAt = Number.NEGATIVE_INFINITY;
  #learnt: 'read' | 'none' | undefined;
  /** Slots that were written, with `Clock.now()`. */
  #written: readonly { readonly slot: number; readonly at: number }[] = [];
  #told: boolean;

  /** @param changed called when it is another than before */
  constructor(clock: Clock, binding: DeviceBinding, chosen: 'read' | 'none' | undefined, changed: () => void) {
    this.#clock = clock;
    this.#binding = binding;
    this.#chosen = chosen;
    this.#changed = changed;
    this.#told = this.isMute;
  }

  /** True for a lock that takes codes and tells of none. */
  get isMute(): boolean {
    const { listed } = this.#binding;
    const known = listed?.model !== undefined && mute.has(listed.model) ? 'none' : 'read';
    return (this.#chosen ?? this.#learnt ?? known) === 'none';
  }

  asked(): void {
    this.#silent = [...this.#silent, this.#clock.now()].slice(-20);
    if (this.#silent.length > silentReads) this.judge();
  }

  /**
   * A write leaves now: the bridge may say itself what should be in the slot, which the lock never told.
   * @returns takes it back when nothing left
   */
  wrote(slot: number): () => void {
    const write = { slot, at: this.#clock.now() };
    this.#written = [...this.#written.filter(({ at }) => at > write.at - verdictMs), write];
    return () => {
      this.#written = this.#written.filter((other) => other !== write);
    };
  }

  #isEcho(slot: number): boolean {
    const since = this.#clock.now() - verdictMs;
    return this.#written.some((write) => write.slot === slot && write.at > since);
  }

  hear(event: FeedEvent): void {
    if (event.kind === 'gap') this.#silent = [];
    if (event.kind === 'complaint' && event.verb !== 'set' && (event.key ?? 'pin_code') === 'pin_code')
      this.#silent = [];
    if (event.kind !== 'message' || event.retained) return;
    if (event.isOwnWord) this.#heardAt = this.#clock.now();
    if ([...event.changedSlots].some((slot) => !this.#isEcho(slot))) this.answered();
    else if (this.#silent.length >= silentReads) this.judge();
  }

  /** It tells of a slot. What it answers to a read is mostly what was known, and changes nothing that could be heard. */
  answered(): void {
    if (this.#silent.length > 0) this.#silent = [];
    if (this.#learnt === 'read') return;
    this.#learnt = 'read';
    this.judge();
  }

  /** The lock was asked for something else, and answered. */
  isAlive(): void {
    this.#heardAt = this.#clock.now();
    this.judge();
  }

  /** Looks again whether it is one that tells of none. */
  judge(): void {
    const now = this.#clock.now();
    const unanswered = this.#silent.filter((at) => at <= now - verdictMs);
    const [first] = unanswered;
    if (unanswered.length >= silentReads && first !== undefined && this.#heardAt > first) this.#learnt ??= 'none';
    if (this.isMute === this.#told) return;
    this.#told = this.isMute;
    this.#changed();
  }
}
