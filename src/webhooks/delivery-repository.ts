import type { Logger } from 'pino';
import type { Clock, Timer } from '../contract/index.ts';
import type { Change, Store } from '../model/store.ts';
import type { Delivery } from './delivery-line.ts';

/** What changes within this is written down together, in milliseconds: most is delivered by then and leaves nothing. */
const gatherMs = 1_000;
/** How soon a write that failed is tried again, in milliseconds. */
const againMs = 5_000;
/** Changes per commit: a door's commit waits for the one that is under way, so none may take long. */
const perCommit = 200;

export interface DeliveryRepositoryOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
}

/** Writes down what a webhook's queue must remember, behind everybody's back. */
export class DeliveryRepository {
  readonly #webhookId: string;
  readonly #options: DeliveryRepositoryOptions;
  readonly #changed = new Set<Delivery>();
  readonly #gone = new Set<number>();
  #seen: number | undefined;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(webhookId: string, options: DeliveryRepositoryOptions) {
    this.#webhookId = webhookId;
    this.#options = options;
  }

  /** Everything in the log up to `seq` is in the queue, or needs not be. */
  seen(seq: number): void {
    this.#seen = seq;
    this.#soon(gatherMs);
  }

  changed(delivery: Delivery): void {
    this.#changed.add(delivery);
    this.#soon(gatherMs);
  }

  done(delivery: Delivery): void {
    this.#changed.delete(delivery);
    if (delivery.kept) this.#gone.add(delivery.eventSeq);
    this.#soon(gatherMs);
  }

  /** @param keep whether the next run is to go on with it */
  async close(keep: boolean): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#writing;
    if (keep) await this.#write();
  }

  #soon(ms: number): void {
    if (this.#closed || this.#timer || this.#writing) return;
    this.#timer = this.#options.clock.setTimer(() => {
      this.#timer = undefined;
      this.#writing = this.#write().then((nextMs) => {
        this.#writing = undefined;
        const more = this.#changed.size + this.#gone.size > 0 || this.#seen !== undefined;
        if (more) this.#soon(nextMs);
      });
    }, ms);
  }

  /** @returns how soon the next may follow, in milliseconds */
  async #write(): Promise<number> {
    const { store, log } = this.#options;
    const seen = this.#seen;
    const changed = [...this.#changed];
    const gone = [...this.#gone];
    this.#seen = undefined;
    this.#changed.clear();
    this.#gone.clear();
    // From here on whoever is done with one has it taken off the disk again.
    for (const delivery of changed) delivery.kept = true;
    const changes = this.#changesOf(changed, gone, seen);
    try {
      for (let from = 0; from < changes.length; from += perCommit) {
        await store.commit(changes.slice(from, from + perCommit));
      }
      return gatherMs;
    } catch (error) {
      log.warn({ err: error }, 'what waits for a webhook could not be written down; trying again');
      this.#seen ??= seen;
      for (const eventSeq of gone) this.#gone.add(eventSeq);
      for (const delivery of changed) if (!this.#gone.has(delivery.eventSeq)) this.#changed.add(delivery);
      return againMs;
    }
  }

  /** The mark comes last: until it is on disk the next run finds the same in the log again. */
  #changesOf(changed: readonly Delivery[], gone: readonly number[], seen: number | undefined): Change[] {
    const webhookId = this.#webhookId;
    return [
      ...changed.map(({ eventSeq, objectKey, tries, nextAt }): Change => {
        return { kind: 'webhook_delivery_put', delivery: { webhookId, eventSeq, objectKey, tries, nextAt } };
      }),
      ...gone.map((eventSeq): Change => ({ kind: 'webhook_delivery_removed', webhookId, eventSeq })),
      ...(seen === undefined ? [] : [{ kind: 'webhook_progress', webhookId, afterSeq: seen } as const]),
    ];
  }
}
