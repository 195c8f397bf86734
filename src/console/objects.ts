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
  readonly properties: {
    readonly online: boolean;
    readonly manufacturer?: string;
    readonly model?: { readonly display_name: string };
    readonly locked?: boolean;
    readonly door_open?: boolean;
    readonly battery?: { readonly level: number; readonly status: string };
    readonly noise_level_decibels?: number;
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
    readonly history: readonly { readonly state: string; readonly at: string; readonly reason: string }[];
  };
}

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
  readonly pending_mutations?: readonly {
    readonly mutation_code: string;
    readonly message: string;
    readonly scheduled_at?: string;
  }[];
}

export interface NoiseThreshold {
  readonly noise_threshold_id: string;
  readonly device_id: string;
  readonly name: string;
  readonly noise_threshold_decibels: number;
  readonly starts_daily_at: string;
  readonly ends_daily_at: string;
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
  readonly noise_threshold_name?: string;
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
}
