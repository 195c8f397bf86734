import type { AutoLock, Clock, DeviceReport, LinkState, Secret, Unsubscribe } from '../contract/index.ts';
import type { WeeklyHours } from './code-hours.ts';
import type { DeviceSnapshot } from './device-snapshot.ts';
import type { AccessGrants, Spaces, UserIdentities } from './grants.ts';
import type { Origin } from './origin.ts';
import type {
  AccessCodeRecord,
  AttemptRecord,
  EventRecord,
  HistoryEntry,
  IdempotencyRecord,
  NoiseThresholdRecord,
  UnmanagedCodeRecord,
} from './records.ts';
import type { Rewording } from './rewording.ts';
import type { Sandbox } from './sandbox.ts';
import type { AttemptQuery, EventQuery } from './store.ts';

export type { Origin } from './origin.ts';

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
  /**
   * Whether, and when, the lock locks itself.
   * @throws GatewayError `invalid_input` for a delay that the lock does not keep
   */
  configureAutoLock(deviceId: string, wanted: AutoLock, origin: Origin): Promise<AttemptRecord>;
}

export interface Devices {
  /** In the order of configuration. */
  list(): readonly DeviceSnapshot[];
  /** By device_id. */
  get(deviceId: string): DeviceSnapshot | undefined;
  /** After each report that was taken in, with the snapshot it led to. */
  onReport(listener: (snapshot: DeviceSnapshot, report: DeviceReport) => void): Unsubscribe;
}

/** Undefined leaves as it is. */
export interface DeviceUpdate {
  /** Null: as configured. */
  readonly name?: string | null;
  /** Merged into what is there; null or an empty text removes a key. */
  readonly customMetadata?: Readonly<Record<string, string | boolean | null>>;
  readonly isManaged?: boolean;
  /** Whether backup codes are kept on it. */
  readonly backupPool?: boolean;
  /** Lengths that its codes may have, of those that it says itself. */
  readonly codeLengths?: readonly number[];
}

/**
 * What people set for devices while the gateway runs. Resolves once it is on disk.
 * @throws GatewayError `device_not_found`, `invalid_input`, `storage_unavailable`
 */
export interface DeviceAdministration {
  update(deviceId: string, update: DeviceUpdate): Promise<void>;
  /** Commands are refused from now on, also those that wait and have not left yet. */
  takeOutOfService(deviceId: string, reason: string | undefined, origin: Origin): Promise<void>;
  /** @throws GatewayError `invalid_input` for a device that is out of service by configuration */
  putIntoService(deviceId: string, origin: Origin): Promise<void>;
  /** Why it was taken out of service, by whom, and its metadata, in other words; nobody is told. */
  reword(deviceId: string, words: Rewording): Promise<void>;
}

/** What all codes of one stay have in common. */
export interface AccessCodeRequest {
  readonly name?: string;
  /** Undefined: the gateway chooses one that the lock accepts. */
  readonly code?: Secret;
  readonly preferredCodeLength?: number;
  /** Milliseconds since the Unix epoch. With `endsAt` alone it starts now; alone it is refused. */
  readonly startsAt?: number;
  readonly endsAt?: number;
  /** Default true: a lock that can keep times itself is given them. */
  readonly preferNativeScheduling?: boolean;
  /** Goes after the lock told of its first use; a lock that does not tell keeps it until `endsAt`. */
  readonly isOneTimeUse?: boolean;
  /** The same after so many uses. */
  readonly maxUses?: number;
  /** Within the times, at these hours alone. */
  readonly hours?: WeeklyHours;
  /** A backup code may be pulled for it: see {@link AccessCodes.pullBackup}. */
  readonly useBackupPool?: boolean;
  readonly commonCodeKey?: string;
}

export interface NewAccessCode extends AccessCodeRequest {
  readonly deviceId: string;
}

export interface NewAccessCodes extends AccessCodeRequest {
  readonly deviceIds: readonly string[];
  /** When no one code fits all doors: refuse, or give each door one of its own. */
  readonly whenNotShareable: 'throw' | 'create_random_code';
}

/** Undefined leaves as it is; null takes away: both times null makes the code ongoing. */
export interface AccessCodePatch {
  readonly name?: string | null;
  readonly code?: Secret;
  readonly startsAt?: number | null;
  readonly endsAt?: number | null;
  readonly isOneTimeUse?: boolean;
  readonly maxUses?: number | null;
  readonly hours?: WeeklyHours | null;
}

export interface AccessCodes {
  /**
   * A code whose time has not come is only written down: its attempt is a success at once.
   * @throws GatewayError `device_not_found`, `unsupported_action`, `invalid_input`, `duplicate_access_code`,
   * `lane_full`, `storage_unavailable`
   */
  create(
    request: NewAccessCode,
    origin: Origin,
  ): Promise<{ readonly attempt: AttemptRecord; readonly code: AccessCodeRecord }>;
  /**
   * One stay, many doors: all are accepted, or none and the message says which door refused. In the order of
   * `deviceIds`. Repeated with the same `commonCodeKey` it answers with the codes that are there.
   * @throws GatewayError as `create` does
   */
  createMultiple(
    request: NewAccessCodes,
    origin: Origin,
  ): Promise<{ readonly attempts: readonly AttemptRecord[]; readonly codes: readonly AccessCodeRecord[] }>;
  /**
   * Writes the new, sees it on the lock, and takes the old away. What needs no lock is a success at once.
   * @throws GatewayError `access_code_not_found`, `invalid_input`, `duplicate_access_code`, `lane_full`,
   * `storage_unavailable`
   */
  update(accessCodeId: string, patch: AccessCodePatch, origin: Origin): Promise<AttemptRecord>;
  /**
   * Deleting a code that is being removed, or was, answers with that attempt: a repetition does no harm.
   * @throws GatewayError `access_code_not_found` for a code that never was, or was removed long ago
   */
  delete(accessCodeId: string, origin: Origin): Promise<AttemptRecord>;
  /**
   * Digits that the lock would accept now and nobody would guess first. Nothing is kept of them.
   * @throws GatewayError `device_not_found`, `unsupported_action`, `invalid_input`,
   * `no_space_for_access_code_on_device`
   */
  generateCode(deviceId: string, preferredCodeLength?: number): Secret;
  /** Backup codes of a lock: how many lie ready on it, and how many should; none where none are kept. */
  backupPoolOf(deviceId: string): { readonly ready: number; readonly wanted: number };
  /** A backup code lies ready on this code's lock. False for a code that was not created for the pool. */
  isBackupAvailable(code: AccessCodeRecord): boolean;
  /**
   * Gives a code's guest one of the backup codes that are on the lock already, until the code's own end. Repeated, it
   * answers with the same.
   * @throws GatewayError `access_code_not_found`, `invalid_input` when none is available
   */
  pullBackup(
    accessCodeId: string,
    origin: Origin,
  ): Promise<{ readonly code: AccessCodeRecord; readonly backup: AccessCodeRecord }>;
  /** Backup codes are among them only once they were pulled. */
  get(accessCodeId: string): AccessCodeRecord | undefined;
  /** Oldest first. */
  list(deviceId?: string): AccessCodeRecord[];
  /** The code of ours that stands, or may stand, in a slot of the lock: who opened. */
  atSlot(deviceId: string, slot: number): AccessCodeRecord | undefined;
  /** The digits, only for an answer to somebody who may see them; undefined when they cannot be read any more. */
  reveal(code: AccessCodeRecord): Secret | undefined;
  readonly unmanaged: UnmanagedCodes;
}

/** Codes found on locks that this gateway did not put there. It never changes them unasked. */
export interface UnmanagedCodes {
  get(accessCodeId: string): UnmanagedCodeRecord | undefined;
  /** Oldest first. */
  list(deviceId?: string): UnmanagedCodeRecord[];
  /** Undefined when the lock does not show its codes. */
  reveal(code: UnmanagedCodeRecord): Secret | undefined;
  /** Takes it off the lock. @throws GatewayError `access_code_not_found`, `lane_full`, `storage_unavailable` */
  delete(accessCodeId: string, origin: Origin): Promise<AttemptRecord>;
  /**
   * From now on it is the gateway's, under the same id.
   * @throws GatewayError `access_code_not_found`, `unsupported_action` when the lock does not show its digits
   */
  convert(accessCodeId: string, origin: Origin): Promise<AccessCodeRecord>;
}

/** Whether the box's clock can be believed: schedules pause while it cannot; doors go on. */
export interface ClockTrust {
  readonly confidence:
    | { readonly confirmed: true }
    /** `since` in milliseconds since the Unix epoch, by the clock in doubt. */
    | { readonly confirmed: false; readonly since: number; readonly reason: string };
  /** An operator says that the clock is right now. */
  confirm(): Promise<void>;
}

export interface NewNoiseThreshold {
  readonly deviceId: string;
  readonly name?: string;
  /** `HH:mm:ss` with an optional `[Region/City]`; the device's zone otherwise. */
  readonly startsDailyAt: string;
  readonly endsDailyAt: string;
  /** dB */
  readonly decibels: number;
  /** How long the level must be exceeded before an episode begins, in milliseconds; the device's own unless given. */
  readonly sustainedMs?: number;
}

/** What of a threshold is to become otherwise. */
export interface NoiseThresholdChange {
  readonly name?: string;
  /** Both times or neither. */
  readonly startsDailyAt?: string;
  readonly endsDailyAt?: string;
  /** dB */
  readonly decibels?: number;
  readonly sustainedMs?: number;
}

/** One minute, or hour, of a sensor; there is none for one of which nothing is known. */
export interface NoiseMinute {
  /** Milliseconds since the Unix epoch. */
  readonly startsAt: number;
  /** Energy average over what is known of it, in dB. */
  readonly level: number;
  /** The highest sample, in dB. */
  readonly highest: number;
  /** How much of it is known, in milliseconds. */
  readonly knownMs: number;
}

export interface NoiseThresholds {
  /** @throws GatewayError `device_not_found`, `unsupported_action`, `invalid_input`, `storage_unavailable` */
  create(
    request: NewNoiseThreshold,
    origin: Origin,
  ): Promise<{ readonly attempt: AttemptRecord; readonly threshold: NoiseThresholdRecord }>;
  /**
   * An episode under way goes on and is judged by the new rule.
   * @throws GatewayError `noise_threshold_not_found`, `invalid_input`, `storage_unavailable`
   */
  update(noiseThresholdId: string, change: NoiseThresholdChange, origin: Origin): Promise<AttemptRecord>;
  /** Removing one that was removed answers with that attempt. @throws GatewayError `noise_threshold_not_found` */
  remove(noiseThresholdId: string, origin: Origin): Promise<AttemptRecord>;
  get(noiseThresholdId: string): NoiseThresholdRecord | undefined;
  list(deviceId?: string): NoiseThresholdRecord[];
  /** Thresholds of the device that are exceeded now. */
  exceeded(deviceId: string): readonly string[];
  /** Whether the sensor itself was seen to hold this limit as well. */
  isKeptByDevice(threshold: NoiseThresholdRecord): boolean;
  /**
   * The sensor's last day, oldest first: the minutes that begin within `[from, until)`, in milliseconds since the Unix
   * epoch.
   */
  minutes(deviceId: string, from: number, until: number): readonly NoiseMinute[];
  /** The same of its last week, hour by hour. */
  hours(deviceId: string, from: number, until: number): readonly NoiseMinute[];
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

export interface NewWebhook {
  readonly url: string;
  /** `*` for all. */
  readonly eventTypes: readonly string[];
  /** Of a key that is restricted to some devices: the webhook hears what that key may see, for as long as it may. */
  readonly keyId?: string;
}

export interface Webhook extends NewWebhook {
  readonly webhookId: string;
  /** `whsec_` and the signing key in base64. */
  readonly secret: Secret;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** Whom events are sent to. */
export interface Webhooks {
  /** @throws GatewayError `invalid_input`, `storage_unavailable` */
  create(request: NewWebhook): Promise<Webhook>;
  get(webhookId: string): Webhook | undefined;
  /** Oldest first. */
  list(): Webhook[];
  /** @throws GatewayError `webhook_not_found`, `storage_unavailable` */
  update(webhookId: string, eventTypes: readonly string[]): Promise<void>;
  /** Deleting one that was deleted does nothing. @throws GatewayError `webhook_not_found`, `storage_unavailable` */
  delete(webhookId: string): Promise<void>;
  /** The digits of access codes are sent along. */
  readonly includesCodes: boolean;
  /** How many events wait for their receivers. */
  readonly queued: number;
  /** Undefined for one that is not there. */
  queueOf(webhookId: string): WebhookQueueReport | undefined;
}

/** What waits for one receiver. */
export interface WebhookQueueReport {
  readonly queued: number;
  /** Tries in a row that it did not take. */
  readonly failures: number;
  /** Given up since the start because too many waited. */
  readonly dropped: number;
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
  readonly administration: DeviceAdministration;
  readonly attempts: Attempts;
  readonly doors: Doors;
  readonly accessCodes: AccessCodes;
  readonly userIdentities: UserIdentities;
  readonly spaces: Spaces;
  readonly accessGrants: AccessGrants;
  readonly noise: NoiseThresholds;
  readonly events: Events;
  readonly webhooks: Webhooks;
  readonly sandbox: Sandbox;
  readonly time: ClockTrust;
  links(): readonly LinkReport[];
  /** Whether all that the ports show now is on disk: see `Store.kept`, and {@link whenKept}. */
  kept(): true | Promise<boolean>;
  /** How much waits or runs at a device; 0 also for one that is not there. */
  laneDepth(deviceId: string): number;
  /** False while nothing new can be accepted, with the reason. */
  readonly ready: { readonly ok: true } | { readonly ok: false; readonly reason: string };
}
