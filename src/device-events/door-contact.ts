import { type Timer, tellsOfBolt } from '../contract/index.ts';
import type { LockMovements } from './lock-movements.ts';
import type { ProjectionContext } from './projection-context.ts';

/** A door and its lock may tell in either order; so long is waited for the lock, in milliseconds. A guess. */
const forcedAfterMs = 2_000;

/** A door that opens so soon after it was unlocked was let open, though it locked itself meanwhile. A guess. */
const releaseLastsMs = 10_000;

/** Unless configuration says otherwise, in milliseconds. A guess: longer than unloading a trolley takes. */
const usualHeldOpenMs = 120_000;

/** Tells when a door was forced, and when it was held open. Only for doors with a contact. */
export class DoorContact {
  readonly #context: ProjectionContext;
  readonly #lock: LockMovements;
  #contact: 'open' | 'closed' | 'unknown' = 'unknown';
  /** Set while it is open. Times are milliseconds since the Unix epoch and `Clock.now()`. */
  #opened: { readonly occurredAt: number; readonly at: number; told: boolean } | undefined;
  #heldOpen: Timer | undefined;
  #forced: Timer | undefined;

  constructor(context: ProjectionContext, lock: LockMovements) {
    this.#context = context;
    this.#lock = lock;
  }

  heard(contact: 'open' | 'closed' | 'unknown'): void {
    const before = this.#contact;
    this.#contact = contact;
    if (contact === before) return;
    if (contact === 'open') this.#open(before === 'closed');
    else this.#notOpen(contact === 'closed');
  }

  /** Nothing is heard of it: what it does meanwhile nobody sees. */
  lost(): void {
    this.#contact = 'unknown';
    this.#notOpen(false);
  }

  close(): void {
    this.#heldOpen?.cancel();
    this.#forced?.cancel();
  }

  /** @param seen it was seen to open, not found open */
  #open(seen: boolean): void {
    const { clock, tell, snapshot } = this.#context;
    const opened = { occurredAt: clock.wallTime(), at: clock.now(), told: false };
    this.#opened = opened;
    if (seen && this.#reportsForced) this.#forced = clock.setTimer(() => this.#judgeForced(opened), forcedAfterMs);
    const ms = snapshot().doorRules?.heldOpenMs ?? usualHeldOpenMs;
    if (ms === 0) return;
    this.#heldOpen = clock.setTimer(() => {
      opened.told = true;
      tell({
        eventType: 'strikeplate.door.held_open',
        occurredAt: clock.wallTime(),
        details: { opened_at: isoTime(opened.occurredAt), after_seconds: ms / 1_000 },
      });
    }, ms);
  }

  #notOpen(seen: boolean): void {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#heldOpen?.cancel();
    if (!seen || !opened?.told) return;
    const { clock, tell } = this.#context;
    tell({
      eventType: 'strikeplate.door.closed_again',
      occurredAt: clock.wallTime(),
      details: {
        opened_at: isoTime(opened.occurredAt),
        open_seconds: Math.round((clock.now() - opened.at) / 1_000),
      },
    });
  }

  /** A strike lets people out by the handle while it stands locked: only a bolt that is seen holds a door for sure. */
  get #reportsForced(): boolean {
    const { doorRules, capabilities } = this.#context.snapshot();
    return doorRules?.reportForced ?? tellsOfBolt(capabilities.lock?.observes);
  }

  #judgeForced(opened: { readonly occurredAt: number; readonly at: number }): void {
    const released = this.#lock.releasedAt >= opened.at - releaseLastsMs;
    if (released || !this.#lock.isLocked || this.#context.ownMovement('unlocked')) return;
    this.#context.tell({ eventType: 'strikeplate.door.forced', occurredAt: opened.occurredAt });
  }
}

const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();
