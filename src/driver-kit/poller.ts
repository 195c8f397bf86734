import {
  type Clock,
  type DeviceReport,
  GatewayError,
  type Health,
  type Link,
  type OpenContext,
  type Timer,
} from '../contract/index.ts';

/** One missing answer is noise; so many in a row are an absent unit, and so are fewer over a longer time. Guesses. */
const MISSES_UNTIL_OFFLINE = 3;
const SILENCE_UNTIL_OFFLINE_MS = 3_000;
/** An absent unit costs the others two reply timeouts a try, so it is tried this rarely in the end. */
const LONGEST_PAUSE_MS = 30_000;

export interface PollerOptions {
  readonly link: Link;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly intervalMs: number;
  readonly log: OpenContext['log'];
  report(report: DeviceReport): void;
  /** Looks at the device once and reports what it found. */
  look(): Promise<void>;
  /** A failure that is none of the line's, or undefined; asked after each look. */
  complaint?(): Health | undefined;
}

/** Looks at a unit again and again, less often while it is absent, and tells its health. */
export class Poller {
  readonly #options: PollerOptions;
  #timer: Timer | undefined;
  #misses = 0;
  /** `Clock.now()` of the first of them. */
  #missingSince = 0;
  #afterOutage = true;
  #health: Health | undefined;
  #looking = false;
  #closed = false;
  readonly #unsubscribe: () => void;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#unsubscribe = options.link.onStateChange(() => this.#linkChanged());
    if (options.link.state.status === 'up') this.#lookIn(this.#spread());
    else this.#linkChanged();
  }

  /** True until the unit was heard for the first time since an outage. */
  get afterOutage(): boolean {
    return this.#afterOutage;
  }

  /** The unit answered, to a poll or to a command. */
  heard(): void {
    if (this.#misses > MISSES_UNTIL_OFFLINE && !this.#looking) this.#lookIn(this.#options.intervalMs);
    this.#misses = 0;
    this.#afterOutage = false;
    this.#tell(this.#options.complaint?.() ?? { status: 'online' });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#unsubscribe();
  }

  #linkChanged(): void {
    const { state } = this.#options.link;
    this.#timer?.cancel();
    if (state.status === 'up') {
      this.#misses = 0;
      this.#lookIn(this.#spread());
      return;
    }
    this.#afterOutage = true;
    this.#tell({ status: 'offline', reason: 'link_down', hint: state.hint });
  }

  /** Devices of one line take turns instead of asking all at once. */
  #spread(): number {
    return this.#options.random() * Math.min(100, this.#options.intervalMs / 10);
  }

  #lookIn(ms: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    // A look that outlasted an outage goes on; its own end arms the next.
    if (this.#looking) return;
    this.#looking = true;
    const { clock, intervalMs, link, look } = this.#options;
    const began = clock.now();
    try {
      await look();
      this.heard();
    } catch (error) {
      this.#missed(error);
    } finally {
      this.#looking = false;
    }
    if (link.state.status !== 'up') return;
    const absentFor = Math.max(0, this.#misses - MISSES_UNTIL_OFFLINE);
    const pause = Math.min(LONGEST_PAUSE_MS, intervalMs * 2 ** absentFor);
    this.#lookIn(Math.max(0, began + pause - clock.now()) + (absentFor > 0 ? this.#spread() : 0));
  }

  #missed(error: unknown): void {
    const { link, log } = this.#options;
    if (this.#closed || link.state.status !== 'up') return;
    const now = this.#options.clock.now();
    if (this.#misses === 0) this.#missingSince = now;
    this.#misses += 1;
    if (!(error instanceof GatewayError)) {
      log.error({ err: error }, 'a poll failed in a way that its driver does not declare');
      return;
    }
    if (error.type === 'misconfigured') {
      this.#afterOutage = false;
      this.#tell({ status: 'misconfigured', reason: 'wrong_settings', hint: error.message });
      return;
    }
    const wasOnline = this.#health?.status === 'online';
    const isNoise = this.#misses < MISSES_UNTIL_OFFLINE && now - this.#missingSince < SILENCE_UNTIL_OFFLINE_MS;
    if (wasOnline && isNoise) return;
    this.#afterOutage = true;
    this.#tell({ status: 'offline', reason: 'not_answering', hint: error.message });
  }

  #tell(health: Health): void {
    if (this.#closed || JSON.stringify(health) === JSON.stringify(this.#health)) return;
    this.#health = health;
    this.#options.report({ kind: 'health', health });
  }
}
