import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock, Timer } from '../contract/index.ts';

/** What the process itself costs. */
export interface ProcessProbe {
  rssBytes(): number;
  /** User and system time since the process began. */
  cpuSeconds(): number;
  readonly loopLag: LagFigures;
  close(): void;
}

export function probeProcess(clock: Clock): ProcessProbe {
  const lag = new LoopLag(clock);
  return {
    rssBytes: () => process.memoryUsage.rss(),
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    get loopLag() {
      return lag.figures;
    },
    close: () => lag.close(),
  };
}

/** How often the event loop is looked at, in milliseconds: what is shorter than this is not seen each time. */
const RESOLUTION_MS = 10;
/** What is told covers at least this much time, in milliseconds. */
const WINDOW_MS = 30_000;

interface LagFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** How late the event loop is. The figures are of the last whole window, or of the first as far as it has come. */
class LoopLag {
  readonly #clock: Clock;
  readonly #histogram: IntervalHistogram;
  #lastWindow: LagFigures | undefined;
  #timer: Timer;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
    this.#timer = this.#nextWindow();
  }

  get figures(): LagFigures {
    return this.#lastWindow ?? this.#read();
  }

  close(): void {
    this.#timer.cancel();
    this.#histogram.disable();
  }

  #nextWindow(): Timer {
    return this.#clock.setTimer(() => {
      this.#lastWindow = this.#read();
      this.#histogram.reset();
      this.#timer = this.#nextWindow();
    }, WINDOW_MS);
  }

  /** The histogram holds the time from one look to the next, in nanoseconds, so an idle loop shows the resolution. */
  #read(): LagFigures {
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    return {
      p50Ms: late(this.#histogram.percentile(50)),
      p99Ms: late(this.#histogram.percentile(99)),
      maxMs: this.#histogram.count === 0 ? 0 : late(this.#histogram.max),
    };
  }
}
