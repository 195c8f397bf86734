import type { Clock, DeviceReport, LinkState, Secret, Unsubscribe } from '../contract/index.ts';
import type { DeviceSnapshot } from '../devices/device-snapshot.ts';
import type {
  AccessCodeRecord,
  Actor,
  AttemptRecord,
  EventRecord,
  HistoryEntry,
  IdempotencyRecord,
  NoiseThresholdRecord,
} from '../store/records.ts';
import type { AttemptQuery, EventQuery } from '../store/store.ts';

/** Where a request came from and when. */
export interface Origin {
  readonly actor: Actor;
  /** `Clock.now()` when the request was received: `send_by` and `deadline` count from here. */
  readonly receivedAt: number;
  /** Committed together with the attempt. */
  readonly idempotency?: { readonly scope: string; readonly fingerprint: string };
}

/** Attempts as others see them: final only after the settlement is on disk. */
export interface Attempts {
  get(actionAttemptId: string): AttemptRecord | undefined;
  /** Newest first. */
  list(query: AttemptQuery): AttemptRecord[];
  /** Every change of state so far, oldest first. */
  history(actionAttemptId: string): readonly HistoryEntry[] | undefined;
  /** What was committed under this scope (`Origin.idempotency`) in the last 24 h. */
  idempotency(scope: string): IdempotencyRecord | undefined;
  /** Resolves with the final record; at once when it is final already. Rejects only when the signal aborts. */
  settled(actionAttemptId: string, signal: AbortSignal): Promise<AttemptRecord>;
  /** Called on acceptance, on each change of state, and after settlement; in order, per attempt. */
  onChange(listener: (attempt: AttemptRecord) => void): Unsubscribe;
  readonly pendingCount: number;
}

/**
 * Doors. Resolves when the attempt is on disk, not when the door moved.
 * @throws GatewayError `device_not_found`, `unsupported_action`, `lane_full`, `storage_unavailable`
 */
export interface Doors {
  lock(deviceId: string, origin: Origin): Promise<AttemptRecord>;
  unlock(deviceId: string, origin: Origin): Promise<AttemptRecord>;
}

export interface Devices {
  /** In the order of configuration. */
  list(): readonly DeviceSnapshot[];
  /** By device_id. */
  get(deviceId: string): DeviceSnapshot | undefined;
  /** After each report that was taken in, with the snapshot it led to. */
  onReport(listener: (snapshot: DeviceSnapshot, report: DeviceReport) => void): Unsubscribe;
}

export interface NewAccessCode {
  readonly deviceId: string;
  readonly name?: string;
  /** Undefined: the gateway chooses one that the lock accepts. */
  readonly code?: Secret;
  readonly preferredCodeLength?: number;
  /** Milliseconds since the Unix epoch. */
  readonly startsAt?: number;
  readonly endsAt?: number;
}

export interface AccessCodes {
  /**
   * @throws GatewayError `device_not_found`, `unsupported_action`, `invalid_input`, `duplicate_access_code`,
   * `lane_full`, `storage_unavailable`
   */
  create(
    request: NewAccessCode,
    origin: Origin,
  ): Promise<{ readonly attempt: AttemptRecord; readonly code: AccessCodeRecord }>;
  /**
   * Deleting a code that is being removed, or was, answers with that attempt: a repetition does no harm.
   * @throws GatewayError `access_code_not_found` for a code that never was, or was removed long ago
   */
  delete(accessCodeId: string, origin: Origin): Promise<AttemptRecord>;
  get(accessCodeId: string): AccessCodeRecord | undefined;
  list(deviceId?: string): AccessCodeRecord[];
  /** The digits: only for an answer to somebody who may see them. */
  reveal(code: AccessCodeRecord): Secret;
}

export interface NewNoiseThreshold {
  readonly deviceId: string;
  readonly name?: string;
  /** `HH:mm:ss` with an optional `[Region/City]`; the device's zone otherwise. */
  readonly startsDailyAt: string;
  readonly endsDailyAt: string;
  /** dB */
  readonly decibels: number;
}

export interface NoiseThresholds {
  /** @throws GatewayError `device_not_found`, `unsupported_action`, `invalid_input`, `storage_unavailable` */
  create(
    request: NewNoiseThreshold,
    origin: Origin,
  ): Promise<{ readonly attempt: AttemptRecord; readonly threshold: NoiseThresholdRecord }>;
  /** Removing one that was removed answers with that attempt. @throws GatewayError `noise_threshold_not_found` */
  remove(noiseThresholdId: string, origin: Origin): Promise<AttemptRecord>;
  get(noiseThresholdId: string): NoiseThresholdRecord | undefined;
  list(deviceId?: string): NoiseThresholdRecord[];
  /** Thresholds of the device that are exceeded now. */
  exceeded(deviceId: string): readonly string[];
  onEpisode(listener: (episode: NoiseEpisode) => void): Unsubscribe;
}

/** A stretch of time in which a threshold was exceeded. Told when it begins and when it ends. */
export interface NoiseEpisode {
  readonly phase: 'began' | 'ended';
  readonly threshold: NoiseThresholdRecord;
  /** Milliseconds since the Unix epoch: when the level rose, not when the sustained time was over. */
  readonly since: number;
  readonly until: number | undefined;
  /** The energy average that crossed the limit, and the highest so far, in dB. */
  readonly level: number;
  readonly peak: number;
  readonly metric: string;
}

/** What happened, as far as it is on disk. */
export interface Events {
  get(eventId: string): EventRecord | undefined;
  /** Oldest first. */
  list(query: EventQuery): EventRecord[];
  /** Those that came after, in the order in which they were written down. */
  after(seq: number, limit: number): EventRecord[];
  /** `seq` of the newest; 0 before the first. */
  readonly highestSeq: number;
  /** Called once an event is on disk, in that order. */
  onEvent(listener: (event: EventRecord) => void): Unsubscribe;
}

export interface GatewayIdentity {
  /** The slug in configuration. */
  readonly id: string;
  readonly name: string;
  /** IANA */
  readonly timeZone: string;
  /** UUIDv5 of the gateway's id. */
  readonly workspaceId: string;
  readonly version: string;
  /** New at each start. */
  readonly bootId: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

export interface LinkReport {
  /** As in configuration, with its kind: `mqtt/main`. */
  readonly name: string;
  readonly state: LinkState;
  readonly reconnects: number;
}

/** What HTTP, the monitor and the command line call. */
export interface Gateway {
  readonly identity: GatewayIdentity;
  readonly clock: Clock;
  readonly devices: Devices;
  readonly attempts: Attempts;
  readonly doors: Doors;
  readonly accessCodes: AccessCodes;
  readonly noise: NoiseThresholds;
  readonly events: Events;
  links(): readonly LinkReport[];
  /** False while nothing new can be accepted, with the reason. */
  readonly ready: { readonly ok: true } | { readonly ok: false; readonly reason: string };
}
