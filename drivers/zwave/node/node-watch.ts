import {
  type DeviceReport,
  type Health,
  sleep,
  type Unsubscribe,
  type ZwaveFeatures,
  type ZwaveQuestions,
} from '../../../src/contract/index.ts';
import { anotherProduct } from './failures.ts';
import type { ZwaveNode } from './zwave-node.ts';

/** A node that came back is asked within this time, at random, so that a building does not ask all at once. A guess. */
const REFRESH_WITHIN_MS = 1_000;

export interface WatchOptions {
  readonly node: ZwaveNode;
  readonly random: () => number;
  readonly report: (report: DeviceReport) => void;
  /** What the node is, in words, and whether its interview found it so. */
  readonly is: { readonly what: string; readonly among: (features: ZwaveFeatures) => boolean };
  /** Asked once, each time that the node came back. */
  readonly refresh: readonly (keyof Omit<ZwaveQuestions, 'code'>)[];
  /** True for a node that reports by itself and is asleep otherwise. */
  readonly maySleep: boolean;
}

/** Tells how the node is, and asks it once for its state whenever it may have changed unheard. */
export class NodeWatch {
  readonly #options: WatchOptions;
  readonly #stop: Unsubscribe[];
  #told = '';
  #wasReady = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { link } = options.node;
    this.#stop = [link.onStateChange(() => this.#judge()), link.onNodeChange(() => this.#judge())];
    this.#judge();
  }

  close(): void {
    for (const stop of this.#stop.splice(0)) stop();
  }

  #judge(): void {
    const { node, report } = this.#options;
    const health = this.#health();
    const told = JSON.stringify(health);
    if (told !== this.#told) report({ kind: 'health', health });
    this.#told = told;
    const isReady = node.link.state.status === 'up' && node.link.nodeStatus === 'ready';
    if (isReady && !this.#wasReady) void this.#refresh();
    this.#wasReady = isReady;
  }

  #health(): Health {
    const { node, is, maySleep } = this.#options;
    const { link, name } = node;
    if (link.state.status === 'down') return { status: 'offline', reason: 'link_down', hint: link.state.hint };
    switch (link.nodeStatus) {
      case 'missing':
        return {
          status: 'misconfigured',
          reason: 'wrong_settings',
          hint: `The stick has no node ${link.node}. Correct the link of ${name}, or include it again.`,
        };
      case 'dead':
        return {
          status: 'offline',
          reason: 'not_answering',
          hint: `${name} does not answer. Check its battery and its distance to the next node.`,
        };
      case 'asleep':
        if (maySleep && link.features !== undefined) break;
        return { status: 'not_ready', reason: 'asleep', hint: `${name} is asleep until it wakes up by itself.` };
      case 'interviewing':
        return {
          status: 'not_ready',
          reason: 'interviewing',
          hint: `${name} is being asked what it can do. With a lock this takes minutes; stay near it if it takes longer.`,
        };
      case 'ready':
        break;
    }
    if (node.isAnotherProduct) {
      const { message } = anotherProduct(node, node.product, link.features?.product);
      return { status: 'misconfigured', reason: 'unsupported_device', hint: message };
    }
    if (link.features !== undefined && !is.among(link.features))
      return {
        status: 'misconfigured',
        reason: 'unsupported_device',
        hint: `Node ${link.node} is no ${is.what}. Check the node in the link of ${name}, and its settings.`,
      };
    return { status: 'online' };
  }

  /** The answers reach everybody by the node's reports. */
  async #refresh(): Promise<void> {
    const { node, random, refresh } = this.#options;
    const { link, clock, closing } = node;
    try {
      await sleep(clock, random() * REFRESH_WITHIN_MS, closing);
      const options = { priority: 'poll', signal: closing } as const;
      for (const question of refresh)
        await (question === 'bolt' ? node.bolt(options) : link.query(question, {}, options));
    } catch {
      // It is asked again when it comes back, and whoever wants something of it asks by himself.
    }
  }
}
