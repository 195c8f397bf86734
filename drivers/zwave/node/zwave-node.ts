import {
  type Clock,
  type DeviceReport,
  type GatewayError,
  type Health,
  type OpenContext,
  sleep,
  type Unsubscribe,
  type ZwaveBolt,
  type ZwaveFeatures,
  type ZwaveLink,
  type ZwaveQueryOptions,
  type ZwaveQuestions,
  type ZwaveReport,
} from '../../../src/contract/index.ts';
import { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import { claimsOf, LATE_ANSWER_MS } from './claims.ts';
import { anotherProduct } from './failures.ts';
import { RepeatFilter } from './repeats.ts';

export interface ZwaveNodeOptions {
  /** The device's name, for messages. */
  readonly name: string;
  readonly link: ZwaveLink;
  readonly clock: Clock;
  /** Aborts when the device is closed. */
  readonly closing: AbortSignal;
  readonly log: OpenContext['log'];
  /** Gets what the node says, each thing once, and what it answers about its bolt. */
  readonly tell: (report: ZwaveReport) => void;
  /** What the settings say that the node is. */
  readonly product?: string | undefined;
}

/** What every session with a node needs: its link, and what it says without its repeats. */
export class ZwaveNode {
  readonly name: string;
  readonly link: ZwaveLink;
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly log: OpenContext['log'];
  readonly evidence: EvidenceBook<GatewayError>;
  readonly #tell: (report: ZwaveReport) => void;
  readonly #repeats = new RepeatFilter();
  readonly #stop: readonly Unsubscribe[];
  #product: string | undefined;
  #asking = false;
  /** `Clock.now()` when it told last of a jam. */
  jammedAt: number | undefined;
  /** `Clock.now()` when it said last that a code is a duplicate. */
  lastDuplicateAt: number | undefined;

  constructor({ name, link, clock, closing, log, tell, product }: ZwaveNodeOptions) {
    this.#product = product;
    this.name = name;
    this.link = link;
    this.clock = clock;
    this.closing = closing;
    this.log = log;
    this.evidence = new EvidenceBook({ clock, closing, lateByMs: LATE_ANSWER_MS });
    this.#tell = tell;
    this.#stop = [
      link.onReport((report) => this.#hear(report)),
      link.onNodeChange(() => {
        if (link.nodeStatus === 'ready') this.evidence.reachable();
      }),
    ];
  }

  close(): void {
    for (const stop of this.#stop) stop();
  }

  /** What the node said that it is when it was first interviewed; undefined before, and where it does not say. */
  get product(): string | undefined {
    this.#product ??= this.link.features?.product;
    return this.#product;
  }

  /** A node that was replaced has the number of the one before, and is another door. */
  get isAnotherProduct(): boolean {
    const now = this.link.features?.product;
    return now !== undefined && this.product !== now;
  }

  /** @throws GatewayError `misconfigured`, `not_sent` */
  assertSameProduct(): void {
    if (this.isAnotherProduct) throw anotherProduct(this, this.product, this.link.features?.product);
  }

  /**
   * Asks where the bolt is. An answer carries no number: one that may be a report of before, said again at this moment,
   * is asked for once more. So is one that shows a movement of which no report was heard: the report that is said again may
   * be one that was lost, or was said before anybody listened.
   * @throws GatewayError as {@link ZwaveLink.query}
   */
  async bolt(options: ZwaveQueryOptions): Promise<ZwaveBolt> {
    const ask = async () => (await this.link.query('bolt', {}, options)).bolt;
    const began = this.clock.now();
    const first = await ask();
    const mayBeOld = this.#repeats.mayBeRepeated(first, began) || this.#repeats.isUnheard(first);
    const bolt = mayBeOld ? await ask() : first;
    const news = this.#repeats.answered(bolt, this.clock.now());
    this.#tell({ report: 'bolt', bolt });
    if (news) this.#tell(news);
    return bolt;
  }

  #hear(report: ZwaveReport): void {
    const now = this.clock.now();
    this.evidence.told(...claimsOf(report, now));
    if (report.report === 'jammed') this.jammedAt = now;
    if (report.report === 'duplicate_code') this.lastDuplicateAt = now;
    const use = this.#repeats.hear(report, now);
    if (use === 'told') this.#tell(report);
    else if (use === 'ask') void this.#settle();
  }

  /** The lock decides whether it said something new, or something old again. */
  async #settle(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      await this.bolt({ priority: 'poll', signal: this.closing });
    } catch {
      // What was known last stays: whoever wants to know more asks by himself.
    } finally {
      this.#asking = false;
    }
  }
}

/** A node that came back is asked within this time, at random, so that a building does not ask all at once. A guess. */
const REFRESH_WITHIN_MS = 1_000;

export interface NodeWatchOptions {
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
  readonly #options: NodeWatchOptions;
  readonly #stop: Unsubscribe[];
  #told = '';
  #wasReady = false;

  constructor(options: NodeWatchOptions) {
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
