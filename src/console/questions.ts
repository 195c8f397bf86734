import { type ApiError, problemOf } from './api.ts';

/** What a route answered. A list once shown stays until there is a newer answer, or one that it is not there. */
export type Loaded<Value> =
  | { readonly status: 'loading' }
  | {
      readonly status: 'ready';
      readonly value: Value;
      /** When it was asked for, in milliseconds since the Unix epoch. */
      readonly asOf: number;
      /** Why it could not be brought up to date since. */
      readonly failed?: ApiError;
      /** It answers what was asked before; what is asked now is on its way. */
      readonly isBefore?: true;
    }
  | { readonly status: 'failed'; readonly error: ApiError };

/** How often what could not be brought up to date is asked for by itself, in milliseconds. */
export const AGAIN_MS = 10_000;
/** A second may overtake a first that hangs; further ones wait, so that a burst of events is no burst of calls. */
const AT_ONCE = 2;

/** Whether the failure says nothing about what was asked for: the gateway was not reached, or could not. */
export const isPassing = ({ status }: ApiError): boolean =>
  status === 0 || status === 408 || status === 429 || status >= 500;

type Send<Value> = (signal: AbortSignal) => Promise<Value>;

/**
 * One question asked again and again, whose answers come late, in another order, or not at all: what is told is never older
 * than what was told before, and what was known stays while it cannot be asked.
 */
export class Questions<Value> {
  readonly #tell: (state: Loaded<Value>) => void;
  readonly #now: () => number;
  readonly #open = new Set<AbortController>();
  #question: string | undefined;
  #turn = 0;
  #shown:
    | { readonly question: string | undefined; readonly turn: number; readonly asOf: number; readonly value: Value }
    | undefined;
  #failed: { readonly turn: number; readonly error: ApiError } | undefined;
  /** Asked for while as many were under way as may be. */
  #next: Send<Value> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (state: Loaded<Value>) => void, now: () => number = Date.now) {
    this.#tell = tell;
    this.#now = now;
  }

  /** Asks for the newest answer; another `question` than before makes what was known an answer to something else. */
  ask(question: string, send: Send<Value>): void {
    if (question !== this.#question) {
      this.close();
      this.#question = question;
      this.#failed = undefined;
      this.#say();
    }
    if (this.#open.size < AT_ONCE) this.#begin(send);
    else this.#next = send;
  }

  /** Nothing more is told, and what is under way is given up. */
  close(): void {
    clearTimeout(this.#again);
    for (const one of this.#open) one.abort();
    this.#open.clear();
    this.#next = undefined;
  }

  #begin(send: Send<Value>): void {
    clearTimeout(this.#again);
    const hangUp = new AbortController();
    const asOf = this.#now();
    this.#turn += 1;
    const turn = this.#turn;
    this.#open.add(hangUp);
    const end = (say: () => void) => {
      if (!this.#open.delete(hangUp)) return;
      const next = this.#next;
      this.#next = undefined;
      if (next !== undefined) this.#begin(next);
      say();
    };
    send(hangUp.signal).then(
      (value) => end(() => this.#answered(turn, asOf, value)),
      (error) => end(() => this.#failedAt(turn, problemOf(error), send)),
    );
  }

  #answered(turn: number, asOf: number, value: Value): void {
    if (this.#isKnown() && turn < (this.#shown?.turn ?? 0)) return;
    this.#shown = { question: this.#question, turn, asOf, value };
    if (this.#failed !== undefined && this.#failed.turn < turn) this.#failed = undefined;
    this.#say();
  }

  #failedAt(turn: number, error: ApiError, send: Send<Value>): void {
    // One that was asked later answered, or will.
    if (turn < this.#turn) return;
    this.#failed = { turn, error };
    if (!isPassing(error)) this.#shown = undefined;
    if (this.#isKnown()) this.#again = setTimeout(() => this.#begin(send), AGAIN_MS);
    this.#say();
  }

  /** Whether what is shown answers what is asked. */
  #isKnown(): boolean {
    return this.#shown !== undefined && this.#shown.question === this.#question;
  }

  #say(): void {
    const [shown, error] = [this.#shown, this.#failed?.error];
    if (shown === undefined || (!this.#isKnown() && error !== undefined))
      this.#tell(error === undefined ? { status: 'loading' } : { status: 'failed', error });
    else {
      const { value, asOf } = shown;
      if (!this.#isKnown()) this.#tell({ status: 'ready', value, asOf, isBefore: true });
      else this.#tell({ status: 'ready', value, asOf, ...(error !== undefined && { failed: error }) });
    }
  }
}
