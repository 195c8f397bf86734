import { type Clock, type CommandContext, GatewayError, type ReadContext, type Timer } from '../../contract/index.ts';
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
  begin,
  freshMemory,
  isNewSample,
  listenedTo,
  type Memory,
  type State,
} from './state.ts';
import { weighed } from './weighing.ts';

/**
 * Puts a question about these things to the device, and resolves with what the answer says; with undefined where answers
 * look like what is told unasked (`mixed`): then the answer comes through {@link EvidenceBook.told}.
 * @throws what the link throws: the question is given up
 */
export type Ask = (about: ReadonlySet<string>, signal: AbortSignal) => Promise<readonly Claim[] | undefined>;

/** A judgement without an end looks again at the latest after this. */
const LONGEST_WAIT_MS = 60_000;

/** What the device, or who carried the command, says of it. */
type Word<Reason> = Omit<Extract<Input<Reason>, { kind: 'said' }>, 'kind'>;

/** What came back of a command. */
export type Answered<Reason> = { readonly said: 'acknowledged'; readonly at: number } | Word<Reason>;

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

export interface QuestionToJudge<Reason = never> {
  readonly about: string;
  readonly traits: Traits;
  readonly plan: Plan;
  readonly ctx: Pick<ReadContext, 'signal'>;
  readonly ask: Ask;
  readonly between?: () => Promise<void>;
  /** `Clock.now()` */
  readonly until?: number;
  /** What it ends with when somebody on the way gives this as the reason why there is no answer; undefined: it goes on. */
  readonly failsBy?: (reason: Reason) => GatewayError | undefined;
}

/**
 * What a device has said, over commands, and the way to every judgement of it: the engine's clock, mailbox and hand.
 * One for each device. It is told everything, whether a command is under way or not.
 */
export class EvidenceBook<Reason = never> {
  readonly #clock: Clock;
  readonly #closing: AbortSignal | (() => AbortSignal);
  readonly #lateByMs: number;
  /** The judgements under way. Replaced, never changed: a Set that they pass through would keep them, see `PassingMap`. */
  #runs: readonly Run<Reason>[] = [];
  #memory: Memory;

  /**
   * @param options.closing a function is called when a judgement needs it
   * @param options.lateByMs how long a question may still be answered after it was given up
   */
  constructor(options: {
    readonly clock: Clock;
    readonly closing: AbortSignal | (() => AbortSignal);
    readonly lateByMs: number;
  }) {
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
    for (const run of this.#runs) run.told(claims);
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
    for (const run of this.#runs) run.take({ kind: 'gap' });
  }

  /** The way to the device is open again: whoever waits for an answer asks now. */
  reachable(): void {
    this.#memory = afterReturn(this.#memory, this.#clock.now());
    for (const run of this.#runs) run.take({ kind: 'reachable' });
  }

  /** Somebody on the way says what became of the command under way; ignored when there is none. */
  said(word: Word<Reason>): void {
    for (const run of this.#runs) run.said(word);
  }

  /** Somebody on the way says that the question under way got no answer. */
  unanswered(reason: Reason): void {
    for (const run of this.#runs) run.unanswered(reason);
  }

  /**
   * Sends a command and stays until it is known what became of it.
   * @throws what `send` throws before anything left; the abort's reason
   */
  judge(command: CommandToJudge<Reason>): Promise<Verdict<Reason>> {
    const run = new Run({ ...command, end: command.ctx.deadline - command.marginMs }, this.#around);
    try {
      run.sends(command.send(run.observer, run.answered));
    } catch (error) {
      run.sends(Promise.reject(error));
    }
    return run.verdict;
  }

  /**
   * Asks until an answer can be told from everything else that is heard.
   * @returns undefined when `until` came first
   * @throws the abort's reason; what `ask` throws
   */
  async ask(question: QuestionToJudge<Reason>): Promise<Value | undefined> {
    const { about, until = Number.POSITIVE_INFINITY } = question;
    const goal: Goal = { proof: [], question: about };
    const run = new Run<Reason>({ ...question, goal, end: until, isQuestion: true }, this.#around);
    run.begins();
    const verdict = await run.verdict;
    if (verdict.end !== 'answered') return undefined;
    this.#memory = asAnswer(this.#memory, about);
    return verdict.value;
  }

  get #around(): Surroundings<Reason> {
    const closing = typeof this.#closing === 'function' ? this.#closing() : this.#closing;
    return { clock: this.#clock, closing, book: this };
  }

  /** @internal A judgement is under way from now on. */
  begun(run: Run<Reason>): void {
    this.#runs = [...this.#runs, run];
  }

  /** @internal A judgement is over. */
  over(run: Run<Reason>): void {
    this.#runs = this.#runs.filter((other) => other !== run);
  }

  /** @internal A question of a judgement was answered. */
  answered(claims: readonly Claim[], began: number): void {
    for (const claim of claims) this.#memory = afterAnswer(this.#memory, claim, began, this.#lateByMs);
  }

  /** @internal What is known now: a judgement begins to count at its send. */
  get memory(): Memory {
    return this.#memory;
  }
}

/** What a judgement under way works with. */
interface Surroundings<Reason> {
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly book: Pick<EvidenceBook<Reason>, 'memory' | 'answered' | 'asked' | 'begun' | 'over'>;
}

interface Job<Reason> extends Pick<QuestionToJudge<Reason>, 'traits' | 'plan' | 'between' | 'failsBy'> {
  readonly goal: Goal;
  readonly end: number;
  readonly ctx: Pick<CommandContext, 'signal' | 'weighed'>;
  readonly ask?: Ask;
  /** What `ask` throws ends it: a read says why it failed. */
  readonly isQuestion?: true;
}

/**
 * One judgement under way. It begins when its command leaves, since what was heard up to there is of before, and takes in
 * what is heard as it is heard.
 */
class Run<Reason> {
  readonly verdict: Promise<Verdict<Reason>>;
  readonly #job: Job<Reason>;
  readonly #around: Surroundings<Reason>;
  /** What it listens to; the rest is nothing to it. */
  readonly #subjects: ReadonlySet<string>;
  /** Undefined until the command left. */
  #state: State<Reason> | undefined;
  #hasLeft = false;
  #isOver = false;
  /** `Clock.now()` */
  #wakeAt = Number.POSITIVE_INFINITY;
  /** May fire before it is time, and is armed anew then. */
  #timer: Timer | undefined;
  /** `Clock.now()` */
  #firesAt = Number.POSITIVE_INFINITY;
  /** Made for the first question: most commands end without one. */
  #asking: AbortController | undefined;
  #resolve: (verdict: Verdict<Reason>) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(job: Job<Reason>, around: Surroundings<Reason>) {
    this.#job = job;
    this.#around = around;
    this.#subjects = listenedTo(job.goal);
    this.verdict = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    around.book.begun(this);
    job.ctx.signal.addEventListener('abort', this.#onAbort);
    around.closing.addEventListener('abort', this.#onAbort);
    if (job.ctx.signal.aborted || around.closing.aborted) this.#onAbort();
  }

  /** Its command is on its way. */
  sends(command: Promise<void>): void {
    command.catch((error: unknown) => {
      const isJudged = this.#hasLeft && error instanceof GatewayError && error.delivery === 'maybe_sent';
      if (isJudged) this.take({ kind: 'unacknowledged' });
      else this.#fail(error);
    });
  }

  get observer(): PermitObserver {
    return {
      spent: () => this.begins(),
      withdrawn: () => {
        this.#hasLeft = false;
      },
    };
  }

  /** The command leaves now, or a question may. */
  begins(): void {
    const { clock, book } = this.#around;
    this.#hasLeft = true;
    this.#state = begin({ ...this.#job, memory: book.memory });
    this.take({ kind: 'sent', at: clock.now() });
  }

  readonly answered = (answer: Answered<Reason>): void => {
    if ('word' in answer) this.said(answer);
    else this.take({ kind: 'acknowledged', at: answer.at });
  };

  told(claims: readonly Claim[]): void {
    if (this.#state === undefined) return;
    const ours: Claim[] = [];
    for (const claim of claims) if (this.#subjects.has(claim.about)) ours.push(claim);
    if (ours.length > 0) this.take({ kind: 'told', claims: ours });
  }

  said(word: Word<Reason>): void {
    if (!this.#failsBy(word.reason)) this.take({ kind: 'said', ...word });
  }

  unanswered(reason: Reason): void {
    const question = this.#state?.open?.id;
    if (!this.#failsBy(reason) && question !== undefined) this.take({ kind: 'no_answer', question, reason });
  }

  take(input: Input<Reason>): void {
    const { clock } = this.#around;
    const { weighed: tell } = this.#job.ctx;
    const before = this.#state;
    if (before === undefined || this.#isOver) return;
    try {
      const now = clock.now();
      const { state, verdict, ask, wakeAt } = judge(before, input, now);
      this.#state = state;
      if (tell !== undefined) for (const message of weighed(before, state, input, now)) tell(message);
      if (verdict !== undefined) {
        this.#end();
        this.#resolve(verdict);
        return;
      }
      this.#wakeAt = wakeAt;
      this.#arm(now);
      if (ask !== undefined) void this.#ask(ask.id);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** One that fires earlier stays: most inputs put the next moment off. */
  #arm(now: number): void {
    // An end that is beyond all times has no timer.
    const at = Math.min(this.#wakeAt, now + LONGEST_WAIT_MS);
    if (this.#timer !== undefined && this.#firesAt <= at) return;
    this.#timer?.cancel();
    this.#firesAt = at;
    this.#timer = this.#around.clock.setTimer(() => {
      this.#timer = undefined;
      const isEarly = this.#around.clock.now() < this.#wakeAt;
      if (isEarly) this.#arm(this.#around.clock.now());
      else this.take({ kind: 'time' });
    }, at - now);
  }

  async #ask(question: number): Promise<void> {
    const { clock, book } = this.#around;
    const { ask, between, isQuestion } = this.#job;
    if (ask === undefined) return;
    try {
      // Never within the turn in which the command is handed over.
      await between?.();
      // Its answer is told by this moment: a running clock reads otherwise the second time.
      const at = clock.now();
      this.take({ kind: 'put', question, at });
      const { open, subjects } = this.#state ?? {};
      if (this.#isOver || open === undefined || subjects === undefined) return;
      for (const about of subjects) book.asked(about, at);
      this.#asking ??= new AbortController();
      const claims = await ask(subjects, this.#asking.signal);
      if (claims === undefined || this.#isOver) return;
      const isAnswered = this.#state?.open?.id === question;
      this.take({ kind: 'answer', question, claims });
      if (isAnswered) book.answered(claims, open.began);
    } catch (error) {
      if (isQuestion) this.#fail(error);
      else this.take({ kind: 'no_answer', question });
    }
  }

  /** @returns whether it ended with that */
  #failsBy(reason: Reason | undefined): boolean {
    const error = reason === undefined ? undefined : this.#job.failsBy?.(reason);
    if (error === undefined) return false;
    this.#fail(error);
    this.#asking?.abort(error);
    return true;
  }

  readonly #onAbort = (): void => {
    const { signal } = this.#job.ctx;
    const { reason } = signal.aborted ? signal : this.#around.closing;
    this.#fail(reason);
    this.#asking?.abort(reason);
  };

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const { closing } = this.#around;
    this.#end();
    if (this.#hasLeft && closing.aborted && error === closing.reason) this.#resolve({ end: 'unknown', why: 'closed' });
    else this.#reject(error);
  }

  #end(): void {
    const { book, closing } = this.#around;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#job.ctx.signal.removeEventListener('abort', this.#onAbort);
    closing.removeEventListener('abort', this.#onAbort);
    book.over(this);
  }
}
