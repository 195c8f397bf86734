import type { SendPermit, SerialRequest } from '../../contract/index.ts';

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
