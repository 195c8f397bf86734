import type { Logger } from 'pino';
import type { LimitName, OnLimit } from '../contract/index.ts';
import type { Gateway } from '../model/gateway.ts';
import type { LogTap } from './log-tap.ts';
import { type CommitFigures, Metrics, type StoreRoom } from './metrics.ts';
import { type AuditTold, type MonitorConfig, type MqttMonitor, startMonitor } from './mqtt-monitor.ts';
import type { LastWill, MonitorPublisher } from './publisher.ts';
import { statusWill } from './topics.ts';

/** A publisher as it comes from the transport: not connected yet, and to be closed. */
export interface MonitorConnection extends MonitorPublisher {
  start(): void;
  /** Sends what waits, as far as that does not take long, and takes leave. */
  close(): Promise<void>;
}

type MonitorSection = MonitorConfig & { readonly mqtt: string };

export interface MonitoringOptions {
  readonly gateway: Gateway;
  /** Undefined: nothing is told on MQTT. */
  readonly config: MonitorSection | undefined;
  /** SHA-256 of the configuration file, hexadecimal. */
  readonly configDigest: string;
  /** Makes the connection to a broker that configuration names. */
  readonly connectionTo: (broker: string, will: LastWill) => MonitorConnection;
  readonly storeStats: () => CommitFigures;
  readonly storeRoom?: () => Promise<StoreRoom>;
  readonly limitTotals: () => ReadonlyMap<LimitName, number>;
  readonly refusedKeys: () => ReadonlyMap<string, number>;
  /** Where the audit log ends, told so that a copy elsewhere proves it. */
  readonly audit: AuditTold;
  readonly log: Logger;
  /** Told of commands over MQTT that were left out because there were too many. */
  readonly onLimit: OnLimit;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logTap: LogTap | undefined;
}

export interface Monitoring {
  readonly metrics: Metrics;
  /**
   * Goes on with other devices, or another section of the configuration.
   * @param isNewConnection the broker is another one, or is reached otherwise
   */
  change(config: MonitoringOptions['config'], configDigest: string, isNewConnection: boolean): Promise<void>;
  close(): Promise<void>;
}

/**
 * Counts, and tells on MQTT where the configuration says so. To be started before the devices are opened, and closed
 * after them.
 */
export function startMonitoring(options: MonitoringOptions): Monitoring {
  const { gateway, connectionTo, storeStats, storeRoom, limitTotals, log, random, logTap, audit } = options;
  const metrics = new Metrics({
    gateway,
    storeStats,
    ...(storeRoom && { storeRoom }),
    limitTotals,
    refusedKeys: options.refusedKeys,
  });
  let told:
    | { readonly config: MonitorSection; readonly publisher: MonitorConnection; monitor: MqttMonitor }
    | undefined;

  const monitorOn = (publisher: MonitorConnection, config: MonitorSection, configDigest: string) =>
    startMonitor({
      ...{
        gateway,
        publisher,
        metrics,
        log,
        onLimit: options.onLimit,
        random,
        config,
        configDigest,
        audit,
        broker: config.mqtt,
      },
      ...(logTap && { logTap }),
    });
  const begin = (config: MonitorSection, configDigest: string) => {
    const publisher = connectionTo(config.mqtt, statusWill(config.baseTopic));
    told = { config, publisher, monitor: monitorOn(publisher, config, configDigest) };
    publisher.start();
  };
  const end = async () => {
    const before = told;
    told = undefined;
    await gateway.kept();
    before?.monitor.stop();
    await before?.publisher.close();
  };
  if (options.config !== undefined) begin(options.config, options.configDigest);
  return {
    metrics,
    change: async (config, configDigest, isNewConnection) => {
      const isSame =
        told !== undefined && told.config.mqtt === config?.mqtt && told.config.baseTopic === config.baseTopic;
      if (told !== undefined && config !== undefined && isSame && !isNewConnection) {
        await gateway.kept();
        told.monitor.stop({ silently: true });
        told = { ...told, config, monitor: monitorOn(told.publisher, config, configDigest) };
        return;
      }
      await end();
      if (config !== undefined) begin(config, configDigest);
    },
    close: async () => {
      const before = told;
      await gateway.kept();
      before?.monitor.stop();
      metrics.close();
      await before?.publisher.close();
    },
  };
}
