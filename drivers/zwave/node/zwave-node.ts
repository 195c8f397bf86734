import type {
  Clock,
  OpenContext,
  Unsubscribe,
  ZwaveBolt,
  ZwaveLink,
  ZwaveQueryOptions,
  ZwaveReport,
} from '../../../src/contract/index.ts';
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
}

/** What every conversation with a node needs: its link, and what it says without its repeats. */
export class ZwaveNode {
  readonly name: string;
  readonly link: ZwaveLink;
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly log: OpenContext['log'];
  readonly #tell: (report: ZwaveReport) => void;
  readonly #repeats = new RepeatFilter();
  readonly #stop: Unsubscribe;
  #asking = false;

  constructor({ name, link, clock, closing, log, tell }: ZwaveNodeOptions) {
    this.name = name;
    this.link = link;
    this.clock = clock;
    this.closing = closing;
    this.log = log;
    this.#tell = tell;
    this.#stop = link.onReport((report) => this.#hear(report));
  }

  close(): void {
    this.#stop();
  }

  /**
   * Asks where the bolt is. An answer carries no number: one that may be a report of before, said again at this moment,
   * is asked for once more.
   * @throws GatewayError as {@link ZwaveLink.query}
   */
  async bolt(options: ZwaveQueryOptions): Promise<ZwaveBolt> {
    const ask = async () => (await this.link.query('bolt', {}, options)).bolt;
    const began = this.clock.now();
    const first = await ask();
    const bolt = this.#repeats.mayBeRepeated(first, began) ? await ask() : first;
    const news = this.#repeats.answered(bolt, this.clock.now());
    this.#tell({ report: 'bolt', bolt });
    if (news) this.#tell(news);
    return bolt;
  }

  #hear(report: ZwaveReport): void {
    const fate = this.#repeats.hear(report, this.clock.now());
    if (fate === 'told') this.#tell(report);
    else if (fate === 'ask') void this.#settle();
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

/** True when the end of a conversation was the end of the device. */
export const endedWithDevice = ({ closing }: ZwaveNode, error: unknown): boolean =>
  closing.aborted && error === closing.reason;
