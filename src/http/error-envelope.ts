import { errorTypes, GatewayError, type GatewayErrorType } from '../contract/index.ts';
import { InvalidInput, type ValidationErrors } from './invalid-input.ts';

/** The wire contract's error body. */
export interface ErrorBody {
  readonly error: {
    readonly type: GatewayErrorType;
    readonly message: string;
    readonly validation_errors?: ValidationErrors;
  };
  readonly ok: false;
}

export interface ErrorAnswer {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: ErrorBody;
}

/** Texts for people; what else an error holds, its stack above all, stays here. */
export function errorAnswer(error: GatewayError): ErrorAnswer {
  const { type, message } = error;
  // A type without an HTTP status ends attempts. Thrown at a request it is our own mistake.
  if (error.http === undefined) return errorAnswer(ourFault());
  const tree =
    error instanceof InvalidInput
      ? error.validationErrors
      : type === 'invalid_input'
        ? treeFromMessage(message)
        : undefined;
  const busy = error.http === errorTypes.lane_full.http || error.http === errorTypes.storage_unavailable.http;
  return {
    status: error.http,
    retryAfterSeconds: busy ? Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1)) : undefined,
    body: { error: { type, message, ...(tree === undefined ? {} : { validation_errors: tree }) }, ok: false },
  };
}

const aboutParameters = /^([a-z]\w*(?:, [a-z]\w*)*): (.+)$/s;

/** The core names the parameters it refuses at the beginning of the message: `starts_at, ends_at: both or none`. */
function treeFromMessage(message: string): ValidationErrors {
  const [, names, text] = aboutParameters.exec(message) ?? [];
  if (names === undefined || text === undefined) return { _errors: [message] };
  return { _errors: [], ...Object.fromEntries(names.split(', ').map((name) => [name, { _errors: [text] }])) };
}

export const ourFault = (): GatewayError =>
  new GatewayError(
    'internal_error',
    'The gateway met a fault of its own. The log has the details under this seam-request-id; please report it.',
  );
