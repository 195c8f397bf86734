import type { Logger } from 'pino';
import { type Clock, GatewayError, type Secret, type Timer } from '../contract/index.ts';
import type { AuditActor, AuditEntry } from '../model/audit.ts';
import type { EventDraft } from '../model/event-types.ts';
import type {
  OnboardingFinding,
  OnboardingKind,
  OnboardingQuestion,
  OnboardingRecord,
  OnboardingStatus,
} from '../model/onboarding.ts';

/** How many that have ended are remembered. */
const KEPT = 20;
/** Findings of one: a street full of Bluetooth devices is no reason to grow. */
const MOST_FOUND = 500;
/** How long an end waits for the radio to be put back, in milliseconds. A guess; zwave-js gives up after 10 s. */
const PUT_BACK_MS = 15_000;

/** What the work of one onboarding has to say and to ask. */
export interface OnboardingTalk {
  /** Aborts when somebody cancels it, or its time is over. */
  readonly signal: AbortSignal;
  /** Where it is now: a word or two, and a sentence. Written down, so never a secret. */
  say(step: string, message: string): void;
  /** A device that was heard; one with the same address takes its place. */
  find(finding: OnboardingFinding): void;
  /**
   * Asks whoever stands at the device.
   * @param check why an answer is none, as a sentence
   * @throws the signal's reason
   */
  ask(question: OnboardingQuestion, check: (answer: Secret) => string | undefined): Promise<Secret>;
  /** Takes a question back that nobody answered. */
  withdraw(): void;
}

/** Resolves with how it ended, as a sentence. @throws GatewayError with what to do differently */
export type OnboardingWork = (talk: OnboardingTalk) => Promise<string>;

export interface OnboardingPlan {
  readonly kind: OnboardingKind;
  readonly radio: string;
  readonly deviceId: string | undefined;
  readonly seconds: number;
  /** What it is at the beginning, as a sentence. */
  readonly message: string;
  /** What to say when its time is over; undefined: that it is is a success, as for a scan. */
  readonly tooLate: string | undefined;
  readonly work: OnboardingWork;
}

export interface OnboardingDeskOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** UUIDv7 */
  readonly newId: () => string;
  readonly tell: (drafts: readonly EventDraft[]) => void;
  readonly audit: { append(entry: Omit<AuditEntry, 'at'>): void };
}

class TimeIsOver extends Error {
  override readonly name = 'TimeIsOver';
}
class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** Holds who has which radio, what is asked and what was found, and sees to it that each onboarding ends. */
export class OnboardingDesk {
  readonly #options: OnboardingDeskOptions;
  /** Oldest first. */
  readonly #all = new Map<string, Onboarded>();

  constructor(options: OnboardingDeskOptions) {
    this.#options = options;
  }

  /** @throws GatewayError `onboarding_under_way` */
  begin(plan: OnboardingPlan, by: AuditActor): OnboardingRecord {
    const busy = [...this.#all.values()].find((one) => one.holdsRadio && one.plan.radio === plan.radio);
    if (busy !== undefined)
      throw new GatewayError(
        'onboarding_under_way',
        `${plan.radio} is taken by another onboarding (${busy.record.onboardingId}): ${busy.record.message} Wait for its end, or cancel it.`,
        { retryAfterSeconds: Math.max(1, Math.ceil((busy.record.endsAt - this.#options.clock.wallTime()) / 1_000)) },
      );
    const one = new Onboarded(plan, by, this.#options);
    this.#all.set(one.record.onboardingId, one);
    const ended = [...this.#all.values()].filter(({ holdsRadio }) => !holdsRadio);
    for (const old of ended.slice(0, Math.max(0, ended.length - KEPT))) this.#all.delete(old.record.onboardingId);
    one.run();
    return one.record;
  }

  get(onboardingId: string): OnboardingRecord {
    return this.#required(onboardingId).record;
  }

  list(): readonly OnboardingRecord[] {
    return [...this.#all.values()].map(({ record }) => record).reverse();
  }

  answer(onboardingId: string, answers: ReadonlyMap<string, Secret>): OnboardingRecord {
    const one = this.#required(onboardingId);
    one.answer(answers);
    return one.record;
  }

  async cancel(onboardingId: string): Promise<OnboardingRecord> {
    const one = this.#required(onboardingId);
    await one.end(new Cancelled());
    return one.record;
  }

  /** Cancels them all, and waits until the radios are as they were. */
  async close(): Promise<void> {
    await Promise.all([...this.#all.values()].map((one) => one.end(new Cancelled())));
  }

  #required(onboardingId: string): Onboarded {
    const one = this.#all.get(onboardingId);
    if (one !== undefined) return one;
    throw new GatewayError(
      'onboarding_not_found',
      'There is no such onboarding: it ended long ago, or before the gateway was restarted. List them with /strikeplate/onboarding/list.',
    );
  }
}

interface Asked {
  readonly question: OnboardingQuestion;
  readonly check: (answer: Secret) => string | undefined;
  readonly settle: (answer: Secret) => void;
}

class Onboarded {
  readonly plan: OnboardingPlan;
  readonly #options: OnboardingDeskOptions;
  readonly #by: AuditActor;
  readonly #stop = new AbortController();
  readonly #found = new Map<string, OnboardingFinding>();
  #record: OnboardingRecord;
  #asked: Asked | undefined;
  #timer: Timer | undefined;
  #over: Promise<void> = Promise.resolve();

  constructor(plan: OnboardingPlan, by: AuditActor, options: OnboardingDeskOptions) {
    const startedAt = options.clock.wallTime();
    this.plan = plan;
    this.#by = by;
    this.#options = options;
    this.#record = {
      onboardingId: options.newId(),
      ...{ kind: plan.kind, radio: plan.radio, deviceId: plan.deviceId },
      ...{ status: 'running', step: 'starting', message: plan.message, startedAt },
      endsAt: startedAt + plan.seconds * 1_000,
      ...{ endedAt: undefined, question: undefined, found: [], error: undefined },
    };
  }

  get record(): OnboardingRecord {
    return { ...this.#record, question: this.#asked?.question, found: [...this.#found.values()] };
  }

  get holdsRadio(): boolean {
    return this.#record.status === 'running';
  }

  run(): void {
    const { clock } = this.#options;
    this.#timer = clock.setTimer(() => this.#stop.abort(new TimeIsOver()), this.plan.seconds * 1_000);
    this.#tell();
    this.#over = this.#work();
  }

  answer(answers: ReadonlyMap<string, Secret>): void {
    const asked = this.#asked;
    if (asked === undefined) throw new GatewayError('invalid_input', 'This onboarding asks nothing at the moment.');
    const { question, check, settle } = asked;
    const answer = answers.get(question.name);
    if (answer === undefined || answers.size > 1)
      throw new GatewayError('invalid_input', `This onboarding asks for "${question.name}" alone.`);
    const wrong = check(answer);
    if (wrong !== undefined) throw new GatewayError('invalid_input', wrong);
    this.#asked = undefined;
    settle(answer);
  }

  async end(reason: Error): Promise<void> {
    if (!this.holdsRadio) return;
    this.#stop.abort(reason);
    await this.#over;
  }

  async #work(): Promise<void> {
    const { signal } = this.#stop;
    const going = this.plan.work({
      signal,
      say: (step, message) => this.#say(step, message),
      find: (finding) => this.#find(finding),
      ask: (question, check) => this.#ask(question, check),
      withdraw: () => {
        this.#asked = undefined;
      },
    });
    try {
      this.#end('succeeded', 'done', await this.#inTime(going));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** One that does not let go of its radio when it is told to is given up. */
  #inTime(going: Promise<string>): Promise<string> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    return new Promise((resolve, reject) => {
      let patience: Timer | undefined;
      const onAbort = () => {
        patience = clock.setTimer(() => {
          log.warn({ onboarding: this.#record.onboardingId }, 'an onboarding did not end as it was told to');
          reject(signal.reason);
        }, PUT_BACK_MS);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const leave = () => {
        patience?.cancel();
        signal.removeEventListener('abort', onAbort);
      };
      going.then(resolve, reject).finally(leave);
    });
  }

  #failed(error: unknown): void {
    const { tooLate } = this.plan;
    const { reason } = this.#stop.signal;
    if (reason instanceof Cancelled) this.#end('cancelled', 'cancelled', 'It was cancelled.');
    // What the work itself has to say of a late end is more than that it is late.
    else if (error instanceof GatewayError) this.#end('failed', 'failed', error.message, error.type);
    else if (reason instanceof TimeIsOver && tooLate === undefined) this.#end('succeeded', 'done', this.#summary());
    else if (reason instanceof TimeIsOver) this.#end('failed', 'time is over', tooLate ?? '', 'expired');
    else {
      this.#options.log.error({ err: error, kind: this.plan.kind }, 'an onboarding failed for an unknown reason');
      this.#end('failed', 'failed', 'A fault of the gateway ended it; its log says more.', 'internal_error');
    }
  }

  #summary(): string {
    const known = [...this.#found.values()].filter(({ driver }) => driver !== undefined).length;
    return known === 0 ? 'Nothing was found that a driver knows.' : `Found ${known} that a driver knows.`;
  }

  #say(step: string, message: string): void {
    if (!this.holdsRadio) return;
    if (this.#record.step === step && this.#record.message === message) return;
    this.#record = { ...this.#record, step, message };
    this.#tell();
  }

  #find(finding: OnboardingFinding): void {
    if (this.holdsRadio && (this.#found.has(finding.address) || this.#found.size < MOST_FOUND))
      this.#found.set(finding.address, finding);
  }

  #ask(question: OnboardingQuestion, check: Asked['check']): Promise<Secret> {
    const { signal } = this.#stop;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#asked = undefined;
        reject(signal.reason);
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      const settle = (answer: Secret) => {
        signal.removeEventListener('abort', onAbort);
        resolve(answer);
      };
      this.#asked = { question, check, settle };
    });
  }

  #end(status: OnboardingStatus, step: string, message: string, type?: string): void {
    const { clock, audit } = this.#options;
    const { onboardingId } = this.#record;
    const { kind, radio, deviceId } = this.plan;
    this.#timer?.cancel();
    this.#asked = undefined;
    const error = type === undefined ? undefined : { type, message };
    this.#record = { ...this.#record, status, step, message, error, endedAt: clock.wallTime() };
    const device = deviceId === undefined ? {} : { device_id: deviceId };
    audit.append({
      kind: 'onboarding_ended',
      by: this.#by,
      details: { onboarding_id: onboardingId, onboarding_kind: kind, radio, status, ...device },
    });
    this.#tell();
  }

  #tell(): void {
    const { onboardingId, kind, radio, status, step, message, deviceId } = this.#record;
    this.#options.log.info({ onboarding: onboardingId, kind, radio, status, step }, message);
    this.#options.tell([
      {
        eventType: 'strikeplate.onboarding.changed',
        occurredAt: this.#options.clock.wallTime(),
        ...(deviceId !== undefined && { deviceId }),
        details: { onboarding_id: onboardingId, onboarding_kind: kind, radio, status, step, message },
      },
    ]);
  }
}
