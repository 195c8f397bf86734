import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type LimitName, limitNames, type Unsubscribe } from '../contract/index.ts';
import type { Gateway } from '../model/gateway.ts';
import type { AttemptRecord } from '../model/records.ts';
import { type ProcessProbe, probeProcess } from './process-probe.ts';

/** Upper bounds in seconds: from a strike relay beside the box to a sleepy Z-Wave lock's code. */
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];

/** What the store's commit queue did so far. */
export interface CommitFigures {
  /** Groups of commits: one sync each. */
  readonly batches: number;
  readonly commits: number;
}

/** What the store takes on its disk, and what is left there, in bytes. */
export interface StoreRoom {
  readonly takenBytes: number;
  readonly freeBytes: number;
}

export interface MetricsOptions {
  readonly gateway: Gateway;
  readonly storeStats?: () => CommitFigures;
  readonly storeRoom?: () => Promise<StoreRoom>;
  readonly probe?: ProcessProbe;
  /** How often each limit bit since the start. */
  readonly limitTotals?: () => ReadonlyMap<LimitName, number>;
  /** How many API keys were refused since the start, by reason. */
  readonly refusedKeys?: () => ReadonlyMap<string, number>;
}

/** What the monitor did so far; see {@link Metrics.watchMonitor}. */
export interface MonitorFigures {
  readonly published: number;
  readonly dropped: number;
}

/** How attempts went since the gateway started, and how long they take lately. */
export interface AttemptFigures {
  readonly pending: number;
  readonly successTotal: number;
  readonly errorTotal: number;
  /** Milliseconds; undefined while none ended lately. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** Counts for Prometheus (`GET /metrics`) and for the monitor's health message. No label holds what a person typed. */
export class Metrics {
  readonly contentType: string;
  readonly probe: ProcessProbe;
  readonly #gateway: Gateway;
  readonly #registry = new Registry();
  readonly #durations = new DurationWindow();
  readonly #ended = new Map<string, Counter.Internal>();
  readonly #took = new Map<string, Histogram.Internal<string>>();
  readonly #endedTotal: Counter<'action_type' | 'outcome'>;
  readonly #tookSeconds: Histogram<'action_type'>;
  readonly #unsubscribe: Unsubscribe;
  #successTotal = 0;
  #errorTotal = 0;
  #monitor: (() => MonitorFigures) | undefined;

  constructor(options: MetricsOptions) {
    const { gateway } = options;
    this.#gateway = gateway;
    this.probe = options.probe ?? probeProcess(gateway.clock);
    this.contentType = this.#registry.contentType;
    const registers = [this.#registry];
    this.#endedTotal = new Counter({
      name: 'strikeplate_attempts_total',
      help: 'Action attempts that ended since the start. outcome: success, or the type of the error.',
      labelNames: ['action_type', 'outcome'],
      registers,
    });
    this.#tookSeconds = new Histogram({
      name: 'strikeplate_attempt_duration_seconds',
      help: 'From acceptance to the end, whatever it was.',
      labelNames: ['action_type'],
      buckets: durationBuckets,
      registers,
    });
    this.#describeGateway();
    this.#describeProcess();
    if (options.storeStats) this.#describeStore(options.storeStats);
    if (options.storeRoom) this.#describeStoreRoom(options.storeRoom);
    if (options.limitTotals) this.#describeLimits(options.limitTotals);
    if (options.refusedKeys) this.#describeRefusedKeys(options.refusedKeys);
    this.#unsubscribe = gateway.attempts.onChange((attempt) => this.#heard(attempt));
  }

  /** In the Prometheus text format, of type {@link Metrics.contentType}. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get attempts(): AttemptFigures {
    const percentiles = this.#durations.percentiles([0.5, 0.99], this.#gateway.clock.now());
    return {
      pending: this.#gateway.attempts.pendingCount,
      successTotal: this.#successTotal,
      errorTotal: this.#errorTotal,
      p50Ms: percentiles?.[0],
      p99Ms: percentiles?.[1],
    };
  }

  watchMonitor(figures: () => MonitorFigures): void {
    if (this.#monitor === undefined) this.#describeMonitor();
    this.#monitor = figures;
  }

  close(): void {
    this.#unsubscribe();
    this.probe.close();
  }

  #heard({ actionType, settlement, settledAt, acceptedAt }: AttemptRecord): void {
    if (settlement === undefined || settledAt === undefined) return;
    const outcome = settlement.status === 'success' ? 'success' : settlement.error.type;
    if (settlement.status === 'success') this.#successTotal += 1;
    else this.#errorTotal += 1;
    const key = `${actionType} ${outcome}`;
    const ended = this.#ended.get(key) ?? this.#endedTotal.labels(actionType, outcome);
    this.#ended.set(key, ended);
    ended.inc();
    // One that an earlier run left behind took as long as the gateway was down: that says nothing about doors.
    if (acceptedAt < this.#gateway.identity.startedAt) return;
    const ms = Math.max(0, settledAt - acceptedAt);
    this.#durations.add(ms, this.#gateway.clock.now());
    const took = this.#took.get(actionType) ?? this.#tookSeconds.labels(actionType);
    this.#took.set(actionType, took);
    took.observe(ms / 1_000);
  }

  #describeGateway(): void {
    const gateway = this.#gateway;
    const { id, version } = gateway.identity;
    this.#gauge('strikeplate_info', 'Always 1: the labels say what runs.', ['gateway_id', 'version', 'node'], (info) =>
      info.set({ gateway_id: id, version, node: process.version }, 1),
    );
    this.#gauge('strikeplate_start_time_seconds', 'When the gateway started, since the Unix epoch.', [], (start) =>
      start.set(gateway.identity.startedAt / 1_000),
    );
    this.#gauge('strikeplate_ready', '1 while new work is accepted.', [], (ready) =>
      ready.set(gateway.ready.ok ? 1 : 0),
    );
    this.#gauge('strikeplate_attempts_pending', 'Action attempts that have not ended.', [], (pending) =>
      pending.set(gateway.attempts.pendingCount),
    );
    this.#gauge('strikeplate_webhook_queue', 'Events that wait for their webhooks.', [], (queue) =>
      queue.set(gateway.webhooks.queued),
    );
    this.#gauge('strikeplate_link_up', '1 while the link is up.', ['link'], (up) => {
      for (const { name, state } of gateway.links()) up.set({ link: name }, state.status === 'up' ? 1 : 0);
    });
    this.#count('strikeplate_link_reconnects_total', 'How often the link came back.', ['link'], (reconnects) => {
      for (const link of gateway.links()) reconnects.inc({ link: link.name }, link.reconnects);
    });
    this.#gauge('strikeplate_devices', 'Devices by health.', ['driver', 'health'], (devices) => {
      devices.reset();
      for (const { driver, health } of gateway.devices.list()) devices.inc({ driver, health: health.status });
    });
  }

  #describeProcess(): void {
    const { probe } = this;
    this.#gauge(
      'strikeplate_event_loop_lag_seconds',
      'How late the event loop was over the last 30 s or so.',
      ['quantile'],
      (lag) => {
        const { p50Ms, p99Ms, maxMs } = probe.loopLag;
        lag.set({ quantile: '0.5' }, p50Ms / 1_000);
        lag.set({ quantile: '0.99' }, p99Ms / 1_000);
        lag.set({ quantile: '1' }, maxMs / 1_000);
      },
    );
    this.#gauge('process_resident_memory_bytes', 'Resident memory.', [], (rss) => rss.set(probe.rssBytes()));
    this.#count('process_cpu_seconds_total', 'User and system time.', [], (cpu) => cpu.inc(probe.cpuSeconds()));
  }

  #describeStore(stats: () => CommitFigures): void {
    this.#count('strikeplate_store_commits_total', 'Commits that were asked for.', [], (commits) =>
      commits.inc(stats().commits),
    );
    this.#count('strikeplate_store_syncs_total', 'Groups of commits: one sync each.', [], (syncs) =>
      syncs.inc(stats().batches),
    );
  }

  #describeStoreRoom(room: () => Promise<StoreRoom>): void {
    this.#gauge('strikeplate_store_bytes', 'What the database and its log take on disk.', [], async (taken) => {
      taken.set((await room()).takenBytes);
    });
    this.#gauge('strikeplate_disk_free_bytes', 'What is left on the disk of the database.', [], async (free) => {
      free.set((await room()).freeBytes);
    });
  }

  #describeLimits(totals: () => ReadonlyMap<LimitName, number>): void {
    this.#count(
      'strikeplate_limited_total',
      'What was refused or left out because there was too much.',
      ['limit'],
      (limited) => {
        for (const limit of limitNames) limited.inc({ limit }, totals().get(limit) ?? 0);
      },
    );
  }

  #describeRefusedKeys(totals: () => ReadonlyMap<string, number>): void {
    this.#count('strikeplate_api_keys_refused_total', 'Requests without a valid API key.', ['reason'], (refused) => {
      for (const reason of ['missing', 'unknown', 'expired', 'revoked', 'rotated_out'])
        refused.inc({ reason }, totals().get(reason) ?? 0);
    });
  }

  #describeMonitor(): void {
    this.#count('strikeplate_monitor_messages_total', 'Messages for the MQTT monitor.', ['fate'], (messages) => {
      const figures = this.#monitor?.();
      if (figures === undefined) return;
      messages.inc({ fate: 'published' }, figures.published);
      messages.inc({ fate: 'dropped' }, figures.dropped);
    });
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    fill: (gauge: Gauge<Label>) => void | Promise<void>,
  ) {
    const gauge: Gauge<Label> = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => fill(gauge),
    });
  }

  /** A count that somebody else keeps: read when it is asked for. */
  #count<Label extends string>(name: string, help: string, labelNames: Label[], fill: (count: Counter<Label>) => void) {
    const count: Counter<Label> = new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        count.reset();
        fill(count);
      },
    });
  }
}

/** How many durations are kept, and for how long, in milliseconds. Guesses: a busy hour, or a quiet one. */
const KEPT = 1_024;
const KEPT_MS = 3_600_000;

/** The newest durations, for percentiles of how things are now. */
export class DurationWindow {
  readonly #durations = new Float64Array(KEPT);
  readonly #at = new Float64Array(KEPT);
  #count = 0;

  /** @param now `Clock.now()` */
  add(durationMs: number, now: number): void {
    const place = this.#count % KEPT;
    this.#durations[place] = durationMs;
    this.#at[place] = now;
    this.#count += 1;
  }

  /** By nearest rank, one per share asked for; undefined while nothing was measured lately. */
  percentiles(shares: readonly number[], now: number): readonly number[] | undefined {
    const kept = Math.min(this.#count, KEPT);
    const lately = this.#durations.subarray(0, kept).filter((_, place) => now - (this.#at[place] ?? 0) <= KEPT_MS);
    if (lately.length === 0) return undefined;
    lately.sort();
    return shares.map((share) => lately[Math.max(0, Math.ceil(share * lately.length) - 1)] ?? 0);
  }
}
