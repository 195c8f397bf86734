/** The API's objects, as far as the console shows them. /openapi.json describes them whole. */
export interface Problem {
  readonly error_code?: string;
  readonly warning_code?: string;
  readonly message: string;
  readonly created_at?: string;
}

export interface Device {
  readonly device_id: string;
  readonly device_type: string;
  readonly display_name: string;
  readonly capabilities_supported: readonly string[];
  readonly can_remotely_unlock?: boolean;
  readonly can_program_online_access_codes?: boolean;
  readonly space_ids?: readonly string[];
  readonly properties: {
    readonly online: boolean;
    readonly manufacturer?: string;
    readonly model?: { readonly display_name: string };
    readonly locked?: boolean;
    readonly door_open?: boolean;
    readonly battery?: { readonly level: number; readonly status: string };
    readonly noise_level_decibels?: number;
    readonly supports_backup_access_code_pool?: boolean;
    readonly backup_access_code_pool_enabled?: boolean;
    readonly currently_triggering_noise_threshold_ids?: readonly string[];
    readonly strikeplate_metadata: {
      readonly slug: string;
      readonly driver: string;
      readonly link: string;
      readonly health: 'online' | 'offline' | 'not_ready' | 'misconfigured';
      readonly health_reason: string | null;
      readonly health_since: string;
      readonly last_seen_at: string | null;
      readonly lock_state?: 'locked' | 'unlocked' | 'locking' | 'unlocking' | 'jammed' | 'unknown';
      readonly observes?: 'bolt' | 'reports' | 'actuator' | 'nothing';
      readonly last_operated_by: string | null;
      readonly noise_measured_at?: string;
      readonly out_of_service: boolean;
      readonly out_of_service_since: string | null;
      readonly out_of_service_by: string | null;
      readonly out_of_service_reason: string | null;
    };
  };
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface Attempt {
  readonly action_attempt: {
    readonly action_attempt_id: string;
    readonly action_type: string;
    readonly status: 'pending' | 'success' | 'error';
    readonly result: { readonly was_confirmed_by_device?: boolean } | null;
    readonly error: { readonly type: string; readonly message: string } | null;
  };
  readonly action_attempt_history: {
    readonly action_attempt_id: string;
    readonly device_id: string;
    readonly accepted_at: string;
    readonly settled_at: string | null;
    readonly actor: { readonly kind: string; readonly name?: string; readonly address?: string };
    readonly history: readonly HistoryStep[];
  };
}

export interface HistoryStep {
  readonly state: string;
  readonly at: string;
  readonly reason: string;
  readonly evidence?: readonly Evidence[];
}

/** A message that was weighed, and what it was worth. */
export interface Evidence {
  readonly at: string;
  readonly source: string;
  readonly about: string | null;
  readonly value: string | null;
  readonly verdict: string;
  readonly times: number;
}

/** Weekdays and hours that come back every week. */
export interface WeeklySchedule {
  readonly time_zone: string;
  readonly windows: readonly {
    readonly weekdays: readonly Weekday[];
    readonly starts_at: string;
    readonly ends_at: string;
  }[];
}

type Weekday = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday';

export interface AccessCode {
  readonly access_code_id: string;
  readonly device_id: string;
  readonly name: string | null;
  readonly code: string | null;
  readonly type: 'ongoing' | 'time_bound';
  readonly status: 'unset' | 'setting' | 'set' | 'removing' | 'unknown';
  readonly starts_at?: string;
  readonly ends_at?: string | null;
  readonly created_at: string;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly is_managed: boolean;
  readonly is_backup?: boolean;
  readonly is_backup_access_code_available?: boolean;
  readonly cannot_be_managed?: boolean;
  /** The lock has it already, and takes it at its times. */
  readonly is_scheduled_on_device?: boolean;
  readonly access_grant_id?: string;
  readonly strikeplate_schedule?: WeeklySchedule;
  readonly pending_mutations?: readonly {
    readonly mutation_code: string;
    readonly message: string;
    readonly scheduled_at?: string;
  }[];
}

export interface CodesOfLocks {
  readonly access_codes: readonly AccessCode[];
  readonly unmanaged_access_codes: readonly AccessCode[];
  /** By access_code_id. */
  readonly set_since: Readonly<Record<string, string>>;
}

export interface Grant {
  readonly access_grant_id: string;
  readonly user_identity_id: string;
  readonly space_ids: readonly string[];
  readonly name: string | null;
  readonly display_name: string;
  readonly created_at: string;
  readonly starts_at: string;
  readonly ends_at: string | null;
  readonly access_method_ids: readonly string[];
  readonly errors: readonly (Problem & { readonly missing_device_ids?: readonly string[] })[];
  readonly warnings: readonly (Problem & { readonly device_id?: string })[];
  readonly strikeplate_device_ids: readonly string[];
  readonly strikeplate_schedule?: WeeklySchedule;
}

export interface Method {
  readonly access_method_id: string;
  readonly access_grant_id: string;
  readonly display_name: string;
  readonly code: string | null;
  readonly is_issued: boolean;
  readonly issued_at: string | null;
  readonly strikeplate_doors: readonly {
    readonly device_id: string;
    readonly access_code_id: string | null;
    readonly has_access: boolean;
    readonly is_over: boolean;
  }[];
}

export interface Person {
  readonly user_identity_id: string;
  readonly user_identity_key: string | null;
  readonly display_name: string;
  readonly full_name: string | null;
  readonly email_address: string | null;
  readonly phone_number: string | null;
}

export interface Space {
  readonly space_id: string;
  readonly name: string;
  readonly device_count: number;
}

export interface ApiKey {
  readonly api_key_id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly device_ids: readonly string[] | null;
  readonly space_ids: readonly string[] | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly previous_until: string | null;
}

export interface Webhook {
  readonly webhook_id: string;
  readonly url: string;
  readonly event_types: readonly string[];
}

export interface NoiseThreshold {
  readonly noise_threshold_id: string;
  readonly device_id: string;
  readonly name: string;
  readonly noise_threshold_decibels: number;
  readonly starts_daily_at: string;
  readonly ends_daily_at: string;
  readonly sustained_seconds: number;
  readonly kept_by: 'gateway' | 'device';
}

export interface NoiseLevel {
  readonly starts_at: string;
  readonly average_decibels: number;
  readonly highest_decibels: number;
  readonly known_seconds: number;
}

export interface GatewayEvent {
  readonly event_id: string;
  readonly event_type: string;
  readonly device_id?: string;
  readonly occurred_at: string;
  readonly method?: string;
  readonly access_code_id?: string;
  readonly noise_level_decibels?: number;
  readonly event_description?: string;
  readonly action_attempt_id?: string;
  readonly access_grant_id?: string;
  readonly noise_threshold_id?: string;
  readonly noise_threshold_name?: string;
  readonly peak_decibels?: number;
  readonly started_at?: string;
  readonly ended_at?: string;
}

export interface Box {
  readonly gateway_id: string;
  readonly name: string;
  readonly version: string;
  readonly boot_id: string;
  readonly started_at: string;
  readonly now: string;
  readonly ready: boolean;
  readonly not_ready_reason: string | null;
  readonly clock_confirmed: boolean;
  readonly clock_doubt: string | null;
  readonly links: readonly {
    readonly name: string;
    readonly status: string;
    readonly reason: string | null;
    readonly hint: string | null;
    readonly reconnects: number;
  }[];
  readonly pending_attempts: number;
  readonly queued_webhooks: number;
  readonly device_count: number;
  /** Devices at which something waits or runs. */
  readonly lanes: readonly { readonly device_id: string; readonly waiting: number }[];
  readonly webhook_queues: readonly {
    readonly webhook_id: string;
    readonly queued: number;
    readonly failures: number;
    readonly dropped: number;
  }[];
}
