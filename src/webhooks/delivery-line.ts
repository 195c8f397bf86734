import type { Timer } from '../contract/index.ts';

/** One event on its way to one webhook. */
export interface Delivery {
  readonly eventSeq: number;
  readonly objectKey: string;
  /** How many tries failed. */
  tries: number;
  /** Wall time of the next try, in milliseconds since the Unix epoch. */
  nextAt: number;
  /** The disk knows of it, or is about to. */
  kept: boolean;
}

/** The events of one object, first come first served: a later one waits until the earlier was taken or given up. */
export class DeliveryLine {
  readonly waiting: Delivery[] = [];
  /** Set while the first one waits for its next try. */
  retry: Timer | undefined;
  /** The first one is tried out of its turn, since there is something new: when it would have been. Wall time. */
  probedInsteadOf: number | undefined;
  /** The first one is on its way, or about to be. */
  busy = false;

  /** Keeps the order of the log, also when what was kept and what is read anew come together. */
  add(delivery: Delivery): void {
    let at = this.waiting.length;
    while (at > 0 && (this.waiting[at - 1]?.eventSeq ?? 0) > delivery.eventSeq) at -= 1;
    this.waiting.splice(at, 0, delivery);
  }
}
