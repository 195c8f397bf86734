import { type Clock, GatewayError, type Timer, type Unsubscribe } from '../contract/index.ts';

/** What may wait for a device, most urgent first. */
export const laneClasses = ['door', 'requested', 'scheduled', 'reconcile', 'poll'] as const;
export type LaneClass = (typeof laneClasses)[number];

/** Work for one device. Lanes call `run` and never two at once, except for doors that a code job lets pass. */
export interface LaneJob {
  readonly laneClass: LaneClass;
  /** Resolves when the job is over, or with the time (`Clock.now()`) before which it need not be tried again. */
  run(pass: DoorPass): Promise<'over' | { readonly retryAt: number }>;
}

/** Lets door commands run between two steps of a longer job. */
export type DoorPass = () => Promise<void>;

/** A place in a lane, taken before what will stand there is accepted. */
export interface LanePlace {
  /** Nothing is before it. */
  readonly first: boolean;
  enqueue(job: LaneJob): void;
  release(): void;
}

interface WaitingJob {
  readonly job: LaneJob;
  notBefore: number;
}

/** Requests that wait or run on one device; the next is refused. */
const capacity = 16;

/**
 * One device's turnstile: one command at a time, doors before codes before polls, order of arrival within a class.
 * A job that will try again keeps its place, and nothing less urgent overtakes a door that is about to.
 */
export class DeviceLane {
  readonly #clock: Clock;
  readonly #deviceName: string;
  /** Each made for its first job: most devices only ever have doors. */
  readonly #queues: Record<LaneClass, WaitingJob[] | undefined> = {
    door: undefined,
    requested: undefined,
    scheduled: undefined,
    reconcile: undefined,
    poll: undefined,
  };
  #reserved = 0;
  #running = 0;
  #active = false;
  #wake: Timer | undefined;
  /** Replaced, never changed. */
  #onDoor: readonly (() => void)[] = nobody;

  constructor(clock: Clock, deviceName: string) {
    this.#clock = clock;
    this.#deviceName = deviceName;
  }

  /** Nothing waits, nothing runs, and no place is taken. */
  get idle(): boolean {
    return !this.#active && this.#reserved === 0 && this.#waiting === 0;
  }

  /** How much waits, is reserved or runs. */
  get depth(): number {
    return this.#reserved + this.#running + this.#waiting;
  }

  get #waiting(): number {
    let sum = 0;
    for (const name of laneClasses) sum += this.#queues[name]?.length ?? 0;
    return sum;
  }

  /**
   * Takes a place before the request is accepted, so that what was accepted always fits. Call `enqueue` or `release`
   * once.
   * @throws GatewayError `lane_full`
   */
  reserve(): LanePlace {
    if (this.depth >= capacity) {
      throw new GatewayError(
        'lane_full',
        `${this.#deviceName} already has ${capacity} commands waiting. Try again in a few seconds; if this keeps ` +
          'happening, look at why its commands take so long.',
        { retryAfterSeconds: 2 },
      );
    }
    const first = this.idle;
    this.#reserved += 1;
    let used = false;
    const release = () => {
      if (used) return false;
      used = true;
      this.#reserved -= 1;
      return true;
    };
    return {
      first,
      enqueue: (job) => {
        if (!release()) return;
        this.#push(job);
        void this.#run();
      },
      release: () => void release(),
    };
  }

  /** Adds work of the gateway's own, which has no place to reserve. */
  add(job: LaneJob): void {
    this.#push(job);
    void this.#run();
  }

  #push(job: LaneJob): void {
    this.#queueOf(job.laneClass).push({ job, notBefore: Number.NEGATIVE_INFINITY });
    if (job.laneClass === 'door') for (const listener of this.#onDoor) listener();
  }

  #queueOf(name: LaneClass): WaitingJob[] {
    const queue = this.#queues[name] ?? [];
    this.#queues[name] = queue;
    return queue;
  }

  /** For a job that can be broken off: called when a door command takes its place behind it. */
  onDoor(listener: () => void): Unsubscribe {
    this.#onDoor = [...this.#onDoor, listener];
    return () => {
      this.#onDoor = this.#onDoor.filter((other) => other !== listener);
    };
  }

  /** Something changed (the link came back, an attempt ended): what was backing off is tried now. */
  nudge(): void {
    for (const name of laneClasses) {
      for (const waiting of this.#queues[name] ?? []) waiting.notBefore = Number.NEGATIVE_INFINITY;
    }
    void this.#run();
  }

  /** The head of the most urgent class, unless it is backing off; then a timer is armed for it. */
  #next(only?: LaneClass): WaitingJob | undefined {
    this.#wake?.cancel();
    this.#wake = undefined;
    for (const name of laneClasses) {
      if (only !== undefined && name !== only) continue;
      const queue = this.#queues[name];
      const head = queue?.[0];
      if (!queue || !head) continue;
      const wait = head.notBefore - this.#clock.now();
      if (wait <= 0) {
        queue.shift();
        return head;
      }
      this.#wake ??= this.#clock.setTimer(() => void this.#run(), wait);
      if (name === 'door') return undefined;
    }
    return undefined;
  }

  /**
   * Works off what waits and is due, until nothing is; while that goes on, a second call does nothing.
   * @param only the doors that a longer job lets pass, within its own turn
   */
  async #run(only?: 'door'): Promise<void> {
    if (only === undefined) {
      if (this.#active) return;
      this.#active = true;
    }
    for (let waiting = this.#next(only); waiting; waiting = this.#next(only)) {
      const { job } = waiting;
      this.#running += 1;
      try {
        const verdict = await job.run(job.laneClass === 'door' ? noDoors : () => this.#run('door'));
        if (verdict !== 'over') {
          waiting.notBefore = verdict.retryAt;
          this.#queueOf(job.laneClass).unshift(waiting);
        }
      } finally {
        this.#running -= 1;
      }
    }
    if (only === undefined) this.#active = false;
  }
}

const nobody: readonly (() => void)[] = [];
const noDoors: DoorPass = async () => undefined;
