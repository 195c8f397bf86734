import type { Logger } from 'pino';
import type { LimitName } from '../contract/index.ts';
import type { Gateway } from '../model/gateway.ts';
import type { LogTap } from './log-tap.ts';
import { type CommitFigures, Metrics } from './metrics.ts';
import { type AuditTold, type MonitorConfig, startMonitor } from './mqtt-monitor.ts';
import type { LastWill, MonitorPublisher } from './publisher.ts';
import { statusWill } from './topics.ts';

/** A publisher as it comes from the transport: not connected yet, and to be closed. */
export interface MonitorConnection extends MonitorPublisher {
  start(): void;
  /** Sends what waits, as far as that does not take long, and takes leave. */
  close(): Promise<void>;
}

export interface MonitoringOptions {
  readonly gateway: Gateway;
  /** Undefined: nothing is told on MQTT. */
  readonly config: (MonitorConfig & { readonly mqtt: string }) | undefined;
  /** SHA-256 of the configuration file, hexadecimal. */
  readonly configDigest: string;
  /** Makes the connection to a broker that configuration names. */
  readonly connectionTo: (broker: string, will: LastWill) => MonitorConnection;
  readonly storeStats: () => CommitFigures;
  readonly limitTotals: () => ReadonlyMap<LimitName, number>;
  readonly refusedKeys: () => ReadonlyMap<string, number>;
  /** Where the audit log ends, told so that a copy elsewhere proves it. */
  readonly audit: AuditTold;
  readonly log: Logger;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logTap: LogTap | undefined;
}

export interface Monitoring {
  readonly metrics: Metrics;
  close(): Promise<void>;
}

/**
 * Counts, and tells on MQTT where the configuration says so. To be started before the devices are opened, and closed
 * after them.
 */
export function startMonitoring(options: MonitoringOptions): Monitoring {
  const { gateway, config, configDigest, connectionTo, storeStats, limitTotals, log, random, logTap } = options;
  const metrics = new Metrics({ gateway, storeStats, limitTotals, refusedKeys: options.refusedKeys });
  if (config === undefined) return { metrics, close: async () => metrics.close() };
  const publisher = connectionTo(config.mqtt, statusWill(config.baseTopic));
  const monitor = startMonitor({
    gateway,
    publisher,
    metrics,
    log,
    random,
    config,
    configDigest,
    audit: options.audit,
    ...(logTap && { logTap }),
  });
  publisher.start();
  return {
    metrics,
    close: async () => {
      monitor.stop();
      metrics.close();
      await publisher.close();
    },
  };
}
