import { afterSilence, type DeviceReport, type LockMethod, type LockState, type Timer } from '../contract/index.ts';
import type { ProjectionContext, Way } from './projection-context.ts';

type Operated = Extract<DeviceReport, { kind: 'lock_operated' }>;

/**
 * A lock tells of one movement twice: that the bolt moved, and who moved it. So long is waited for the second, in
 * milliseconds. A guess: a lock's log is read within a second or two of its state.
 */
const gatherMs = 3_000;

/** A bolt does not move the same way twice: within this a later word is of the same movement, in milliseconds. A guess. */
const sameMovementMs = 10_000;

/** The same operation told again so soon is a message that came twice, in milliseconds: no bolt moves that fast. */
const repeatedMs = 1_000;

interface Told {
  readonly way: Way;
  /** `Clock.now()` */
  readonly at: number;
  readonly method: LockMethod;
  readonly slot: number | undefined;
}

/** Tells each movement of a bolt once, with who moved it. */
export class LockMovements {
  readonly #context: ProjectionContext;
  /** Undefined until the lock told: how it stands when a run begins is no movement. */
  #position: Way | undefined;
  #jammed = false;
  #told: Told | undefined;
  #unexplained: { readonly way: Way; readonly occurredAt: number; readonly timer: Timer } | undefined;
  #releasedAt = Number.NEGATIVE_INFINITY;

  constructor(context: ProjectionContext) {
    this.#context = context;
  }

  get isLocked(): boolean {
    return this.#position === 'locked';
  }

  /** `Clock.now()` when something last unlocked it, or was about to. */
  get releasedAt(): number {
    return this.#releasedAt;
  }

  heardState(state: LockState): void {
    const { clock } = this.#context;
    if (state === 'unknown') return; // says nothing of a jam, or a position, that was told
    if (state === 'unlocked' || state === 'unlocking') this.#releasedAt = clock.now();
    if (state === 'jammed') {
      this.#jam({});
      return;
    }
    this.#jammed = false;
    if (state === 'locking' || state === 'unlocking') return;
    const before = this.#position;
    this.#position = state;
    if (before === state) return;
    this.#tellUnexplained();
    const own = this.#context.ownMovement(state);
    if (own) {
      own.claim();
      this.#tell(state, clock.wallTime(), { method: 'remote', actionAttemptId: own.actionAttemptId });
    } else if (before !== undefined) {
      const timer = afterSilence(clock, () => this.#tellUnexplained(), gatherMs);
      this.#unexplained = { way: state, occurredAt: clock.wallTime(), timer };
    }
  }

  heardOperated(report: Operated): void {
    const { clock } = this.#context;
    const { operation, method, slot, denial } = report;
    if (operation === 'access_denied') {
      const who = slot === undefined ? undefined : this.#context.codeAt(slot);
      this.#context.tell({
        eventType: 'lock.access_denied',
        occurredAt: clock.wallTime(),
        ...(who !== undefined && { accessCodeId: who }),
        details: {
          method,
          ...(slot !== undefined && { slot }),
          ...(denial && { reason: { reason_code: denial, message: denialWords[denial] } }),
        },
      });
      return;
    }
    if (operation === 'jammed') {
      this.#jam({ method });
      return;
    }
    this.#operated(operation, report);
  }

  close(): void {
    this.#tellUnexplained();
  }

  #operated(way: Way, { method, slot, via }: Operated): void {
    const { clock } = this.#context;
    this.#jammed = false;
    this.#position = way;
    if (way === 'unlocked') this.#releasedAt = clock.now();
    const awaited = this.#unexplained?.way === way ? this.#unexplained : undefined;
    if (awaited) {
      awaited.timer.cancel();
      this.#unexplained = undefined;
    } else {
      this.#tellUnexplained();
      if (this.#isTold(way, method, slot)) return;
    }
    const own = method === 'remote' || method === 'unknown' ? this.#context.ownMovement(way) : undefined;
    own?.claim();
    this.#tell(way, awaited?.occurredAt ?? clock.wallTime(), {
      method: own ? 'remote' : method,
      slot,
      via,
      actionAttemptId: own?.actionAttemptId,
    });
  }

  /** Whether what the lock says now is of a movement that was told already. Who opened is never kept back. */
  #isTold(way: Way, method: LockMethod, slot: number | undefined): boolean {
    const told = this.#told;
    if (told?.way !== way) return false;
    const since = this.#context.clock.now() - told.at;
    if (method !== 'keycode' && method !== 'card') return since <= sameMovementMs;
    return since < repeatedMs && told.method === method && told.slot === slot;
  }

  #jam(how: { readonly method?: LockMethod }): void {
    if (this.#jammed) return;
    this.#jammed = true;
    const { clock } = this.#context;
    this.#context.tell({ eventType: 'strikeplate.lock.jammed', occurredAt: clock.wallTime(), details: how });
  }

  #tellUnexplained(): void {
    const movement = this.#unexplained;
    if (!movement) return;
    movement.timer.cancel();
    this.#unexplained = undefined;
    this.#tell(movement.way, movement.occurredAt, { method: 'unknown' });
  }

  #tell(
    way: Way,
    occurredAt: number,
    how: {
      readonly method: LockMethod;
      readonly slot?: number | undefined;
      readonly via?: Operated['via'] | undefined;
      readonly actionAttemptId?: string | undefined;
    },
  ): void {
    const { clock } = this.#context;
    const { method, slot, via, actionAttemptId } = how;
    this.#told = { way, at: clock.now(), method, slot };
    const accessCodeId = slot === undefined ? undefined : this.#context.codeAt(slot);
    this.#context.tell({
      eventType: way === 'locked' ? 'lock.locked' : 'lock.unlocked',
      occurredAt,
      ...(accessCodeId !== undefined && { accessCodeId }),
      ...(actionAttemptId !== undefined && { actionAttemptId }),
      details: {
        method,
        ...(slot !== undefined && { slot }),
        ...(via === 'bluetooth' && { is_via_bluetooth: true }),
        ...((via === 'nfc' || method === 'card') && { is_via_nfc: true }),
      },
    });
  }
}

const denialWords: Readonly<Record<NonNullable<Operated['denial']>, string>> = {
  unknown_code: 'The code is not known to the lock.',
  expired_code: 'The code is not valid now.',
  blocklisted_code: 'The code is blocked.',
  too_many_attempts: 'Too many wrong codes were entered; the keypad is locked for a while.',
  blocked_by_privacy_mode: 'The lock is in its privacy mode.',
  credential_error: 'The card or fingerprint was refused.',
};
