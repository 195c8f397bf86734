import type { Clock, SerialRequest } from '../../contract/index.ts';

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
