/** The action types of the wire contract (Seam's names, plus the two updates). */
export type ActionType =
  | 'LOCK_DOOR'
  | 'UNLOCK_DOOR'
  | 'CREATE_ACCESS_CODE'
  | 'UPDATE_ACCESS_CODE'
  | 'DELETE_ACCESS_CODE'
  | 'CREATE_NOISE_THRESHOLD'
  | 'UPDATE_NOISE_THRESHOLD'
  | 'REMOVE_NOISE_THRESHOLD';

export type AttemptStatus = 'pending' | 'success' | 'error';

/** Who asked. `schedule` and `reconcile` are the gateway itself; `cli` is somebody on the box. */
export type Actor =
  | { readonly kind: 'api_key'; readonly keyId: string; readonly name: string; readonly address: string }
  | { readonly kind: 'cli'; readonly name: string }
  | { readonly kind: 'schedule' }
  | { readonly kind: 'reconcile' };

/** One change of state in an attempt's life, in an operator's words. */
export interface HistoryEntry {
  readonly state: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Why, in a few words; never a PIN. */
  readonly reason: string;
}

/** How an attempt ended. `result` never holds an access code's digits: the HTTP layer fills them in for those allowed. */
export type Settlement =
  | { readonly status: 'success'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly status: 'error'; readonly error: { readonly type: string; readonly message: string } };

/** What an attempt is about, besides its device. */
export type Subject =
  | { readonly kind: 'access_code'; readonly accessCodeId: string }
  | { readonly kind: 'noise_threshold'; readonly noiseThresholdId: string };

export interface AttemptRecord {
  /** Order of acceptance; sort by it, never by the id. Given by the gateway, ascending over restarts. */
  readonly seq: number;
  /** UUIDv7. */
  readonly actionAttemptId: string;
  readonly actionType: ActionType;
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

/** A code the gateway put, or wants, on a lock. */
export interface AccessCodeRecord {
  readonly accessCodeId: string;
  readonly deviceId: string;
  readonly name: string | undefined;
  /** The digits, AES-256-GCM. */
  readonly sealedCode: Uint8Array;
  /** The slot taken on the lock; undefined until one is allocated. */
  readonly slot: number | undefined;
  readonly status: 'unset' | 'setting' | 'set' | 'removing';
  /** Milliseconds since the Unix epoch; both undefined for an ongoing code. */
  readonly startsAt: number | undefined;
  readonly endsAt: number | undefined;
  readonly createdAt: number;
  /** What is wrong with it at the moment, as Seam's `errors` and `warnings` entries. */
  readonly problem: { readonly errorCode: string; readonly message: string; readonly at: number } | undefined;
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

/** Something that happened. Names and details are as on the wire; src/events/event-types.ts lists them. */
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
  /** When it happened and when it was written down, in milliseconds since the Unix epoch. */
  readonly occurredAt: number;
  readonly createdAt: number;
  /** Never a PIN. */
  readonly details: Readonly<Record<string, unknown>>;
}
