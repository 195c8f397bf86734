import type { Clock, SendPermit, SerialRequest, SerialScan } from '../../contract/index.ts';

/** One exchange that waits for its turn on the line. */
export interface Job {
  readonly unit: number;
  readonly request: SerialRequest<unknown>;
  readonly priority: 'door' | 'poll';
  /** True when the request may act: a failure after it left is then `maybe_sent`. */
  readonly acts: boolean;
  readonly permit: SendPermit | undefined;
  /** `Clock.now()`: the reply to an equal question that left since then will do. */
  readonly since: number | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Doors before polls, in the order of their arrival each. */
export class JobQueue {
  readonly #jobs: Job[] = [];

  get length(): number {
    return this.#jobs.length;
  }

  add(job: Job): void {
    const firstPoll = job.priority === 'door' ? this.#jobs.findIndex(({ priority }) => priority === 'poll') : -1;
    this.#jobs.splice(firstPoll < 0 ? this.#jobs.length : firstPoll, 0, job);
  }

  remove(job: Job): void {
    const index = this.#jobs.indexOf(job);
    if (index >= 0) this.#jobs.splice(index, 1);
  }

  /** The first that may go now; those that are held keep their places. */
  next(isHeld: (job: Job) => boolean): Job | undefined {
    const index = this.#jobs.findIndex((job) => !isHeld(job));
    return index < 0 ? undefined : this.#jobs.splice(index, 1)[0];
  }

  /** All that wait, in their order. */
  get waiting(): readonly Job[] {
    return this.#jobs;
  }

  rejectAll(error: unknown): void {
    for (const job of this.#jobs.splice(0)) job.reject(error);
  }
}

/**
 * Some RS-485 adapters hear themselves: everything sent comes back first. A coil write's reply repeats the request
 * byte for byte, so that an echo nobody knows of looks like the success of a unit that is not even there. Requests
 * whose reply differs from them, reads, tell which kind of adapter it is; until one did, nothing ambiguous is sent.
 */
export class EchoFilter {
  #adapter: 'unknown' | 'echoes' | 'silent' = 'unknown';

  get adapter(): 'unknown' | 'echoes' | 'silent' {
    return this.#adapter;
  }

  /** After the port was opened again it may be another adapter. */
  forget(): void {
    this.#adapter = 'unknown';
  }

  /** True when the request's own echo would pass for its reply and nobody knows yet whether this adapter echoes. */
  cannotJudge<T>(request: SerialRequest<T>): boolean {
    return this.#adapter === 'unknown' && isItsOwnReply(request);
  }

  /** Scans what was received for the reply, without the echo. */
  scan<T>(request: SerialRequest<T>, received: Buffer): SerialScan<T> {
    const at = received.indexOf(request.bytes);
    if (isItsOwnReply(request)) {
      if (this.#adapter !== 'echoes') return request.scan(received);
      if (at < 0) return { found: false, saw: received.length === 0 ? undefined : 'a damaged echo of the request' };
      return request.scan(received.subarray(at + request.bytes.length));
    }
    if (at >= 0) {
      this.#adapter = 'echoes';
      return request.scan(received.subarray(at + request.bytes.length));
    }
    const scan = request.scan(received);
    // Without the echo that was expected: either it was damaged or the adapter is another one. The next read tells.
    if (scan.found) this.#adapter = this.#adapter === 'echoes' ? 'unknown' : 'silent';
    return scan;
  }
}

const isItsOwnReply = <T>(request: SerialRequest<T>) => request.scan(request.bytes).found;

/**
 * How long after its request a reply may still come, in milliseconds. Boards and converters behind radio were seen to
 * answer after 0.45 to 2 s; twice that is a guess.
 */
const LATEST_REPLY_MS = 4_000;
/** More than the longest RTU frame (256 bytes) with noise around it. */
const MOST_BYTES_KEPT = 1024;

/** A request whose reply did not come in time, and may still come. */
interface Awaited {
  readonly unit: number;
  readonly request: SerialRequest<unknown>;
  /** `Clock.now()` when its last byte had left. */
  readonly leftAt: number;
  /** `Clock.now()` after which its reply cannot come any more. */
  readonly until: number;
  /** The port went before it came: with the adapter, its bytes are mostly lost. */
  readonly isLostWithPort: boolean;
  received: Buffer;
}

/** A reply that came after its request had been given up. */
export interface LateReply {
  readonly unit: number;
  readonly request: SerialRequest<unknown>;
  /** Milliseconds from the last byte of the request to the last byte of the reply. */
  readonly afterMs: number;
}

/**
 * Replies that are overdue. Lines whose replies carry no number cannot tell the late reply to one question from the
 * reply to the next equal one: until the late one was seen, or cannot come any more, an equal question has no answer
 * that could be believed.
 */
export class LateReplies {
  readonly #clock: Clock;
  #awaited: Awaited[] = [];
  readonly #slowest = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The reply to this request did not come in time. */
  expect(unit: number, request: SerialRequest<unknown>, leftAt: number, isLostWithPort = false): void {
    const patienceMs = Math.max(LATEST_REPLY_MS, 2 * request.replyTimeoutMs, 2 * (this.slowestOf(unit) ?? 0));
    this.#awaited.push({
      unit,
      request,
      leftAt,
      until: leftAt + patienceMs,
      isLostWithPort,
      received: Buffer.alloc(0),
    });
  }

  /**
   * `Clock.now()` until which a reply to such a request may be that of an earlier one; undefined when it cannot.
   * @param since one that left since then and was lost with the port may be answered in its place
   */
  ambiguousUntil(
    unit: number,
    { replyKind }: SerialRequest<unknown>,
    since = Number.POSITIVE_INFINITY,
  ): number | undefined {
    const now = this.#clock.now();
    this.#awaited = this.#awaited.filter(({ until }) => until > now);
    const alike = this.#awaited.filter(
      ({ unit: other, request, isLostWithPort, leftAt }) =>
        other === unit && request.replyKind === replyKind && !(isLostWithPort && leftAt >= since),
    );
    return alike.length === 0 ? undefined : Math.max(...alike.map(({ until }) => until));
  }

  /** A reply to such a request was heard: it is that of the oldest one, if any is overdue. */
  settleOldest(unit: number, { replyKind }: SerialRequest<unknown>): LateReply | undefined {
    const oldest = this.#awaited.find((late) => late.unit === unit && late.request.replyKind === replyKind);
    return oldest && this.#settle(oldest);
  }

  /** A reply was taken, which may be that of the oldest one that was lost with its port: then this one's is still to come. */
  answeredInTurn(unit: number, request: SerialRequest<unknown>, leftAt: number): void {
    const oldest = this.#awaited.find((late) => late.unit === unit && late.request.replyKind === request.replyKind);
    if (oldest === undefined) return;
    this.#awaited = this.#awaited.filter((other) => other !== oldest);
    this.expect(unit, request, leftAt, true);
  }

  /**
   * Bytes came that nobody, or another request than `current`, waits for.
   * @returns the overdue replies that they complete
   */
  hear(bytes: Buffer, current: { readonly unit: number; readonly request: SerialRequest<unknown> } | undefined) {
    const late: LateReply[] = [];
    for (const awaited of [...this.#awaited]) {
      // The exchange under way judges its own kind.
      if (current?.unit === awaited.unit && current.request.replyKind === awaited.request.replyKind) continue;
      awaited.received = Buffer.concat([awaited.received, bytes]).subarray(-MOST_BYTES_KEPT);
      if (awaited.request.scan(awaited.received).found) late.push(this.#settle(awaited));
    }
    return late;
  }

  /** The longest that a unit was heard to take, in milliseconds; undefined when it was never late. */
  slowestOf(unit: number): number | undefined {
    return this.#slowest.get(unit);
  }

  #settle(awaited: Awaited): LateReply {
    this.#awaited = this.#awaited.filter((other) => other !== awaited);
    const { unit, request, leftAt } = awaited;
    const afterMs = Math.round(this.#clock.now() - leftAt);
    this.#slowest.set(unit, Math.max(afterMs, this.slowestOf(unit) ?? 0));
    return { unit, request, afterMs };
  }
}
