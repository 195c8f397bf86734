import type { DeviceReport, Timer } from '../../../src/contract/index.ts';
import type { Conversation } from './conversation.ts';
import type { FeedEvent } from './device-feed.ts';
import { healthOf } from './health.ts';

/** A bridge that runs says so at once: its state is retained. A guess with room for a slow broker. */
const bridgePatienceMs = 5_000;
/** A device that came back is asked within this time, at random, so that a building does not ask all at once. */
const refreshWithinMs = 1_000;

/** Tells how the device is, and asks it for its state whenever it may have changed unheard. */
export class Watch {
  readonly #conversation: Conversation;
  readonly #random: () => number;
  readonly #report: (report: DeviceReport) => void;
  /** The payload that makes the device tell its state; undefined for one that cannot be asked. */
  readonly #refresh: string | undefined;
  #unknownToBridge = false;
  #patienceOver = false;
  #patience: Timer | undefined;
  #refreshing: Timer | undefined;
  readonly #stop: (() => void)[];

  constructor(
    conversation: Conversation,
    random: () => number,
    report: (report: DeviceReport) => void,
    refresh: string | undefined,
  ) {
    this.#conversation = conversation;
    this.#random = random;
    this.#report = report;
    this.#refresh = refresh;
    const { feed, link } = conversation;
    this.#stop = [feed.listen((event) => this.#heard(event)), link.onStateChange(() => this.#judge())];
    if (link.state.status === 'up') this.#wait();
    if (feed.interruption === undefined) this.#refreshSoon();
    this.#judge();
  }

  close(): void {
    for (const stop of this.#stop.splice(0)) stop();
    this.#patience?.cancel();
    this.#refreshing?.cancel();
  }

  #heard(event: FeedEvent): void {
    if (event.kind === 'complaint' && event.reason === 'unknown_device') this.#unknownToBridge = true;
    if (event.kind === 'message') {
      if (!this.#unknownToBridge) return; // it says nothing new of the device's health
      this.#unknownToBridge = false;
    }
    if (event.kind === 'reachable') {
      this.#wait();
      this.#refreshSoon();
    }
    this.#judge();
  }

  #wait(): void {
    this.#patience?.cancel();
    this.#patienceOver = false;
    this.#patience = this.#conversation.clock.setTimer(() => {
      this.#patienceOver = true;
      this.#judge();
    }, bridgePatienceMs);
  }

  #refreshSoon(): void {
    const { clock, link, topics, closing } = this.#conversation;
    const payload = this.#refresh;
    if (payload === undefined) return;
    this.#refreshing?.cancel();
    this.#refreshing = clock.setTimer(() => {
      // A link that went meanwhile comes back with another refresh.
      link.query(topics.get, payload, closing).catch(() => undefined);
    }, this.#random() * refreshWithinMs);
  }

  #judge(): void {
    const { feed, link, device } = this.#conversation;
    const signs = {
      link: link.state,
      interruption: feed.interruption,
      bridge: feed.bridge,
      unknownToBridge: this.#unknownToBridge,
      patienceOver: this.#patienceOver,
    };
    this.#report({ kind: 'health', health: healthOf(signs, device) });
  }
}
