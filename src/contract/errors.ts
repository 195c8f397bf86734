/**
 * Whether the device may have acted on the command when a failure was noticed. It decides what may be tried again.
 *
 * - `not_sent`: no byte that can act has left.
 * - `maybe_sent`: a byte that can act has left, or may have.
 * - `refused`: the device received the command and said no; it has not acted.
 * - `acted`: the device did something, and the result is wrong or incomplete.
 */
export type Delivery = 'not_sent' | 'maybe_sent' | 'refused' | 'acted';

/**
 * What the gateway itself does after such a failure.
 *
 * - `never`: the attempt ends.
 * - `until_send_by`: tried again while the attempt may still send and nothing has left.
 * - `lock_once`: a LOCK is sent once more before `send_by`; an UNLOCK never.
 * - `once`: one more try.
 */
export type Retry = 'never' | 'until_send_by' | 'lock_once' | 'once';

interface ErrorType {
  /** The HTTP status when the error is an HTTP answer; absent when it ends an attempt inside an HTTP 200. */
  readonly http?: number;
  readonly retry: Retry;
  /** Delivery assumed when the thrower did not say. */
  readonly delivery: Delivery;
}

/** The one error table: docs/errors.md and the HTTP layer are tested against it. */
export const errorTypes = {
  // HTTP answers
  invalid_input: { http: 400, retry: 'never', delivery: 'not_sent' },
  unsupported_action: { http: 400, retry: 'never', delivery: 'not_sent' },
  mismatched_page_parameters: { http: 400, retry: 'never', delivery: 'not_sent' },
  invalid_event_types: { http: 400, retry: 'never', delivery: 'not_sent' },
  unauthorized: { http: 401, retry: 'never', delivery: 'not_sent' },
  insufficient_scope: { http: 403, retry: 'never', delivery: 'not_sent' },
  not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  device_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  action_attempt_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  connected_account_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  access_code_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  noise_threshold_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  event_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  webhook_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  api_key_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  onboarding_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  user_identity_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  space_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  access_grant_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  access_method_not_found: { http: 404, retry: 'never', delivery: 'not_sent' },
  method_not_allowed: { http: 405, retry: 'never', delivery: 'not_sent' },
  duplicate_access_code: { http: 409, retry: 'never', delivery: 'not_sent' },
  duplicate_key: { http: 409, retry: 'never', delivery: 'not_sent' },
  still_in_use: { http: 409, retry: 'never', delivery: 'not_sent' },
  onboarding_under_way: { http: 409, retry: 'never', delivery: 'not_sent' },
  idempotency_key_reused: { http: 409, retry: 'never', delivery: 'not_sent' },
  payload_too_large: { http: 413, retry: 'never', delivery: 'not_sent' },
  rate_limit_exceeded: { http: 429, retry: 'never', delivery: 'not_sent' },
  lane_full: { http: 429, retry: 'never', delivery: 'not_sent' },
  internal_error: { http: 500, retry: 'never', delivery: 'not_sent' },
  storage_unavailable: { http: 503, retry: 'never', delivery: 'not_sent' },
  gateway_stopping: { http: 503, retry: 'never', delivery: 'not_sent' },

  // ends of attempts
  device_offline: { retry: 'until_send_by', delivery: 'not_sent' },
  link_unavailable: { retry: 'until_send_by', delivery: 'not_sent' },
  device_not_ready: { retry: 'until_send_by', delivery: 'not_sent' },
  expired: { retry: 'never', delivery: 'not_sent' },
  superseded: { retry: 'never', delivery: 'not_sent' },
  gateway_restarted: { retry: 'never', delivery: 'not_sent' },
  misconfigured: { retry: 'never', delivery: 'not_sent' },
  out_of_service: { retry: 'never', delivery: 'not_sent' },
  device_busy: { retry: 'until_send_by', delivery: 'refused' },
  device_rejected: { retry: 'never', delivery: 'refused' },
  authentication_failed: { retry: 'never', delivery: 'refused' },
  low_battery: { retry: 'never', delivery: 'refused' },
  invalid_access_code: { retry: 'never', delivery: 'refused' },
  duplicate_code_on_device: { retry: 'never', delivery: 'refused' },
  no_space_for_access_code_on_device: { retry: 'never', delivery: 'refused' },
  slot_conflict: { retry: 'never', delivery: 'refused' },
  lock_jammed: { retry: 'never', delivery: 'acted' },
  hardware_fault: { retry: 'never', delivery: 'acted' },
  door_not_closed: { retry: 'never', delivery: 'acted' },
  state_not_reached: { retry: 'lock_once', delivery: 'maybe_sent' },
  code_not_stored: { retry: 'once', delivery: 'acted' },
  outcome_unknown: { retry: 'never', delivery: 'maybe_sent' },
} as const satisfies Record<string, ErrorType>;

export type GatewayErrorType = keyof typeof errorTypes;

export interface GatewayErrorOptions extends ErrorOptions {
  readonly delivery?: Delivery;
  /** For HTTP 429 and 503: when to come back, in seconds. */
  readonly retryAfterSeconds?: number;
}

/**
 * The one error class. `message` is written for a person on site: what happened, to which device, what to do next.
 * Neither it nor anything else on the error may hold a PIN or a key.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly type: GatewayErrorType;
  readonly delivery: Delivery;
  readonly retryAfterSeconds: number | undefined;

  constructor(type: GatewayErrorType, message: string, options: GatewayErrorOptions = {}) {
    super(message, options);
    this.type = type;
    this.delivery = options.delivery ?? errorTypes[type].delivery;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get http(): number | undefined {
    const row: ErrorType = errorTypes[this.type];
    return row.http;
  }

  get retry(): Retry {
    return errorTypes[this.type].retry;
  }
}
