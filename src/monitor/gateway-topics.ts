import type { Gateway } from '../model/gateway.ts';
import { isoTime } from '../wire/iso-time.ts';
import type { Metrics } from './metrics.ts';
import type { RetainedTopic } from './outbox.ts';
import type { MonitorPublisher } from './publisher.ts';
import { type TopicTree, topicRules } from './topics.ts';

export interface GatewayTopicsOptions {
  readonly gateway: Gateway;
  readonly metrics: Metrics;
  readonly publisher: MonitorPublisher;
  readonly tree: TopicTree;
  /** Milliseconds between two health messages. */
  readonly intervalMs: number;
  /** SHA-256 of the configuration file, hexadecimal. */
  readonly configDigest: string | undefined;
}

/** Health is worth so many intervals, then the broker forgets it. */
const HEALTH_INTERVALS = 3;

/** The three retained topics that speak of the gateway itself. */
export interface GatewayTopics {
  readonly status: RetainedTopic;
  readonly info: RetainedTopic;
  readonly health: RetainedTopic;
}

export function gatewayTopics(options: GatewayTopicsOptions): GatewayTopics {
  const { tree, intervalMs, gateway } = options;
  const { clock, identity } = gateway;
  // The wall clock may be set while the gateway runs, the other one not.
  const startedAt = clock.now() - Math.max(0, clock.wallTime() - identity.startedAt);
  const expirySeconds = Math.ceil((HEALTH_INTERVALS * intervalMs) / 1_000);
  return {
    status: { topic: tree.status, rule: topicRules.status, render: () => 'online' },
    info: { topic: tree.info, rule: topicRules.info, render: () => JSON.stringify(info(options)) },
    health: {
      topic: tree.health,
      rule: { ...topicRules.health, expirySeconds },
      render: () => JSON.stringify(health(options, clock.now() - startedAt)),
    },
  };
}

function info({ gateway, publisher, configDigest }: GatewayTopicsOptions): Readonly<Record<string, unknown>> {
  const { identity, devices } = gateway;
  const list = devices.list();
  return {
    gateway_id: identity.id,
    name: identity.name,
    workspace_id: identity.workspaceId,
    time_zone: identity.timeZone,
    version: identity.version,
    node: process.version,
    boot_id: identity.bootId,
    started_at: isoTime(identity.startedAt),
    ...(configDigest === undefined ? {} : { config_sha256: configDigest }),
    mqtt_version: publisher.protocolVersion === 5 ? '5.0' : '3.1.1',
    drivers: [...new Set(list.map(({ driver }) => driver))].sort(),
    devices: list.length,
  };
}

function health({ gateway, metrics }: GatewayTopicsOptions, uptimeMs: number): Readonly<Record<string, unknown>> {
  const { identity, clock } = gateway;
  const { pending, successTotal, errorTotal, p50Ms, p99Ms } = metrics.attempts;
  return {
    ts: isoTime(clock.wallTime()),
    boot_id: identity.bootId,
    uptime_s: Math.round(uptimeMs / 1_000),
    rss_mb: Math.round(metrics.probe.rssBytes() / 1_048_576),
    loop_lag_p99_ms: Math.round(metrics.probe.loopLag.p99Ms * 10) / 10,
    attempts: {
      pending,
      success_total: successTotal,
      error_total: errorTotal,
      p50_ms: p50Ms ?? null,
      p99_ms: p99Ms ?? null,
    },
    links: Object.fromEntries(
      gateway.links().map(({ name, state, reconnects }) => [
        name,
        {
          status: state.status,
          ...(state.status === 'up' ? {} : { reason: state.reason }),
          ...(reconnects === 0 ? {} : { reconnects }),
        },
      ]),
    ),
  };
}
