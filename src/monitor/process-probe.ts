import type { Clock } from '../contract/index.ts';
import { type LagFigures, LoopLag } from './loop-lag.ts';

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
