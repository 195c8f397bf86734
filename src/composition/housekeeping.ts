import { Session } from 'node:inspector';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import type { Clock, Timer, Unsubscribe } from '../contract/index.ts';

/** How often what is old is looked for, and how soon after a start, in milliseconds. Guesses. */
const everyMs = 3_600_000;
const firstMs = 60_000;

/** Between two batches of the same kind, in milliseconds. A guess. */
const pauseMs = 1_000;

const dayMs = 86_400_000;

/** What goes for its age. */
export interface AgingKind {
  /** In words. */
  readonly name: string;
  readonly days: number;
  /**
   * Deletes some that are older.
   * @param before milliseconds since the Unix epoch
   * @returns whether there may be more
   */
  readonly forgetSome: (before: number) => Promise<boolean>;
}

export interface KeptByAgeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** By a clock that jumped ahead everything would be old. */
  readonly isClockSure: () => boolean;
  readonly kinds: readonly AgingKind[];
}

/** Forgets what the store does not by itself: people, and what sensors heard. */
export class KeptByAge {
  readonly #options: KeptByAgeOptions;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: KeptByAgeOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.kinds.length > 0) this.#after(firstMs);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #after(ms: number): void {
    if (!this.#closed) this.#timer = this.#options.clock.setTimer(() => void this.#turn(), ms);
  }

  async #turn(): Promise<void> {
    const { clock, log, isClockSure, kinds } = this.#options;
    let more = false;
    if (isClockSure())
      for (const { name, days, forgetSome } of kinds)
        try {
          more = (await forgetSome(clock.wallTime() - days * dayMs)) || more;
        } catch (error) {
          log.warn(
            { err: error, kind: name },
            'what is older than it has to be could not be deleted; it is tried again',
          );
        }
    this.#after(more ? pauseMs : everyMs);
  }
}

/** What is known of the memory of this process, and how it gives some back. */
export interface ProcessMemory {
  /** Bytes that the heap holds, whether anything is in them or not. */
  heapBytes(): number;
  /** Gives back what nothing is in. Nothing else runs meanwhile: some 0.1 s with 100 doors, 1 s with 10,000. */
  collect(): Promise<void>;
  /** Bytes that the heap may hold before the process ends. */
  readonly limitBytes: number;
}

/** So long nothing was asked of a door since the start before memory is given back, in milliseconds. A guess. */
const QUIET_AFTER_START_MS = 2_000;
/** The same later, in milliseconds. A guess: whoever came through a door is often followed by another command soon. */
const QUIET_MS = 600_000;
/** By so much the heap has grown since, in bytes: half of what the young generation takes under load. */
const WORTH_IT = 16 << 20;
/** And by such a share of what lives: the more lives, the longer it takes. */
const WORTH_SHARE = 0.5;
/** A heap of more bytes is left as it is: doors would wait for half a second and more. Measured, docs/performance.md. */
const MOST = 160 << 20;

/** What a gateway without doors keeps in its heap, in bytes, and what a door does: measured, docs/performance.md. */
const BARE = 32 << 20;
const OF_A_DOOR = 25_000;
/** With less than this many times of it the engine collects all of it again and again under load. */
const ROOM = 2.5;

/** Tells that the heap is bounded so low for so many doors that collecting it takes the processor from them. */
export function tellLackOfRoom(log: Logger, limitBytes: number, devices: number): void {
  const wanted = ROOM * (BARE + OF_A_DOOR * devices);
  if (limitBytes >= wanted) return;
  const mib = (bytes: number) => Math.ceil(bytes / (1 << 20));
  log.warn(
    `${devices} devices want a heap of ${mib(wanted)} MiB, and it may take ${mib(limitBytes)}: under load up to a third of the ` +
      'processor goes into collecting it. Install the drop-in many-doors.conf: docs/operations.md, "Many doors".',
  );
}

export interface IdleMemoryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly memory: ProcessMemory;
  /** Told of whatever becomes of an attempt. */
  readonly onAttempt: (listener: () => void) => Unsubscribe;
}

/**
 * Gives the memory back that a start and a rush of commands took, once the doors are quiet. The engine keeps it for a rush
 * that comes hours later: its young generation never shrinks in a process that does a little all the time.
 */
export class IdleMemory {
  readonly #options: IdleMemoryOptions;
  #stop: Unsubscribe | undefined;
  #timer: Timer | undefined;
  /** `Clock.now()` */
  #lastAttemptAt = 0;
  /** Of the last time; undefined before the first. */
  #heapAfter: number | undefined;

  constructor(options: IdleMemoryOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, onAttempt } = this.#options;
    this.#lastAttemptAt = clock.now();
    this.#stop = onAttempt(() => {
      this.#lastAttemptAt = clock.now();
      this.#lookLater();
    });
    this.#lookLater();
  }

  close(): void {
    this.#stop?.();
    this.#timer?.cancel();
  }

  #lookLater(): void {
    const { clock } = this.#options;
    this.#timer ??= clock.setTimer(() => this.#look(), this.#lastAttemptAt + this.#quietMs - clock.now());
  }

  get #quietMs(): number {
    return this.#heapAfter === undefined ? QUIET_AFTER_START_MS : QUIET_MS;
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, log, memory } = this.#options;
    if (clock.now() < this.#lastAttemptAt + this.#quietMs) {
      this.#lookLater();
      return;
    }
    const { heapBytes, collect } = memory;
    const after = this.#heapAfter ?? 0;
    const held = heapBytes();
    if (held > MOST || held < after + Math.max(WORTH_IT, after * WORTH_SHARE)) return;
    collect().then(
      () => {
        this.#heapAfter = heapBytes();
      },
      (error: unknown) => log.warn({ err: error }, 'memory could not be given back'),
    );
  }
}

/** Of a gateway that has the process for itself. */
export function processMemory(): ProcessMemory {
  // With a bound on the heap (NODE_OPTIONS of the unit) V8 collects as soon as it has grown by a third of what lives.
  setFlagsFromString('--heap-growing-percent=100');
  return {
    limitBytes: getHeapStatistics().heap_size_limit,
    heapBytes: () => process.memoryUsage().heapTotal,
    collect: async () => {
      const session = new Session();
      session.connect();
      try {
        // Of what a program can ask for by documented means this alone makes V8 give pages back.
        await new Promise<void>((done, fail) => {
          session.post('HeapProfiler.collectGarbage', (error) => (error === null ? done() : fail(error)));
        });
      } finally {
        session.disconnect();
      }
    },
  };
}
