import type { AutoLock, CodeSchedule, MessageSource, MessageVerdict } from '../contract/index.ts';
import type { WeeklyHours } from './code-hours.ts';
import type { CodeOfGrant } from './grant-records.ts';

/** The action types of the wire contract: Seam's names, but for one. */
export type ActionType =
  | 'LOCK_DOOR'
  | 'UNLOCK_DOOR'
  | 'CREATE_ACCESS_CODE'
  | 'UPDATE_ACCESS_CODE'
  | 'DELETE_ACCESS_CODE'
  | 'CREATE_NOISE_THRESHOLD'
  | 'UPDATE_NOISE_THRESHOLD'
  | 'REMOVE_NOISE_THRESHOLD'
  | 'CONFIGURE_AUTO_LOCK'
  | 'SIMULATE_KEYPAD_CODE_ENTRY'
  | 'SIMULATE_MANUAL_LOCK_VIA_KEYPAD'
  | 'RESET_SANDBOX_WORKSPACE';

export type AttemptStatus = 'pending' | 'success' | 'error';

/** Who asked. `schedule` and `reconcile` are the gateway itself; `cli` is somebody on the box. */
export type Actor =
  | { readonly kind: 'api_key'; readonly keyId: string; readonly name: string; readonly address: string }
  | { readonly kind: 'cli'; readonly name: string }
  /** Over a broker: whoever may write its command topic. `name` is the broker's link. */
  | { readonly kind: 'mqtt'; readonly name: string }
  | { readonly kind: 'schedule' }
  | { readonly kind: 'reconcile' };

/** One change of state in an attempt's life, in an operator's words. */
export interface HistoryEntry {
  readonly state: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Why, in a few words; never a PIN. */
  readonly reason: string;
  /** What was heard of the device in this state, oldest first; absent when nothing was weighed. */
  readonly evidence?: readonly Evidence[];
}

/** A message that was weighed while an attempt was judged. Never a PIN. */
export interface Evidence {
  /** Milliseconds since the Unix epoch: the first, when it came several times. */
  readonly at: number;
  readonly source: MessageSource;
  readonly about: string | undefined;
  readonly value: string | undefined;
  readonly verdict: MessageVerdict;
  /** How often it came in a row. */
  readonly times: number;
}

/** How an attempt ended. `result` never holds an access code's digits: the HTTP layer fills them in for those allowed. */
export type Settlement =
  | { readonly status: 'success'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly status: 'error'; readonly error: { readonly type: string; readonly message: string } };

/** What an attempt is about, besides its device. */
export type Subject =
  | { readonly kind: 'access_code'; readonly accessCodeId: string }
  | { readonly kind: 'noise_threshold'; readonly noiseThresholdId: string }
  /** What the lock is to keep: after a restart it is asked whether it does. */
  | ({ readonly kind: 'auto_lock' } & AutoLock);

export interface AttemptRecord {
  /** Order of acceptance; sort by it, never by the id. Given by the gateway, ascending over restarts. */
  readonly seq: number;
  /** UUIDv7. */
  readonly actionAttemptId: string;
  readonly actionType: ActionType;
  /** Of what concerns no device: the gateway's workspace. */
  readonly deviceId: string;
  readonly subject: Subject | undefined;
  readonly actor: Actor;
  /** Milliseconds since the Unix epoch. */
  readonly acceptedAt: number;
  /** True once the store knows that a command may have left. */
  readonly intent: boolean;
  readonly settlement: Settlement | undefined;
  readonly settledAt: number | undefined;
  readonly history: readonly HistoryEntry[];
}

/**
 * - `unset`: known, and not usable: its time has not come, or the lock keeps it until then (`scheduledOnDevice`).
 * - `setting`: it should be on the lock, and is not yet.
 * - `set`: usable; the lock was seen to hold it.
 * - `removing`: it is to go, and the lock may still hold it.
 */
export type AccessCodeStatus = 'unset' | 'setting' | 'set' | 'removing';

/**
 * One entry on the lock that is, or may be, ours: written down before the lock hears of it, and forgotten only when
 * the lock was seen without it.
 */
export interface CodePlacement {
  /** The lock's slot; undefined while a lock that assigns its own has not said which. */
  readonly slot: number | undefined;
  /** By it the entry is found again on locks that keep names. At most 20 ASCII characters. */
  readonly label: string;
  /** The digits written there, AES-256-GCM. */
  readonly sealedCode: Uint8Array;
  /** The times given to the lock, in milliseconds since the Unix epoch; undefined when the gateway keeps them. */
  readonly schedule: CodeSchedule | undefined;
  /**
   * - `planned`: the slot is taken; nothing has left.
   * - `writing`: a write may have left.
   * - `held`: the lock was seen to hold it.
   * - `clearing`: it must go before anything else is written for this code.
   * - `spoilt`: the same, and it is ours whatever digits it shows: the lock stored it otherwise than it was written.
   */
  readonly state: 'planned' | 'writing' | 'held' | 'clearing' | 'spoilt';
}

/** What still has to happen to a code, in Seam's words. */
export interface CodeMutation {
  readonly mutationCode:
    | 'creating'
    | 'deferring_creation'
    | 'updating_code'
    | 'updating_name'
    | 'updating_time_frame'
    | 'deleting';
  readonly message: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** `deferring_creation`: when it is written. */
  readonly scheduledAt?: number;
  /** `updating_time_frame`: both ends before and after; undefined for an ongoing code. */
  readonly from?: CodeTimes;
  readonly to?: CodeTimes;
}

/** Milliseconds since the Unix epoch; both undefined for an ongoing code. */
export interface CodeTimes {
  readonly startsAt: number | undefined;
  readonly endsAt: number | undefined;
  /** Within the times, at these hours alone. */
  readonly hours?: WeeklyHours | undefined;
}

/** What is wrong with a code, in Seam's words where it has them. */
export interface CodeProblem {
  readonly code: string;
  readonly message: string;
  /** Milliseconds since the Unix epoch: since when. */
  readonly at: number;
}

/** A code the gateway put, or wants, on a lock. */
export interface AccessCodeRecord extends CodeTimes {
  readonly accessCodeId: string;
  readonly deviceId: string;
  readonly name: string | undefined;
  /** The digits wanted, AES-256-GCM. */
  readonly sealedCode: Uint8Array;
  readonly status: AccessCodeStatus;
  readonly createdAt: number;
  /** Once it is there, the code is never wanted again: it goes as soon as the lock does not hold it. */
  readonly removal: { readonly cause: 'requested' | 'ended' | 'used'; readonly at: number } | undefined;
  /** What of it is, or may be, on the lock. */
  readonly placements: readonly CodePlacement[];
  readonly pendingMutations: readonly CodeMutation[];
  readonly errors: readonly CodeProblem[];
  readonly warnings: readonly CodeProblem[];
  /** The lock itself keeps its times, and waits for the first. */
  readonly scheduledOnDevice: boolean;
  /** False: the gateway keeps the times also on a lock that could. */
  readonly preferNativeScheduling: boolean;
  /** Removed after the lock told of its first use. */
  readonly oneTimeUse: boolean;
  /** Removed after the lock told of so many uses; undefined for any number. */
  readonly maxUses?: number | undefined;
  /** How many it told of; counted where a number is set. */
  readonly uses?: number | undefined;
  /** The same for all codes of one stay over several doors. */
  readonly commonCodeKey: string | undefined;
  /** May take a backup code's place on its guest's behalf. */
  readonly useBackupPool: boolean;
  /** A backup code: on the lock, and nobody's until it is pulled. */
  readonly backup: { readonly pulledFor: string | undefined } | undefined;
  /** The backup code that was pulled for this one. */
  readonly pulledBackupAccessCodeId: string | undefined;
  /** The access grant that wants it; undefined for a code that was asked for by itself. */
  readonly grant: CodeOfGrant | undefined;
}

/** A code found on a lock that this gateway did not put there: its slot is never written. */
export interface UnmanagedCodeRecord {
  readonly accessCodeId: string;
  readonly deviceId: string;
  readonly slot: number;
  /** What the lock calls it, where it keeps names. */
  readonly name: string | undefined;
  /** The digits, AES-256-GCM; undefined when the lock does not show them. */
  readonly sealedCode: Uint8Array | undefined;
  /** Milliseconds since the Unix epoch: when it was first seen. */
  readonly createdAt: number;
}

export interface NoiseThresholdRecord {
  readonly noiseThresholdId: string;
  readonly deviceId: string;
  readonly name: string;
  /** `HH:mm:ss` */
  readonly startsDailyAt: string;
  readonly endsDailyAt: string;
  /** IANA zone of the two times. */
  readonly timeZone: string;
  /** dB */
  readonly decibels: number;
  /** How long the level must be exceeded before an episode begins. */
  readonly sustainedMs: number;
  readonly createdAt: number;
}

/** The first answer under an `Idempotency-Key`, kept 24 h. */
export interface IdempotencyRecord {
  /** Hash of API key id, method, route and the key itself. */
  readonly scope: string;
  /** Hash of the body. */
  readonly fingerprint: string;
  readonly actionAttemptId: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** Something that happened. Names and details are as on the wire; src/model/event-types.ts lists them. */
export interface EventRecord {
  /** Order of commits; given by the store, ascending over restarts. */
  readonly seq: number;
  /** UUIDv7. */
  readonly eventId: string;
  readonly eventType: string;
  readonly deviceId: string | undefined;
  readonly accessCodeId: string | undefined;
  readonly actionAttemptId: string | undefined;
  readonly noiseThresholdId: string | undefined;
  readonly accessGrantId: string | undefined;
  readonly accessMethodId: string | undefined;
  readonly spaceId: string | undefined;
  /** When it happened and when it was written down, in milliseconds since the Unix epoch. */
  readonly occurredAt: number;
  readonly createdAt: number;
  /** Never a PIN. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Whom events are sent to. */
export interface WebhookRecord {
  readonly webhookId: string;
  readonly url: string;
  /** `*` for all. */
  readonly eventTypes: readonly string[];
  /** The signing secret, AES-256-GCM. */
  readonly sealedSecret: Uint8Array;
  /** Of a key that is restricted to some devices: only what that key may see is sent. */
  readonly keyId: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** Events up to this `seq` have been delivered, were not wanted, or stand in the deliveries. */
  readonly afterSeq: number;
}

/** An event that waits for another try, or for one before it. */
export interface WebhookDeliveryRecord {
  readonly webhookId: string;
  readonly eventSeq: number;
  /** Events of one object are delivered in order. */
  readonly objectKey: string;
  /** How many tries failed. */
  readonly tries: number;
  /** Milliseconds since the Unix epoch. */
  readonly nextAt: number;
}
