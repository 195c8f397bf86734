import type { Logger } from 'pino';
import {
  type Clock,
  GatewayError,
  type LinkState,
  type SendPermit,
  type SerialLink,
  type SerialRequest,
  type Unsubscribe,
} from '../../contract/index.ts';
import type { OpenPort, SerialCarrier } from './carrier.ts';
import { PortSupervisor } from './carrier.ts';
import { EchoFilter, type Job, JobQueue, LateReplies, type LateReply } from './exchanges.ts';
import { type LineSettings, silenceMs, wireMs } from './line-timing.ts';

/** Beyond its time on the wire, for a USB adapter that is busy. A guess; a healthy one takes below 20 ms. */
const WRITE_GRACE_MS = 250;
/** USB adapters hand bytes on in pieces: an FTDI waits up to 16 ms (FTDI AN232B-04, latency timer). */
const PIECE_GAP_MS = 20;
/** A line that is not silent for one moment in this time has something wrong with it. A guess. */
const NEVER_SILENT_MS = 1000;
/**
 * Units take up to 100 ms to answer. Whoever talks without being asked may be another master's question: sent into its
 * answer, ours would be taken for answered by it.
 */
const STRANGER_MS = 100;
/** After a missing reply the line is quiet for as long again, at most this long: others share it. A guess. */
const LONGEST_QUIET_MS = 500;
/** More than the longest RTU frame (256 bytes) with noise and its echo around it. */
const MOST_BYTES_KEPT = 1024;

export interface SerialBusOptions {
  /** As in configuration, for messages. */
  readonly name: string;
  readonly carrier: SerialCarrier;
  readonly line: LineSettings;
  readonly clock: Clock;
  /** A number in [0, 1): jitter. */
  readonly random: () => number;
  readonly log: Logger;
}

interface NewJob<T> {
  readonly request: SerialRequest<T>;
  readonly priority: 'door' | 'poll';
  readonly acts: boolean;
  readonly permit?: SendPermit;
  readonly since?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * One serial line with its units: one exchange at a time, doors first, silence between frames, and after a missing
 * reply a quiet time. No late reply is taken for the next: an equal question waits until it was heard or
 * cannot come any more, and an equal command, which does not wait, gets no reply that would be believed. Nothing is
 * kept back for later: what cannot leave while the port is open fails at once.
 */
export class SerialBus {
  readonly #options: SerialBusOptions;
  readonly #supervisor: PortSupervisor;
  readonly #queue = new JobQueue();
  readonly #echo = new EchoFilter();
  readonly #late: LateReplies;
  readonly #listeners = new Set<(state: LinkState) => void>();
  #pumping = false;
  /** The job whose reply is awaited. */
  #current: Job | undefined;
  #strangerTold = false;
  readonly #toldSlow = new Set<number>();
  #received = Buffer.alloc(0);
  /** `Clock.now()` of the last byte heard, ours or theirs. */
  #lastByteAt = Number.NEGATIVE_INFINITY;
  /** `Clock.now()` until which nothing is sent after a missing reply. */
  #quarantinedUntil = Number.NEGATIVE_INFINITY;
  /** `Clock.now()` until which the line is left to somebody else's question and its answer. */
  #strangersUntil = Number.NEGATIVE_INFINITY;
  #flushing: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(options: SerialBusOptions) {
    this.#options = options;
    const { carrier, clock, random, log } = options;
    this.#late = new LateReplies(clock);
    this.#supervisor = new PortSupervisor({
      carrier,
      clock,
      random,
      log,
      onBytes: (bytes) => this.#hear(bytes),
      onChange: (state) => this.#portChanged(state),
    });
  }

  /** Opens the port and keeps it open. Does not wait for it. */
  start(): void {
    this.#supervisor.start();
  }

  get name(): string {
    return this.#options.name;
  }

  get state(): LinkState {
    return this.#supervisor.state;
  }

  /** How often the port was opened again after it had been lost. */
  get reconnects(): number {
    return this.#supervisor.reopened;
  }

  onStateChange(listener: (state: LinkState) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The place of one unit on this line. Several devices may share a unit. */
  link(unit: number): SerialLink {
    const bus = this;
    return {
      kind: 'serial',
      unit,
      get state() {
        return bus.state;
      },
      onStateChange: (listener) => bus.onStateChange(listener),
      query: (request, { priority, since, signal }) =>
        bus.#submit(unit, { request, priority, acts: false, since, signal }),
      command: (permit, request, signal) =>
        bus.#submit(unit, { request, priority: 'door', acts: true, permit, signal }),
      restore: (request, reason, signal) => {
        bus.#options.log.warn({ line: bus.name, unit }, `unit ${unit} on ${bus.name} is returned to rest: ${reason}`);
        return bus.#submit(unit, { request, priority: 'door', acts: true, signal });
      },
    };
  }

  /** What waits is refused; what is under way fails as if the port were lost. Calling it again does nothing. */
  async close(): Promise<void> {
    await this.#supervisor.close();
  }

  #submit<T>(unit: number, { request, priority, acts, permit, since, signal }: NewJob<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const settled = () => signal.removeEventListener('abort', onAbort);
      const job: Job = {
        unit,
        request,
        priority,
        acts,
        permit,
        since,
        // The value is what this job's own request found.
        resolve: (value) => {
          settled();
          resolve(value as T);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      // An exchange under way goes on without its caller: the reply must not be taken for the next one's.
      const onAbort = () => {
        this.#queue.remove(job);
        job.reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(job);
      this.#wake();
      void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#queue.length > 0) {
        const refusal = await this.#readyToSend();
        const port = this.#supervisor.port;
        if (refusal || !port) {
          this.#queue.rejectAll(refusal ?? this.#portClosed());
          continue;
        }
        const job = this.#queue.next((waiting) => this.#heldUntil(waiting) !== undefined);
        if (job) await this.#carry(job, port);
        else await this.#wakeOrPass(this.#untilOneMayGo());
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Resolves when a frame may begin, or with the reason why none can. */
  async #readyToSend(): Promise<GatewayError | undefined> {
    const { clock, line, name } = this.#options;
    await this.#flushing;
    const giveUpAt = Math.max(clock.now(), this.#quarantinedUntil) + NEVER_SILENT_MS;
    while (this.#supervisor.port) {
      const freeAt = Math.max(this.#lastByteAt + silenceMs(line), this.#quarantinedUntil, this.#strangersUntil);
      const pause = freeAt - clock.now();
      if (pause <= 0) return undefined;
      if (clock.now() >= giveUpAt)
        return new GatewayError(
          'link_unavailable',
          `Serial line ${name} is never silent: something talks all the time. Check its baud rate, that A and B are not swapped, and that no second master uses the line.`,
        );
      await this.#wakeOrPass(pause);
    }
    return undefined;
  }

  /** Undefined for a job that may go now. A command does not wait: what it did can be looked at. */
  #heldUntil({ acts, unit, request, since }: Job): number | undefined {
    return acts ? undefined : this.#late.ambiguousUntil(unit, request, since);
  }

  #untilOneMayGo(): number {
    const now = this.#options.clock.now();
    return Math.max(0, Math.min(...this.#queue.waiting.map((job) => this.#heldUntil(job) ?? now)) - now);
  }

  async #carry(job: Job, port: OpenPort): Promise<void> {
    const { request } = job;
    if (job.acts && this.#echo.cannotJudge(request)) {
      job.reject(
        new GatewayError(
          'device_not_ready',
          `Serial line ${this.name} has not been heard since it was opened: unit ${job.unit} must answer a read before anything is switched.`,
        ),
      );
      return;
    }
    this.#received = Buffer.alloc(0);
    try {
      job.permit?.spend();
    } catch (error) {
      job.reject(error);
      return;
    }
    // Between the permit and this call nothing waits: no byte leaves later than the permit allowed.
    const left = port.write(request.bytes);
    this.#current = job;
    try {
      const failure = await this.#awaitReply(job, port, left);
      if (failure !== undefined) this.#fail(job, port, failure);
    } catch (error) {
      job.reject(error);
    } finally {
      this.#current = undefined;
    }
  }

  /** Settles the job when the reply was found; otherwise resolves with what happened instead. */
  async #awaitReply(job: Job, port: OpenPort, left: Promise<void>): Promise<string | undefined> {
    const { clock, line } = this.#options;
    const { unit, request } = job;
    // Only a command goes out while the reply to an earlier one may still come and would not do.
    const isAmbiguous = this.#late.ambiguousUntil(unit, request, job.since) !== undefined;
    let leftAt: number | undefined;
    left.then(
      () => {
        leftAt = clock.now();
        this.#wake();
      },
      // A write that fails is a lost port, and that is told by the port itself.
      () => this.#wake(),
    );
    const stuckAt = clock.now() + wireMs(request.bytes.length, line) + WRITE_GRACE_MS;
    for (;;) {
      const scan = this.#echo.scan(request, this.#received);
      if (scan.found && !isAmbiguous) {
        this.#late.answeredInTurn(unit, request, leftAt ?? clock.now());
        job.resolve(scan.value);
        return undefined;
      }
      if (scan.found) {
        const earlier = this.#late.settleOldest(unit, request);
        if (earlier) this.#tellLate(earlier);
        this.#late.expect(unit, request, leftAt ?? clock.now());
        return 'the reply that was heard may be the late one to an earlier command';
      }
      if (this.#supervisor.port !== port) {
        this.#late.expect(unit, request, leftAt ?? clock.now(), true);
        return 'the serial port was lost before the reply came';
      }
      const endsAt = leftAt === undefined ? stuckAt : this.#replyEndsAt(leftAt, request.replyTimeoutMs);
      if (endsAt <= clock.now()) {
        if (scan.corrupt !== true || isAmbiguous) this.#late.expect(unit, request, leftAt ?? clock.now());
        if (leftAt === undefined) return 'the adapter did not take the request';
        const heard = scan.saw === undefined ? 'nothing was heard' : `${scan.saw} was heard`;
        return `no reply came within ${request.replyTimeoutMs} ms; ${heard}`;
      }
      await this.#wakeOrPass(endsAt - clock.now());
    }
  }

  /** A reply that has begun may end, within twice the time. */
  #replyEndsAt(leftAt: number, replyTimeoutMs: number): number {
    const due = leftAt + replyTimeoutMs;
    if (this.#received.length === 0) return due;
    return Math.min(Math.max(due, this.#lastByteAt + PIECE_GAP_MS), due + replyTimeoutMs);
  }

  #fail(job: Job, port: OpenPort, what: string): void {
    const { clock, line, log } = this.#options;
    if (this.#supervisor.port === port) {
      this.#quarantinedUntil = clock.now() + Math.min(job.request.replyTimeoutMs, LONGEST_QUIET_MS);
      // Bytes that an adapter held back must not leave later, least of all those of a door.
      this.#flushing = port.flush();
    }
    log.debug({ line: this.name, unit: job.unit, acts: job.acts }, what);
    const where = `Unit ${job.unit} on serial line ${this.name} (${line.baudRate} baud)`;
    if (this.#supervisor.port !== port) {
      job.reject(new GatewayError(job.acts ? 'outcome_unknown' : 'link_unavailable', `${where}: ${what}.`));
      return;
    }
    const slowest = this.#late.slowestOf(job.unit);
    const advice =
      slowest === undefined ? "Check the unit's power, wiring, address and baud rate." : slowAdvice(job.unit, slowest);
    job.reject(new GatewayError(job.acts ? 'outcome_unknown' : 'device_offline', `${where}: ${what}. ${advice}`));
  }

  #hear(bytes: Buffer): void {
    const { clock, line, log } = this.#options;
    const now = clock.now();
    const late = this.#late.hear(bytes, this.#current);
    for (const reply of late) this.#tellLate(reply);
    if (this.#current === undefined) this.#strangersUntil = now + STRANGER_MS;
    // What follows a reply or a missing one closely may be the rest of it. Anything else nobody here asked for.
    const unasked = now > Math.max(this.#lastByteAt + PIECE_GAP_MS + silenceMs(line), this.#quarantinedUntil);
    if (this.#current === undefined && late.length === 0 && unasked && !this.#strangerTold) {
      this.#strangerTold = true;
      log.warn(
        { line: this.name },
        `something talks on serial line ${this.name} without being asked: a second master, or noise. Answers may be lost.`,
      );
    }
    this.#lastByteAt = now;
    this.#received = Buffer.concat([this.#received, bytes]).subarray(-MOST_BYTES_KEPT);
    this.#wake();
  }

  #tellLate({ unit, request, afterMs }: LateReply): void {
    const { log, name: line } = this.#options;
    if (this.#toldSlow.has(unit)) return;
    this.#toldSlow.add(unit);
    log.warn(
      { line, unit, after_ms: afterMs, reply_timeout_ms: request.replyTimeoutMs },
      `a reply on serial line ${line} came too late to be believed. ${slowAdvice(unit, afterMs)}`,
    );
  }

  #portChanged(state: LinkState): void {
    if (state.status === 'up') {
      this.#echo.forget();
      this.#strangerTold = false;
      this.#lastByteAt = Number.NEGATIVE_INFINITY;
      this.#quarantinedUntil = Number.NEGATIVE_INFINITY;
      this.#strangersUntil = Number.NEGATIVE_INFINITY;
    } else {
      this.#queue.rejectAll(this.#portClosed());
      this.#wake();
    }
    for (const listener of [...this.#listeners]) listener(state);
  }

  #portClosed(): GatewayError {
    const { state } = this;
    const hint = state.status === 'down' ? state.hint : 'It was lost a moment ago.';
    return new GatewayError('link_unavailable', `Serial line ${this.name} is not open. ${hint}`);
  }

  /** Resolves when something happened on the line, or when the time has passed. */
  #wakeOrPass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(resolve, ms);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

const slowAdvice = (unit: number, slowestMs: number) =>
  `Unit ${unit} is slow: it was heard to answer after ${slowestMs} ms. Raise reply_timeout_ms of its devices above that.`;
