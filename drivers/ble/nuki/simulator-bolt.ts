import type { Clock, Timer } from '../../../src/contract/index.ts';
import { completions, lockActions, lockStates, triggers } from './catalogue.ts';

export interface BoltTimes {
  /** From the command to the motor's start, in milliseconds. */
  readonly startMs: number;
  /** How long the motor runs, in milliseconds. */
  readonly moveMs: number;
  /** How long the latch is held, in milliseconds. */
  readonly latchMs?: number;
}

/** Nuki's own default for how long the latch is held. */
const LATCH_MS = 3_000;

/** One turn of the bolt: what counts when it is asked whether a door moved once. */
export interface Turn {
  /** `Clock.now()` */
  readonly at: number;
  readonly to: 'locked' | 'unlocked';
  readonly by: 'command' | 'hand' | 'auto_lock' | 'keypad';
}

export interface BoltOptions {
  readonly clock: Clock;
  readonly times: BoltTimes;
  /** Locks itself again so long after an unlock, in milliseconds. */
  readonly autoLockMs: () => number | undefined;
  readonly onChange: () => void;
}

/** Motor and bolt. It moves whether anybody listens or not. */
export class SimulatedBolt {
  readonly turns: Turn[] = [];
  /** `Clock.now()` of each time the latch was pulled. */
  readonly pulls: number[] = [];
  readonly #options: BoltOptions;
  #state: number = lockStates.locked;
  #trigger: number = triggers.system;
  #lastAction = 0;
  #lastCompletion: number = completions.success;
  #motor: Timer | undefined;
  #autoLock: Timer | undefined;
  #latchBack: Timer | undefined;
  /** The motor meets resistance half way. */
  blocked = false;
  /** So much later than usual it starts, in milliseconds. */
  hesitatesMs = 0;

  constructor(options: BoltOptions) {
    this.#options = options;
  }

  get state(): number {
    return this.#state;
  }

  get trigger(): number {
    return this.#trigger;
  }

  get lastAction(): number {
    return this.#lastAction;
  }

  get lastCompletion(): number {
    return this.#lastCompletion;
  }

  get running(): boolean {
    return this.#motor !== undefined;
  }

  get isLocked(): boolean {
    return this.#state === lockStates.locked;
  }

  get isUnlocked(): boolean {
    return this.#state === lockStates.unlocked;
  }

  /** Runs the motor. `moved` is told each state on the way; `done` the completion. */
  run(
    action: number,
    by: Turn['by'],
    steps: { readonly moved: (state: number) => void; readonly done: (completion: number) => void },
  ): void {
    const { clock, times } = this.#options;
    const locking = action === lockActions.lock;
    const latch = action === lockActions.unlatch;
    const wasUnlocked = this.isUnlocked;
    const end = locking ? lockStates.locked : lockStates.unlocked;
    this.#autoLock?.cancel();
    this.#latchBack?.cancel();
    this.#trigger = by === 'auto_lock' ? triggers.autoLock : triggers.system;
    this.#lastAction = action;
    this.#motor = clock.setTimer(() => {
      const way = latch && wasUnlocked ? lockStates.unlatching : lockStates.unlocking;
      this.#enter(locking ? lockStates.locking : way, steps.moved);
      this.#motor = clock.setTimer(() => {
        this.#motor = undefined;
        if (this.blocked) {
          this.#lastCompletion = completions.motorBlocked;
          this.#enter(lockStates.motorBlocked, steps.moved);
          steps.done(completions.motorBlocked);
          return;
        }
        this.turns.push({ at: clock.now(), to: locking ? 'locked' : 'unlocked', by });
        this.#lastCompletion = completions.success;
        if (latch) this.#pull(wasUnlocked, steps.moved);
        else this.#enter(end, steps.moved);
        steps.done(completions.success);
        this.#armAutoLock();
      }, times.moveMs);
    }, times.startMs + this.hesitatesMs);
  }

  /** The latch springs back by itself, and the door is unlocked as it may have been before. */
  #pull(wasUnlocked: boolean, moved: (state: number) => void): void {
    const { clock, times } = this.#options;
    this.pulls.push(clock.now());
    if (!wasUnlocked) this.#enter(lockStates.unlatching, moved);
    this.#enter(lockStates.unlatched, moved);
    this.#latchBack = clock.setTimer(() => this.#enter(lockStates.unlocked, moved), times.latchMs ?? LATCH_MS);
  }

  turnByHand(to: 'locked' | 'unlocked'): void {
    this.turns.push({ at: this.#options.clock.now(), to, by: 'hand' });
    this.#trigger = triggers.manual;
    this.#enter(to === 'locked' ? lockStates.locked : lockStates.unlocked, () => undefined);
    this.#armAutoLock();
  }

  /** Stops the motor where it is. */
  stop(): void {
    this.#motor?.cancel();
    this.#motor = undefined;
    this.#autoLock?.cancel();
    this.#latchBack?.cancel();
  }

  /** Shows a state without a cause: uncalibrated, boot run. */
  show(state: number): void {
    this.#enter(state, () => undefined);
  }

  #enter(state: number, tell: (state: number) => void): void {
    this.#state = state;
    this.#options.onChange();
    tell(state);
  }

  #armAutoLock(): void {
    const { clock } = this.#options;
    const autoLockMs = this.#options.autoLockMs();
    this.#autoLock?.cancel();
    if (autoLockMs === undefined || this.#state === lockStates.locked) return;
    this.#autoLock = clock.setTimer(() => {
      this.run(lockActions.lock, 'auto_lock', { moved: () => undefined, done: () => undefined });
    }, autoLockMs);
  }
}
