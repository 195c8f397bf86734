import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../config/canonical-json.ts';
import { type Clock, GatewayError } from '../../contract/index.ts';
import type { AccessCodes, Gateway, Origin } from '../../model/gateway.ts';
import type { AccessCodeRecord, AttemptRecord } from '../../model/records.ts';
import { accessCodeSchema } from '../../wire/access-code.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { type Caller, changeRoute, type Route } from '../route.ts';
import { noSuchCode } from './access-code-lookup.ts';
import { changedAccessCodes, newAccessCodes, patchOf, wishOf } from './access-code-parameters.ts';
import { findDevice } from './device-lookup.ts';

/** Codes of one stay on several doors. */
export function accessCodeGroupRoutes(clock: Clock): Route[] {
  const keys = new GroupKeys(clock);
  const answer = z.object({ access_codes: z.array(accessCodeSchema), action_attempts: z.array(actionAttemptSchema) });
  const changed = (attempts: readonly AttemptRecord[], codes: readonly AccessCodeRecord[], caller: Caller) => {
    const { gateway, answers } = caller;
    return {
      attempts,
      answer: () => ({
        access_codes: codes.map((code) =>
          answers.accessCode(gateway.accessCodes.get(code.accessCodeId) ?? code, caller),
        ),
        action_attempts: attempts.map((attempt) =>
          answers.attempt(gateway.attempts.get(attempt.actionAttemptId) ?? attempt, caller),
        ),
      }),
    };
  };
  return [
    changeRoute('update', {
      path: '/access_codes/create_multiple',
      summary: 'Put one access code on several locks: all are accepted, or none',
      scopes: ['codes'],
      params: newAccessCodes,
      answer,
      change: async (params, origin, caller) => {
        const { gateway } = caller;
        const { accessCodes } = gateway;
        const { device_ids, behavior_when_code_cannot_be_shared: whenNotShareable = 'throw', ...rest } = params;
        const deviceIds = [...new Set(device_ids)].map((device_id) => findDevice(gateway, { device_id }).deviceId);
        const repeats = isRepetition(gateway, origin);
        const commonCodeKey = rest.common_code_key ?? keys.of(origin, params);
        if (repeats) return changed([], withKey(accessCodes, commonCodeKey), caller);
        const wish = { ...wishOf(rest), commonCodeKey, deviceIds, whenNotShareable };
        const { attempts, codes } = await accessCodes.createMultiple(wish, origin);
        return changed(attempts, codes, caller);
      },
    }),
    changeRoute('update', {
      path: '/access_codes/update_multiple',
      summary: 'Change all access codes of one common_code_key',
      scopes: ['codes'],
      params: changedAccessCodes,
      answer,
      change: async ({ common_code_key, name, starts_at, ends_at }, origin, caller) => {
        const { accessCodes } = caller.gateway;
        const codes = withKey(accessCodes, common_code_key);
        if (codes.length === 0) throw noSuchCode();
        const patch = patchOf({ name, starts_at, ends_at });
        const attempts: AttemptRecord[] = [];
        const { idempotency: _, ...each } = origin;
        for (const { accessCodeId } of codes) attempts.push(await accessCodes.update(accessCodeId, patch, each));
        return changed(attempts, codes, caller);
      },
    }),
  ];
}

const withKey = (accessCodes: AccessCodes, key: string): AccessCodeRecord[] =>
  accessCodes.list().filter(({ commonCodeKey, removal }) => commonCodeKey === key && removal === undefined);

/** Whether the request was done before under its Idempotency-Key. @throws GatewayError `idempotency_key_reused` */
function isRepetition({ attempts }: Gateway, { idempotency }: Origin): boolean {
  const first = idempotency && attempts.idempotency(idempotency.scope);
  if (first !== undefined && first.fingerprint !== idempotency?.fingerprint)
    throw new GatewayError(
      'idempotency_key_reused',
      'This Idempotency-Key was used before with other parameters. Use a new one for a new request.',
    );
  return first !== undefined;
}

/** How long a repeated request without an Idempotency-Key counts as the same, in milliseconds (a guess). */
const sameRequestMs = 60_000;

/**
 * Gives the codes of one request their common key, and a repetition of the request the same one, which the gateway
 * answers with the codes that are there. The official client repeats a PUT by itself when its answer is lost.
 */
class GroupKeys {
  readonly #clock: Clock;
  readonly #recent = new Map<string, { readonly key: string; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of({ actor, idempotency }: Origin, params: unknown): string {
    if (idempotency !== undefined) return `idempotency_${idempotency.scope}`;
    const now = this.#clock.now();
    for (const [request, { at }] of this.#recent) if (now - at > sameRequestMs) this.#recent.delete(request);
    // The digest alone is held on to: the parameters may hold a PIN.
    const request = createHash('sha256')
      .update(canonicalJson([actor, params]))
      .digest('base64url');
    const known = this.#recent.get(request);
    if (known !== undefined) return known.key;
    const key = randomUUID();
    this.#recent.set(request, { key, at: now });
    return key;
  }
}
