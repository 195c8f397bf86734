import { createActor, type Actor as MachineActor, type StateValueFrom } from 'xstate';
import type { Clock } from '../contract/index.ts';
import type { ActionType, Actor, AttemptRecord, HistoryEntry, Settlement, Subject } from '../model/records.ts';
import type { Change } from '../model/store.ts';
import type { AttemptEvent } from './attempt-changes.ts';
import { attemptMachine } from './attempt-machine.ts';
import type { Outcome } from './outcome.ts';

export type AttemptState = StateValueFrom<typeof attemptMachine>;

export interface AttemptFacts {
  readonly seq: number;
  readonly actionAttemptId: string;
  readonly actionType: ActionType;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly subject: Subject | undefined;
  readonly actor: Actor;
  /** Milliseconds since the Unix epoch. */
  readonly acceptedAt: number;
  /** `Clock.now()` after which no byte that can act may leave. */
  readonly sendBy: number;
  /** `Clock.now()` by which it ends. */
  readonly deadline: number;
}

export interface AttemptOptions {
  readonly clock: Clock;
  readonly intent: boolean;
  /** What the store holds of an attempt from an earlier run; empty for a new one. */
  readonly history?: readonly HistoryEntry[];
  /** Committed together with the settlement. */
  readonly alsoSettle?: ((settlement: Settlement) => readonly Change[]) | undefined;
}

/** A living attempt: its machine, its history so far, and whether its intent is on disk. */
export class Attempt {
  readonly facts: AttemptFacts;
  /** True once the store was told, durably, that a command may leave. */
  intent: boolean;
  /** True once its outcome is being written down. */
  ending = false;
  /** A driver works for it, and has to be told when it is over. */
  driverAtWork = false;
  readonly #options: AttemptOptions;
  readonly #machine: MachineActor<typeof attemptMachine>;
  readonly #history: HistoryEntry[];
  readonly #abort = new AbortController();
  #settlement: { readonly settlement: Settlement; readonly at: number } | undefined;

  constructor(facts: AttemptFacts, options: AttemptOptions) {
    this.facts = facts;
    this.intent = options.intent;
    this.#options = options;
    this.#history = [...(options.history ?? [])];
    const { actionType, deviceName } = facts;
    this.#machine = createActor(attemptMachine, { input: { actionType, deviceName } });
    this.#machine.start();
    if (this.#history.length === 0) this.#note('the request was received');
  }

  get id(): string {
    return this.facts.actionAttemptId;
  }

  get state(): AttemptState {
    return this.#machine.getSnapshot().value;
  }

  /** The outcome once it is decided; not to be shown to anybody before {@link Attempt.recorded}. */
  get outcome(): Outcome | undefined {
    return this.#machine.getSnapshot().context.outcome;
  }

  /** True while no byte that can act has left, as far as is known. */
  get nothingActed(): boolean {
    return !this.#machine.getSnapshot().context.maybeActed;
  }

  /** Aborts when the attempt no longer waits for its device and a driver still works for it. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** Called at once when it was aborted already. Returns what takes the listener away again. */
  onAbort(listener: () => void): () => void {
    if (this.signal.aborted) listener();
    else this.signal.addEventListener('abort', listener, { once: true });
    return () => this.signal.removeEventListener('abort', listener);
  }

  alsoSettle(settlement: Settlement): readonly Change[] {
    return this.#options.alsoSettle?.(settlement) ?? [];
  }

  /** Takes an event in; `reason` goes into the history if the state changed. */
  send(event: AttemptEvent, reason: string): void {
    if (this.#settlement) return; // a driver's late word about an attempt that is over
    const before = this.state;
    this.#machine.send(event);
    if (this.state !== before) this.#note(reason);
  }

  /** The settlement is on disk: the machine ends and is dropped. */
  recorded(settlement: Settlement, at: number): void {
    this.#machine.send({ type: 'RECORDED' });
    this.#settlement = { settlement, at };
    this.#machine.stop();
  }

  /** The history as it will stand once the settlement is on disk. Call it once. */
  finalHistory(reason: string, at: number): readonly HistoryEntry[] {
    const state = this.outcome?.status === 'success' ? 'succeeded' : 'failed';
    this.#history.push({ state, at, reason });
    return this.history;
  }

  get history(): readonly HistoryEntry[] {
    return [...this.#history];
  }

  record(): AttemptRecord {
    const { seq, actionAttemptId, actionType, deviceId, subject, actor, acceptedAt } = this.facts;
    return {
      seq,
      actionAttemptId,
      actionType,
      deviceId,
      subject,
      actor,
      acceptedAt,
      intent: this.intent,
      settlement: this.#settlement?.settlement,
      settledAt: this.#settlement?.at,
      history: this.history,
    };
  }

  #note(reason: string): void {
    this.#history.push({ state: String(this.state), at: this.#options.clock.wallTime(), reason });
  }
}
