import { type Clock, GatewayError, type WeighedMessage } from '../contract/index.ts';
import type {
  ActionType,
  Actor,
  AttemptRecord,
  Evidence,
  HistoryEntry,
  Settlement,
  Subject,
} from '../model/records.ts';
import type { Change } from '../model/store.ts';
import type { AttemptEvent, Settled } from './attempt-changes.ts';
import { type AttemptSnapshot, type AttemptState, afterEvent, beginning } from './attempt-machine.ts';
import type { Failure, Outcome } from './outcome.ts';

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
  /** It came with an Idempotency-Key: sent again with it, the answer is this attempt. */
  readonly isRepeatable?: boolean;
  /** What the store holds of an attempt from an earlier run; empty for a new one. */
  readonly history?: readonly HistoryEntry[];
  /** Committed together with the settlement. */
  readonly alsoSettle?: ((settlement: Settlement) => readonly Change[]) | undefined;
  readonly inWords?: ((failure: Failure) => Failure) | undefined;
}

const received = 'the request was received';
const receivedRepeatable = 'the request was received, with an Idempotency-Key';

/** A living attempt: its place in its machine, and its history so far. */
export class Attempt {
  readonly facts: AttemptFacts;
  readonly #options: AttemptOptions;
  #snapshot: AttemptSnapshot;
  /** Replaced, never changed: whoever was given it keeps it. */
  #history: readonly HistoryEntry[];
  /** Made when somebody asks for its signal. */
  #abort: AbortController | undefined;
  #abortReason: Error | undefined;
  #hasDriver = false;
  /** Made when something is weighed. */
  #evidence: EvidenceLog | undefined;
  #record: AttemptRecord | undefined;

  constructor(facts: AttemptFacts, options: AttemptOptions) {
    this.facts = facts;
    this.#options = options;
    this.#history = options.history ?? [];
    const { actionType, deviceName } = facts;
    this.#snapshot = beginning({ actionType, deviceName, intent: options.intent });
    if (this.#history.length === 0) this.#note(options.isRepeatable ? receivedRepeatable : received);
  }

  get id(): string {
    return this.facts.actionAttemptId;
  }

  get state(): AttemptState {
    return this.#snapshot.value;
  }

  /** The outcome once it is decided; not to be shown to anybody before it is settled. */
  get outcome(): Outcome | undefined {
    return this.#snapshot.context.outcome;
  }

  /** True while no byte that can act has left, as far as is known. */
  get nothingActed(): boolean {
    return !this.#snapshot.context.maybeActed;
  }

  /** True once the store was told, durably, that a command may leave. */
  get intent(): boolean {
    return this.#snapshot.context.intent;
  }

  /** Aborts when the attempt no longer waits for its device and a driver still works for it. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /** Its driver was told to stop although nothing is decided: the gateway is stopping. */
  get isLeftToNextStart(): boolean {
    return this.#abortReason instanceof GatewayError && this.#abortReason.type === 'gateway_restarted';
  }

  abort(reason: Error): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    this.#abort?.abort(reason);
  }

  /** Waits for a driver that has begun to work for it. @throws what the driver throws */
  async driven<T>(work: Promise<T>): Promise<T> {
    this.#hasDriver = true;
    try {
      return await work;
    } finally {
      this.#hasDriver = false;
    }
  }

  /** A driver works for it: only then has anybody to be told when it is over. */
  get hasDriver(): boolean {
    return this.#hasDriver;
  }

  /** An outcome as it is told, whoever decided it. */
  told(outcome: Outcome): Outcome {
    return outcome.status === 'error' ? (this.#options.inWords?.(outcome) ?? outcome) : outcome;
  }

  alsoSettle(settlement: Settlement): readonly Change[] {
    return this.#options.alsoSettle?.(settlement) ?? [];
  }

  /**
   * Takes an event in; `reason` goes into the history if the state changed.
   * @returns whether it decided the outcome
   */
  send(event: AttemptEvent, reason: string): boolean {
    const before = this.#snapshot;
    if (before.status !== 'active') return false; // a driver's late word about an attempt that is over
    this.#snapshot = afterEvent(before, event);
    this.#record = undefined;
    if (this.state !== before.value) this.#note(reason);
    return before.context.outcome === undefined && this.outcome !== undefined;
  }

  /** The settlement is on disk: the machine ends. */
  settled(settled: Settled): void {
    this.#snapshot = afterEvent(this.#snapshot, { type: 'SETTLED', settled });
    this.#record = undefined;
  }

  /** The history as it will stand once the settlement is on disk. Call it once. */
  settledHistory(reason: string, at: number): readonly HistoryEntry[] {
    const state = this.outcome?.status === 'success' ? 'succeeded' : 'failed';
    this.#append({ state, at, reason });
    return this.#history;
  }

  /** A message was weighed for it. What comes after its outcome was decided is of no use to it. */
  weighed(message: WeighedMessage): void {
    if (this.outcome !== undefined) return;
    this.#evidence ??= new EvidenceLog(this.#options.clock);
    this.#evidence.add(message);
    this.#record = undefined;
  }

  get history(): readonly HistoryEntry[] {
    const evidence = this.#evidence?.heard;
    const last = this.#history.at(-1);
    if (evidence === undefined || last === undefined) return this.#history;
    return [...this.#history.slice(0, -1), { ...last, evidence }];
  }

  record(): AttemptRecord {
    this.#record ??= this.#recordNow();
    return this.#record;
  }

  #recordNow(): AttemptRecord {
    const { seq, actionAttemptId, actionType, deviceId, subject, actor, acceptedAt } = this.facts;
    const { intent, settled } = this.#snapshot.context;
    return {
      seq,
      actionAttemptId,
      actionType,
      deviceId,
      subject,
      actor,
      acceptedAt,
      intent,
      settlement: settled?.settlement,
      settledAt: settled?.at,
      history: this.history,
    };
  }

  #note(reason: string): void {
    this.#append({ state: this.state, at: this.#options.clock.wallTime(), reason });
  }

  #append(entry: HistoryEntry): void {
    this.#history = [...this.history, entry];
    this.#evidence?.turn();
    this.#record = undefined;
  }
}

/** Messages kept of one attempt; of more the first and the last tell what decided. */
const FIRST_KEPT = 8;
const LAST_KEPT = 16;

/** A driver's words are few and short: anything else could hold what it should not. */
const word = /^[a-z][a-z_]{0,30}$/;
/** `bolt`, `slot/5`. */
const subject = /^[a-z][a-z_]{0,30}(\/\d{1,5})?$/;

/** What was weighed for one attempt since its last change of state, in a fixed amount of memory. */
export class EvidenceLog {
  readonly #clock: Clock;
  #heard: readonly Evidence[] = [];
  #kept = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns nothing when nothing was weighed */
  get heard(): readonly Evidence[] | undefined {
    return this.#heard.length === 0 ? undefined : this.#heard;
  }

  /** What comes from here on belongs to another state. */
  turn(): void {
    this.#kept += this.#heard.length;
    this.#heard = [];
  }

  add({ at, source, about, value, verdict }: WeighedMessage): void {
    const evidence: Evidence = {
      at: this.#clock.wallTime() - Math.max(0, Math.round(this.#clock.now() - at)),
      source,
      about: about === undefined || subject.test(about) ? about : 'other',
      value: value === undefined || word.test(value) ? value : 'other',
      verdict,
      times: 1,
    };
    const last = this.#heard.at(-1);
    if (last !== undefined && isSame(last, evidence)) {
      this.#heard = [...this.#heard.slice(0, -1), { ...last, times: last.times + 1 }];
      return;
    }
    const first = Math.max(0, FIRST_KEPT - this.#kept);
    const all = [...this.#heard, evidence];
    this.#heard = all.length > first + LAST_KEPT ? [...all.slice(0, first), ...all.slice(first + 1)] : all;
  }
}

const isSame = (a: Evidence, b: Evidence): boolean =>
  a.source === b.source && a.about === b.about && a.value === b.value && a.verdict === b.verdict;
