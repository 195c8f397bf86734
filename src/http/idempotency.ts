import { createHash, createHmac } from 'node:crypto';
import { canonicalJson } from '../config/canonical-json.ts';
import { GatewayError } from '../contract/index.ts';
import type { Attempts } from '../model/gateway.ts';
import type { AttemptRecord } from '../model/records.ts';
import { InvalidInput } from './invalid-input.ts';

const MAX_KEY_LENGTH = 255;

export interface IdempotencyClaim {
  readonly scope: string;
  readonly fingerprint: string;
}

export interface IdempotentRequest {
  /** The header `Idempotency-Key`. */
  readonly idempotencyKey: string;
  /** The API key as it was sent: two API keys never share an idempotency key. */
  readonly apiKey: string;
  readonly method: string;
  readonly route: string;
  readonly params: unknown;
}

/**
 * Both digests are keyed with something that is derived from the API key and stored nowhere. A body may hold a PIN,
 * and a plain hash of a body with a PIN gives the PIN away to whoever tries all of them.
 *
 * @throws InvalidInput
 */
export function idempotencyClaim(request: IdempotentRequest): IdempotencyClaim {
  const { idempotencyKey, method, route, params } = request;
  if (idempotencyKey === '' || idempotencyKey.length > MAX_KEY_LENGTH)
    throw new InvalidInput(`The header Idempotency-Key must have 1 to ${MAX_KEY_LENGTH} characters.`);
  const secret = createHash('sha256').update('strikeplate idempotency\0').update(request.apiKey).digest();
  const digest = (purpose: string, text: string) =>
    createHmac('sha256', secret).update(`${purpose}\0`).update(text).digest('base64url');
  return {
    scope: digest('scope', `${method} ${route} ${idempotencyKey}`),
    fingerprint: digest('body', canonicalJson(params)),
  };
}

interface UnderWay {
  readonly fingerprint: string;
  readonly accepted: Promise<AttemptRecord>;
}

/** Runs a request once per claim: a repetition is shown the first one's attempt. */
export class Idempotency {
  readonly #underWay = new Map<string, UnderWay>();

  /**
   * @param attempts as the caller may see them
   * @returns the attempt that `accept` led to, now or the first time. A refusal is not remembered: nothing was done.
   * @throws GatewayError `idempotency_key_reused`, and what `accept` throws
   */
  async once(
    claim: IdempotencyClaim,
    attempts: Pick<Attempts, 'get' | 'idempotency'>,
    accept: () => Promise<AttemptRecord>,
  ): Promise<AttemptRecord> {
    const first = this.#underWay.get(claim.scope);
    if (first !== undefined) {
      assertSame(first.fingerprint, claim);
      return first.accepted;
    }
    const earlier = attempts.idempotency(claim.scope);
    if (earlier !== undefined) {
      assertSame(earlier.fingerprint, claim);
      const attempt = attempts.get(earlier.actionAttemptId);
      if (attempt !== undefined) return attempt;
      throw new GatewayError(
        'action_attempt_not_found',
        'This Idempotency-Key was used before, and the attempt it led to is no longer kept. Use a new key.',
      );
    }
    const accepted = accept();
    this.#underWay.set(claim.scope, { fingerprint: claim.fingerprint, accepted });
    try {
      return await accepted;
    } finally {
      this.#underWay.delete(claim.scope);
    }
  }
}

function assertSame(fingerprint: string, claim: IdempotencyClaim): void {
  if (fingerprint !== claim.fingerprint)
    throw new GatewayError(
      'idempotency_key_reused',
      'This Idempotency-Key was used before with other parameters. Use a new key for each request.',
    );
}
