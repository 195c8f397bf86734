import type { DenialReason, LimitName, LockMethod } from '../contract/index.ts';
import type { ActionType } from './records.ts';

/** An event without fields of its own. */
type Nothing = Readonly<Record<never, never>>;

/** As an attempt ended: Seam has these for doors alone. */
interface AttemptEnded {
  readonly action_type: ActionType;
  readonly status: 'success' | 'error';
  /** Ours: why it failed. */
  readonly error?: { readonly type: string; readonly message: string };
}

/** What a problem with a code was at the time, as its `errors` and `warnings` on the wire. */
interface CodeProblems {
  readonly access_code_errors: readonly Readonly<Record<string, unknown>>[];
  readonly access_code_warnings: readonly Readonly<Record<string, unknown>>[];
}

/** A code is not as it was at its lock any more. */
interface CodeChanged {
  readonly change_reason?: string;
  readonly changed_properties?: readonly ChangedProperty[];
}

/** Digits and names are null: from what to what they changed is nobody's to read later. */
interface ChangedProperty {
  readonly property: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** One property of a code changed, with its values as the code itself has them. */
interface PropertyChanged<Property extends string> {
  readonly description: string;
  readonly from: Readonly<Record<Property, string | null>>;
  readonly to: Readonly<Record<Property, string | null>>;
}

interface LockMoved {
  readonly method: LockMethod;
  readonly is_via_bluetooth?: boolean;
  readonly is_via_nfc?: boolean;
  /** Ours: the code's number on the lock, where it told one. */
  readonly slot?: number;
}

/** Of a method, with the grant that it belongs to, as a list: Seam's method may belong to several. */
interface OfGrants {
  readonly access_grant_ids: readonly string[];
  readonly access_grant_keys?: readonly string[];
}

/** The digits are filled in when it is shown. */
interface MethodIssued extends OfGrants {
  readonly is_backup_code: boolean;
}

/** A door in Seam's words for access systems: here its id is that of its device, which the event names as well. */
interface OfDoor {
  readonly acs_entrance_id: string;
}

interface OfSpace {
  readonly device_ids: readonly string[];
  readonly acs_entrance_ids: readonly string[];
  readonly space_key?: string;
}

/** One measured stretch above a threshold. Times are milliseconds since the Unix epoch, levels dB. */
interface ThresholdTriggered {
  readonly noise_threshold_name: string;
  readonly noise_level_decibels: number;
  readonly [more: string]: unknown;
}

/**
 * Every event and what it says beside the ids it is about. Names and fields are Seam's (API reference, events); those
 * that begin with `strikeplate.` are ours, where Seam has none. Keys are as on the wire.
 */
export interface EventDetails {
  'lock.locked': LockMoved;
  'lock.unlocked': LockMoved;
  'lock.access_denied': {
    readonly reason?: { readonly reason_code: DenialReason; readonly message: string };
    readonly method?: LockMethod;
    readonly slot?: number;
  };

  'access_code.created': Nothing;
  'access_code.changed': CodeChanged;
  'access_code.name_changed': PropertyChanged<'name'>;
  'access_code.code_changed': PropertyChanged<'code'>;
  'access_code.time_frame_changed': PropertyChanged<'starts_at' | 'ends_at'>;
  'access_code.mutations_requested': { readonly requested_mutations: readonly Readonly<Record<string, unknown>>[] };
  'access_code.scheduled_on_device': Nothing;
  'access_code.set_on_device': Nothing;
  'access_code.removed_from_device': Nothing;
  'access_code.delay_in_setting_on_device': CodeProblems;
  'access_code.failed_to_set_on_device': CodeProblems;
  'access_code.delay_in_removing_from_device': CodeProblems;
  'access_code.failed_to_remove_from_device': CodeProblems;
  'access_code.deleted': Nothing;
  'access_code.modified_external_to_seam': CodeChanged;
  'access_code.deleted_external_to_seam': Nothing;
  'access_code.backup_access_code_pulled': { readonly backup_access_code_id: string };
  'access_code.unmanaged.created': { readonly slot?: number };
  'access_code.unmanaged.removed': { readonly slot?: number };
  'access_code.unmanaged.converted_to_managed': Nothing;
  'access_code.unmanaged.failed_to_convert_to_managed': CodeProblems;

  'access_grant.created': Nothing;
  'access_grant.deleted': Nothing;
  'access_grant.access_granted_to_door': OfDoor;
  'access_grant.access_granted_to_all_doors': Nothing;
  /** `reason` is ours. */
  'access_grant.access_to_door_lost': OfDoor & { readonly reason: string };
  'access_grant.access_times_changed': {
    readonly access_grant_key?: string;
    readonly starts_at?: string;
    readonly ends_at?: string;
  };
  'access_grant.could_not_create_requested_access_methods': {
    readonly error_message: string;
    readonly missing_device_ids: readonly string[];
  };
  'access_method.created': OfGrants;
  'access_method.issued': MethodIssued;
  'access_method.reissued': MethodIssued;
  'access_method.revoked': OfGrants;
  'access_method.deleted': OfGrants;
  'access_method.delay_in_issuing': OfGrants;
  'access_method.failed_to_issue': OfGrants;
  'space.created': OfSpace;
  'space.deleted': OfSpace;
  'space.device_membership_changed': OfSpace;

  'action_attempt.lock_door.succeeded': AttemptEnded;
  'action_attempt.lock_door.failed': AttemptEnded;
  'action_attempt.unlock_door.succeeded': AttemptEnded;
  'action_attempt.unlock_door.failed': AttemptEnded;

  'device.connected': Nothing;
  /** `error_code` and the device's errors are filled in from the reason when it is shown. */
  'device.disconnected': { readonly reason: string; readonly hint: string };
  'device.added': { readonly device_name?: string };
  'device.removed': { readonly device_name?: string };
  'device.deleted': { readonly device_name?: string };
  /** The device's errors and warnings are filled in when it is shown. */
  'device.connection_became_flaky': Nothing;
  'device.connection_stabilized': Nothing;
  'device.accessory_keypad_connected': Nothing;
  'device.accessory_keypad_disconnected': Nothing;
  /** Of a device that somebody set aside. */
  'device.unmanaged.connected': Nothing;
  'device.unmanaged.disconnected': { readonly reason: string; readonly hint: string };
  /** Somebody set it aside, or took it back: `is_managed`. */
  'device.converted_to_unmanaged': Nothing;
  'device.unmanaged.converted_to_managed': Nothing;
  'device.tampered': Nothing;
  'device.low_battery': { readonly battery_level?: number };
  'device.battery_status_changed': {
    readonly battery_status: 'critical' | 'low' | 'good' | 'full';
    readonly battery_level?: number;
  };
  'device.name_changed': { readonly device_name: string };
  /** Its commands are refused from now on. */
  'strikeplate.device.taken_out_of_service': { readonly by: string; readonly reason?: string };
  'strikeplate.device.put_into_service': { readonly by: string };

  /** A key was made, over HTTP or with a command. */
  'strikeplate.api_key.created': { readonly api_key_id: string; readonly scopes: readonly string[] };
  'strikeplate.api_key.revoked': { readonly api_key_id: string };
  /** Wrong keys came from an address: the first, then so many in a minute. */
  'strikeplate.api_key.refused': {
    readonly reason: string;
    readonly count: number;
    readonly address?: string;
    readonly api_key_id?: string;
  };

  /** Somebody gets to know a device: where that is now, or how it ended. */
  'strikeplate.onboarding.changed': {
    readonly onboarding_id: string;
    readonly onboarding_kind: string;
    readonly radio: string;
    readonly status: string;
    readonly step: string;
    readonly message: string;
  };

  'noise_sensor.noise_threshold_triggered': ThresholdTriggered;

  /** The bolt is stuck. */
  'strikeplate.lock.jammed': { readonly method?: LockMethod };
  /** The door opened while its lock stood locked and nobody released it. */
  'strikeplate.door.forced': Nothing;
  /** The door has stood open for longer than it may. */
  'strikeplate.door.held_open': { readonly opened_at: string; readonly after_seconds: number };
  /** A door that was held open is closed again. */
  'strikeplate.door.closed_again': { readonly opened_at: string; readonly open_seconds: number };
  /** More happened at the lock than it can tell of. */
  'strikeplate.lock.operations_missed': { readonly count: number };
  /** A slot was changed at the lock itself. */
  'strikeplate.lock.code_slot_changed': { readonly slot: number; readonly occupied: boolean };
  /** Somebody or something used up what strangers or one device may use: the rest is refused or left out. */
  'strikeplate.gateway.limit_reached': {
    readonly limit: LimitName;
    readonly source: string;
    readonly message: string;
  };
  /** A noisy stretch that was told of is over. */
  'strikeplate.noise_sensor.noise_threshold_ended': ThresholdTriggered;
}

export type EventType = keyof EventDetails;

/** What an event is about. */
export interface EventSubject {
  readonly deviceId?: string;
  readonly accessCodeId?: string;
  readonly actionAttemptId?: string;
  readonly noiseThresholdId?: string;
  readonly accessGrantId?: string;
  readonly accessMethodId?: string;
  readonly spaceId?: string;
  /** Milliseconds since the Unix epoch: when it happened, which may be long before anybody heard of it. */
  readonly occurredAt: number;
}

/** An event as its producer tells it. No details hold a PIN: who may see one has it filled in when it is shown. */
export type EventDraft = {
  readonly [Type in EventType]: EventSubject & { readonly eventType: Type } & (Nothing extends EventDetails[Type]
      ? { readonly details?: EventDetails[Type] }
      : { readonly details: EventDetails[Type] });
}[EventType];
