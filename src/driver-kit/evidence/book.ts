import { type Clock, type CommandContext, GatewayError, type ReadContext } from '../../contract/index.ts';
import { joinSignals } from '../join-signals.ts';
import { Mailbox } from '../mailbox.ts';
import type { PermitObserver } from '../observed-permit.ts';
import type { Claim, Goal, Input, Plan, Traits, Value, Verdict } from './claims.ts';
import { judge } from './judge.ts';
import {
  afterAnswer,
  afterGap,
  afterQuestion,
  afterReturn,
  afterWord,
  asAnswer,
  freshMemory,
  isNewSample,
  type Memory,
} from './memory.ts';
import { begin, type Judged, type State, subjectsOf } from './state.ts';
import { weighed } from './weighed.ts';

/**
 * Puts a question about these things to the device, and resolves with what the answer says; with undefined where answers
 * look like what is told unasked (`mixed`): then the answer comes through {@link EvidenceBook.told}.
 * @throws what the link throws: the question is given up
 */
export type Ask = (about: ReadonlySet<string>, signal: AbortSignal) => Promise<readonly Claim[] | undefined>;

/** Stands for whatever question is open. */
const UNDER_WAY = -1;
/** A judgement without an end looks again at the latest after this. */
const LONGEST_WAIT_MS = 60_000;

/** What came back of a command. */
export type Answered<Reason> =
  | { readonly said: 'acknowledged'; readonly at: number }
  | Omit<Extract<Input<Reason>, { kind: 'said' }>, 'kind'>;

export interface CommandToJudge<Reason> {
  readonly goal: Goal;
  readonly traits: Traits;
  readonly plan: Plan;
  readonly ctx: Pick<CommandContext, 'signal' | 'deadline' | 'weighed'>;
  /** The truth is told so long before the deadline, so that it is not overtaken by the abort. */
  readonly marginMs: number;
  /**
   * Sends the command with a permit that `observe` watches, once, and resolves with what came back of it, as often as it
   * likes through `said`.
   * @throws GatewayError `maybe_sent` when nothing came back: that is judged; anything else ends the command
   */
  send(observe: PermitObserver, said: (answer: Answered<Reason>) => void): Promise<void>;
  readonly ask?: Ask;
  /** Before each question: lets doors pass. */
  readonly between?: () => Promise<void>;
}

export interface QuestionToJudge {
  readonly about: string;
  readonly traits: Traits;
  readonly plan: Plan;
  readonly ctx: Pick<ReadContext, 'signal'>;
  readonly ask: Ask;
  readonly between?: () => Promise<void>;
  /** `Clock.now()` */
  readonly until?: number;
}

/**
 * What a device has said, over commands, and the way to every judgement of it: the engine's clock, mailbox and hand.
 * One for each device. It is told everything, whether a command is under way or not.
 */
export class EvidenceBook<Reason = never> {
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  readonly #lateByMs: number;
  readonly #listeners = new Set<(input: Input<Reason>) => void>();
  #memory: Memory;

  /** @param options.lateByMs how long a question may still be answered after it was given up */
  constructor(options: { readonly clock: Clock; readonly closing: AbortSignal; readonly lateByMs: number }) {
    this.#clock = options.clock;
    this.#closing = options.closing;
    this.#lateByMs = options.lateByMs;
    this.#memory = freshMemory(options.clock.now());
  }

  /** What was said last of it; undefined when nothing was since the last gap. It is no evidence. */
  known(about: string): Value | undefined {
    return this.#memory.known.get(about)?.value;
  }

  /** The device said this, asked or not. */
  told(...claims: readonly Claim[]): void {
    for (const claim of claims) this.#memory = afterWord(this.#memory, claim, this.#lateByMs);
    this.#tell({ kind: 'told', claims });
  }

  /** Whether a level that is told again and again was measured just now. Call it before {@link told}. */
  isNewSample(claim: Claim, intervalMs: number): boolean {
    return isNewSample(this.#memory, claim, intervalMs);
  }

  /** A question left: a poll, or one that a judgement put. @param at `Clock.now()` */
  asked(about: string, at = this.#clock.now()): void {
    this.#memory = afterQuestion(this.#memory, about, at, this.#lateByMs);
  }

  /** Link or middleman went away: what was heard before and what is heard later do not join up. */
  gap(): void {
    this.#memory = afterGap(this.#memory, this.#clock.now());
    this.#tell({ kind: 'gap' });
  }

  /** The way to the device is open again: whoever waits for an answer asks now. */
  reachable(): void {
    this.#memory = afterReturn(this.#memory, this.#clock.now());
    this.#tell({ kind: 'reachable' });
  }

  /** Somebody on the way says what became of the command under way; ignored when there is none. */
  said(word: Omit<Extract<Input<Reason>, { kind: 'said' }>, 'kind'>): void {
    this.#tell({ kind: 'said', ...word });
  }

  /** Somebody on the way says that the question under way got no answer. */
  unanswered(reason: Reason): void {
    this.#tell({ kind: 'no_answer', question: UNDER_WAY, reason });
  }

  /**
   * Sends a command and stays until it is known what became of it.
   * @throws what `send` throws before anything left; the abort's reason
   */
  judge(command: CommandToJudge<Reason>): Promise<Verdict<Reason>> {
    const { goal, traits, plan, ctx, marginMs } = command;
    const end = ctx.deadline - marginMs;
    const state = begin<Reason>({ goal, traits, plan, memory: this.#memory, end });
    const run = new Run(state, command, this.#around);
    try {
      run.sends(command.send(run.observer, run.said));
    } catch (error) {
      run.sends(Promise.reject(error));
    }
    return run.toVerdict();
  }

  /**
   * Asks until an answer can be told from everything else that is heard.
   * @returns undefined when `until` came first
   * @throws the abort's reason; what `ask` throws
   */
  async ask({ about, traits, plan, ctx, ask, between, until }: QuestionToJudge): Promise<Value | undefined> {
    const goal: Goal = { proof: [], question: about };
    const end = until ?? Number.POSITIVE_INFINITY;
    const state = begin<Reason>({ goal, traits, plan, memory: this.#memory, end });
    const hands: Hands = {
      ...{ ctx, ask },
      ...(between && { between }),
      throwing: true,
    };
    const run = new Run(state, hands, this.#around);
    run.observer.spent();
    const verdict = await run.toVerdict();
    if (verdict.end !== 'answered') return undefined;
    this.#memory = asAnswer(this.#memory, about);
    return verdict.value;
  }

  /** What a judgement under way works with. */
  get #around(): Surroundings<Reason> {
    return { clock: this.#clock, closing: this.#closing, listeners: this.#listeners, book: this };
  }

  /** @internal A question of a judgement was answered. */
  answered(claims: readonly Claim[], began: number): void {
    for (const claim of claims) this.#memory = afterAnswer(this.#memory, claim, began, this.#lateByMs);
  }

  /** @internal What is known now: a judgement begins to count at its send. */
  get memory(): Memory {
    return this.#memory;
  }

  #tell(input: Input<Reason>): void {
    // Each only takes it in: what it makes of it comes later.
    for (const listener of this.#listeners) listener(input);
  }
}

interface Hands {
  readonly ctx: Pick<ReadContext, 'signal'> & Pick<CommandContext, 'weighed'>;
  readonly ask?: Ask;
  readonly between?: () => Promise<void>;
  /** What `ask` throws ends it: a read says why it failed. */
  readonly throwing?: boolean;
}

interface Surroundings<Reason> {
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly listeners: Set<(input: Input<Reason>) => void>;
  readonly book: Pick<EvidenceBook<Reason>, 'memory' | 'answered' | 'asked'>;
}

/** One judgement under way. */
class Run<Reason> {
  #state: State<Reason>;
  readonly #hands: Hands;
  readonly #around: Surroundings<Reason>;
  readonly #signals: readonly AbortSignal[];
  readonly #inbox: Mailbox<Input<Reason>>;
  #hasLeft = false;
  #failure: { readonly error: unknown } | undefined;
  /** Made for the first question: most commands end without one. */
  #joined: ReturnType<typeof joinSignals> | undefined;

  constructor(state: State<Reason>, hands: Hands, around: Surroundings<Reason>) {
    this.#state = state;
    this.#hands = hands;
    this.#around = around;
    this.#signals = [hands.ctx.signal, around.closing];
    this.#inbox = new Mailbox(around.clock, this.#signals);
    around.listeners.add(this.#listen);
  }

  /** Its command is on its way: whoever called it follows it to the end with {@link toVerdict}. */
  sends(command: Promise<void>): void {
    command.catch((error: unknown) => this.#notSent(error));
  }

  async toVerdict(): Promise<Verdict<Reason>> {
    const { clock, closing, listeners } = this.#around;
    const inbox = this.#inbox;
    try {
      let input: Input<Reason> = { kind: 'time' };
      for (;;) {
        const judged = this.#take(input);
        if (judged.verdict !== undefined) return judged.verdict;
        if (judged.ask !== undefined) this.#ask(judged.ask.id);
        // An end that is beyond all times has no timer.
        const until = Math.min(judged.wakeAt, clock.now() + LONGEST_WAIT_MS);
        input = (await inbox.next(until)) ?? { kind: 'time' };
        if (this.#failure !== undefined) throw this.#failure.error;
      }
    } catch (error) {
      const isClosed = closing.aborted && error === closing.reason;
      if (isClosed && this.#hasLeft) return { end: 'unknown', why: 'closed' };
      throw error;
    } finally {
      listeners.delete(this.#listen);
      inbox.close();
      this.#joined?.release();
    }
  }

  #take(input: Input<Reason>): Judged<Reason> {
    const { clock, book } = this.#around;
    const { open } = this.#state;
    const isOpen = input.kind === 'no_answer' && input.question === UNDER_WAY && open !== undefined;
    const taken = isOpen ? { ...input, question: open.id } : input;
    const now = clock.now();
    const judged = judge(this.#state, taken, now);
    const { ctx } = this.#hands;
    if (ctx.weighed !== undefined)
      for (const message of weighed(this.#state, judged.state, taken, now)) ctx.weighed(message);
    this.#state = judged.state;
    if (input.kind === 'answer' && open?.id === input.question) book.answered(input.claims, open.began);
    return judged;
  }

  get observer(): PermitObserver {
    const { clock, book } = this.#around;
    return {
      spent: () => {
        this.#hasLeft = true;
        // What was heard up to here is of before.
        this.#inbox.clear();
        this.#state = { ...this.#state, memory: book.memory };
        this.#inbox.push({ kind: 'sent', at: clock.now() });
      },
      withdrawn: () => {
        this.#hasLeft = false;
      },
    };
  }

  readonly #listen = (input: Input<Reason>): void => this.#inbox.push(input);

  readonly said = (answer: Answered<Reason>): void =>
    this.#inbox.push('word' in answer ? { kind: 'said', ...answer } : { kind: 'acknowledged', at: answer.at });

  #notSent(error: unknown): void {
    const isJudged = this.#hasLeft && error instanceof GatewayError && error.delivery === 'maybe_sent';
    if (isJudged && !this.#signals.some(({ aborted }) => aborted)) this.#inbox.push({ kind: 'unacknowledged' });
    else this.#fail(error);
  }

  #ask(question: number): void {
    const { clock, book } = this.#around;
    const inbox = this.#inbox;
    const { ask, between } = this.#hands;
    if (ask === undefined) return;
    this.#joined ??= joinSignals(this.#signals);
    const { signal } = this.#joined;
    const subjects = subjectsOf(this.#state.goal);
    const put = async () => {
      if (between !== undefined) await between();
      // Its answer is told by this moment: a running clock reads otherwise the second time.
      const at = clock.now();
      inbox.push({ kind: 'put', question, at });
      for (const about of subjects) book.asked(about, at);
      const claims = await ask(subjects, signal);
      if (claims !== undefined) inbox.push({ kind: 'answer', question, claims });
    };
    put().catch((error: unknown) => {
      if (this.#hands.throwing) this.#fail(error);
      else inbox.push({ kind: 'no_answer', question });
    });
  }

  #fail(error: unknown): void {
    this.#failure = { error };
    this.#inbox.push({ kind: 'time' });
  }
}
