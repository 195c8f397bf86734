import type { CodeCommandContext, CommandContext, ReadContext } from './command.ts';
import type { Health } from './health.ts';
import type { Secret } from './secret.ts';
import type { Decibels, NoiseMetric, Ratio } from './units.ts';

/** `unknown` is an answer: it is what a gateway says before it has heard from the lock. */
export type LockState = 'locked' | 'unlocked' | 'locking' | 'unlocking' | 'jammed' | 'unknown';

/** How a lock was operated, in Seam's words (`lock.locked`, `lock.unlocked` events). */
export type LockMethod = 'keycode' | 'manual' | 'automatic' | 'remote' | 'card' | 'unknown';

/** Why a lock let nobody in, in Seam's words (`lock.access_denied` events). */
export type DenialReason =
  | 'unknown_code'
  | 'expired_code'
  | 'blocklisted_code'
  | 'too_many_attempts'
  | 'blocked_by_privacy_mode'
  | 'credential_error';

/**
 * What a device tells of itself, whenever it does. Reports describe the device; they never end an attempt by
 * themselves: that is for the command, which knows what it sent and when.
 */
type Report =
  | { readonly kind: 'health'; readonly health: Health }
  | { readonly kind: 'lock_state'; readonly state: LockState }
  /** Somebody or something operated the lock; `slot` is the code's slot where the lock tells it. */
  | {
      readonly kind: 'lock_operated';
      readonly operation: 'locked' | 'unlocked' | 'jammed' | 'access_denied';
      readonly method: LockMethod;
      readonly slot?: number;
      /** By what somebody's key or telephone reached it, where the lock tells that. */
      readonly via?: 'bluetooth' | 'nfc';
      /** Why nobody was let in, where the lock tells it. */
      readonly denial?: DenialReason;
    }
  | { readonly kind: 'door'; readonly contact: 'open' | 'closed' | 'unknown' }
  | { readonly kind: 'battery'; readonly level: Ratio | undefined; readonly low: boolean }
  /** A keypad that is a device of its own beside the lock came or went; `low`: its battery, where the lock tells. */
  | { readonly kind: 'accessory_keypad'; readonly connected: boolean; readonly low?: boolean }
  | { readonly kind: 'noise'; readonly level: Decibels; readonly metric: NoiseMetric }
  /** How the lock locks itself, as it told last. */
  | ({ readonly kind: 'auto_lock' } & AutoLock)
  /** A code slot changed at the lock itself, not by us. */
  | { readonly kind: 'code_slot'; readonly slot: number; readonly occupied: boolean }
  /** So many operations happened of which the device can tell no more, beside those that it told. */
  | { readonly kind: 'operations_missed'; readonly count: number }
  | { readonly kind: 'tamper' }
  /** The device itself was heard, and said nothing of the above that is new. */
  | { readonly kind: 'heard' }
  /**
   * What a capability says of itself (`observes`, `rules`, `metric`) was learnt from the device, or has changed: the
   * gateway looks at it again.
   */
  | { readonly kind: 'capabilities' };

/** `hearsay`: somebody else told it, a bridge from its memory or a broker that kept it. The device was not heard. */
export type DeviceReport = Report & { readonly hearsay?: true };

/**
 * What a lock's own word is worth.
 *
 * - `bolt`: it tells where its bolt is, and says so again when it is asked.
 * - `reports`: it tells where its bolt is when that changes, and cannot be asked: what it said last may be of long ago.
 * - `actuator`: a coil or motor contact is read back; nobody sees a bolt.
 * - `nothing`: a checked acknowledgement is all there is.
 */
export type Observes = 'bolt' | 'reports' | 'actuator' | 'nothing';

/** Whether what a lock calls its state is where its bolt is. */
export const tellsOfBolt = (observes: Observes | undefined): boolean => observes === 'bolt' || observes === 'reports';

export interface LockOutcome {
  /**
   * True when evidence that arose after the send showed the state asked for: a changed report, an event for this
   * action, or a read begun afterwards. An acknowledgement or a cached value is not evidence.
   */
  readonly wasConfirmedByDevice: boolean;
}

export interface LockReading {
  readonly state: LockState;
  readonly door?: 'open' | 'closed';
}

export interface LockCapability {
  /** May be learnt from the device, by a getter: the report `capabilities` says that it is another one now. */
  readonly observes: Observes;
  /**
   * What UNLOCK does. A latch that is pulled leaves no state behind that would tell whether it was: after a restart
   * `unlocked` settles nothing of it. A strike that is read as released is released now, so it is a bolt here. Default:
   * the bolt.
   */
  readonly unlockActsOn?: 'bolt' | 'latch';
  /** True when the lock tells by which code it was opened. */
  readonly tellsWho?: boolean;
  /**
   * Resolves as soon as the outcome is known, within `ctx.deadline`.
   * @throws GatewayError with a delivery. Silence until the signal aborts may simply reject with the signal's reason.
   */
  lock(ctx: CommandContext): Promise<LockOutcome>;
  unlock(ctx: CommandContext): Promise<LockOutcome>;
  /** Asks the device now; never answers from a cache. Absent for a lock that cannot be asked. */
  read?(ctx: ReadContext): Promise<LockReading>;
}

/** What the lock accepts as a code, checked before anything is sent. */
export interface AccessCodeRules {
  /** Lengths in digits, ascending. */
  readonly lengths: readonly number[];
  /** Digits that a code may use; most keypads have all ten. */
  readonly digits: string;
  /** A device's own further rule, as a sentence for the refused request, or undefined when the code is fine. */
  readonly refuse?: (code: Secret) => string | undefined;
  /** Slots the gateway may choose from, or `device` when the lock assigns its own number. */
  readonly slots: { readonly first: number; readonly count: number } | 'device';
  /** True when the lock itself keeps start and end times. */
  readonly nativeSchedule: boolean;
  /** Present when the lock also keeps {@link CodeSchedule.weekly} itself, in this IANA zone. */
  readonly weeklyHours?: { readonly timeZone: string };
  /** What a full read costs the device: battery locks are read on reconnect and at most daily. */
  readonly readCost: 'cheap' | 'battery';
}

export interface CodeSchedule {
  /** Milliseconds since the Unix epoch. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** Within these, only on some days and at some hours; for locks with a native schedule. */
  readonly weekly?: {
    /** 1 Monday to 7 Sunday; all when it is empty. */
    readonly days: readonly number[];
    /** Minutes after midnight, in the zone the lock keeps its time in; both 0 for the whole day. */
    readonly fromMinute: number;
    readonly untilMinute: number;
  };
}

export interface CodeWrite {
  /** The slot to write; undefined when the lock assigns it. */
  readonly slot: number | undefined;
  /** Kept by locks that store names; lets a code be found again after a crash. At most 20 ASCII characters. */
  readonly label: string;
  readonly code: Secret;
  readonly schedule?: CodeSchedule;
}

export interface SlotReading {
  readonly slot: number;
  readonly occupied: boolean;
  /** The code itself, where the lock shows it. */
  readonly code?: Secret;
  readonly label?: string;
}

/** `slot`: a slot can be read. `nothing`: the lock takes codes and tells of none, so nobody can confirm one. */
export type ObservesCodes = 'slot' | 'nothing';

export interface AccessCodeCapability {
  /** May be learnt from the device, as a lock's. */
  readonly observes: ObservesCodes;
  readonly rules: AccessCodeRules;
  /**
   * Writes a code to a free slot and reads it back. Resolves only when the lock was seen to hold it; for a lock that
   * tells of no code, when it had the write.
   * @throws GatewayError `code_not_stored`, `duplicate_code_on_device`, `slot_conflict` and the transport's own
   */
  set(ctx: CodeCommandContext, write: CodeWrite): Promise<SlotReading>;
  /** Empties a slot and reads it back. Resolves when the lock was seen not to hold it; an empty slot is a success. */
  clear(ctx: CodeCommandContext, slot: number): Promise<void>;
  /** Asks the lock now what the slot holds. Absent for a lock that cannot be asked. */
  read?(ctx: ReadContext, slot: number): Promise<SlotReading>;
  /** All occupied slots, for locks that can list them in one go. */
  list?(ctx: ReadContext): Promise<readonly SlotReading[]>;
}

/** Whether a lock locks itself some time after it was unlocked. */
export interface AutoLock {
  readonly enabled: boolean;
  /** Seconds from the unlocking; undefined where the lock does not tell, or has none while it is off. */
  readonly delaySeconds: number | undefined;
}

/** A lock that can be told whether, and when, to lock itself. */
export interface AutoLockCapability {
  /**
   * The delays that it keeps, in whole seconds; undefined for a lock that does not have it. It may be learnt from the
   * device, by a getter: the report `capabilities` says that it is known now.
   */
  readonly delays: { readonly min: number; readonly max: number } | undefined;
  /**
   * Writes it, reads it back, and resolves with what was read: the core compares. A lock that is told to stop keeps its
   * delay for the next time, where it can. Reports `auto_lock` as well.
   * @throws GatewayError with a delivery
   */
  configure(ctx: CodeCommandContext, wanted: AutoLock): Promise<AutoLock>;
  /** Asks the lock now. */
  read(ctx: ReadContext): Promise<AutoLock>;
}

/** A threshold kept by the device itself. */
export interface DeviceThreshold {
  readonly level: Decibels;
}

export interface NoiseCapability {
  readonly metric: NoiseMetric;
  /** The longest usual time between two levels, in milliseconds: a longer silence is a missing sample. */
  readonly expectedIntervalMs: number;
  /** Present when the device stores a threshold of its own. */
  setThreshold?(ctx: CommandContext, threshold: DeviceThreshold): Promise<void>;
  clearThreshold?(ctx: CommandContext): Promise<void>;
}

/**
 * An open device. A capability that is absent means "cannot": the core alone turns that into `unsupported_action`.
 * Which capabilities a device has follows from driver and settings, never from whether it is reachable. What one of
 * them is worth may be learnt.
 */
export interface Device {
  readonly lock?: LockCapability | undefined;
  readonly accessCodes?: AccessCodeCapability | undefined;
  readonly autoLock?: AutoLockCapability | undefined;
  readonly noise?: NoiseCapability | undefined;
  /** As its maker counts it, where it is known before the device was asked. */
  readonly serialNumber?: string | undefined;
  /** Its health is a bridge's word: the device itself was heard only when it reports something else. */
  readonly isBehindBridge?: true | undefined;
  /**
   * Releases everything; called once, after {@link OpenContext.closing} aborted. Commands in flight have been told to
   * end by that signal.
   */
  close(): Promise<void>;
}
