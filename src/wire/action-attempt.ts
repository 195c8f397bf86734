import { z } from 'zod';
import type { ActionType, AttemptRecord, Evidence } from '../model/records.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

export const actionTypes = [
  'LOCK_DOOR',
  'UNLOCK_DOOR',
  'CREATE_ACCESS_CODE',
  'UPDATE_ACCESS_CODE',
  'DELETE_ACCESS_CODE',
  'CREATE_NOISE_THRESHOLD',
  'UPDATE_NOISE_THRESHOLD',
  'REMOVE_NOISE_THRESHOLD',
  'CONFIGURE_AUTO_LOCK',
  'SIMULATE_KEYPAD_CODE_ENTRY',
  'SIMULATE_MANUAL_LOCK_VIA_KEYPAD',
  'RESET_SANDBOX_WORKSPACE',
] as const satisfies readonly ActionType[];

/** What the official clients read as an action attempt: these five fields and no others. */
export const actionAttemptSchema = onceAsked(() =>
  z
    .object({
      action_attempt_id: z.string(),
      action_type: z.enum(actionTypes),
      status: z.enum(['pending', 'success', 'error']),
      result: z.record(z.string(), z.unknown()).nullable().describe('Null until the attempt succeeded.'),
      error: z
        .object({ type: z.string(), message: z.string() })
        .nullable()
        .describe('Null unless the attempt failed. docs/errors.md lists the types.'),
    })
    .meta({ id: 'action_attempt' }),
);

export type ActionAttempt = z.output<ReturnType<typeof actionAttemptSchema>>;

/**
 * @param complete adds to a success what only this caller may see; called for successful attempts alone
 */
export function actionAttempt(
  attempt: AttemptRecord,
  complete: (attempt: AttemptRecord, result: Readonly<Record<string, unknown>>) => Record<string, unknown>,
): ActionAttempt {
  const { settlement } = attempt;
  return {
    action_attempt_id: attempt.actionAttemptId,
    action_type: attempt.actionType,
    status: settlement?.status ?? 'pending',
    result: settlement?.status === 'success' ? complete(attempt, settlement.result) : null,
    error: settlement?.status === 'error' ? { type: settlement.error.type, message: settlement.error.message } : null,
  };
}

/** Our own: a message of the device, or of who carried the command, and what it was worth. */
const evidenceSchema = onceAsked(() =>
  z.object({
    at: z.string(),
    source: z.enum(['told', 'answer', 'word', 'acknowledgement', 'silence', 'gap', 'return', 'judgement']),
    about: z.string().nullable().describe('`bolt`, `relay`, `slot/5`; of a judgement, what it rests on.'),
    value: z.string().nullable(),
    verdict: z.enum([
      'proves',
      'moves',
      'stands',
      'elsewhere',
      'half_way',
      'stuck',
      'not_known',
      'refuses',
      'held',
      'of_the_past',
      'not_counted',
      'no_observation',
      'breaks_off',
      'decides',
    ]),
    times: z.number().int().describe('How often it came in a row.'),
  }),
);

/** Our own addition: how an attempt came to its end. */
export const attemptHistorySchema = onceAsked(() =>
  z
    .object({
      action_attempt_id: z.string(),
      device_id: z.string(),
      accepted_at: z.string(),
      settled_at: z.string().nullable(),
      actor: z.object({
        kind: z.enum(['api_key', 'cli', 'mqtt', 'schedule', 'reconcile']),
        api_key_id: z.string().optional(),
        name: z.string().optional(),
        address: z.string().optional(),
      }),
      history: z
        .array(
          z.object({
            state: z.string(),
            at: z.string(),
            reason: z.string(),
            evidence: z
              .array(evidenceSchema())
              .optional()
              .describe('What was heard of the device in this state and weighed, oldest first; 24 at most.'),
          }),
        )
        .describe('Oldest first.'),
    })
    .meta({ id: 'action_attempt_history' }),
);

export type AttemptHistory = z.output<ReturnType<typeof attemptHistorySchema>>;

export function attemptHistory(attempt: AttemptRecord, history: AttemptRecord['history']): AttemptHistory {
  const { actor } = attempt;
  return {
    action_attempt_id: attempt.actionAttemptId,
    device_id: attempt.deviceId,
    accepted_at: isoTime(attempt.acceptedAt),
    settled_at: attempt.settledAt === undefined ? null : isoTime(attempt.settledAt),
    actor:
      actor.kind === 'api_key'
        ? {
            kind: actor.kind,
            name: actor.name,
            // Of another key than the one that looks, where that one is restricted, neither is told.
            ...(actor.keyId !== '' && { api_key_id: actor.keyId, address: actor.address }),
          }
        : actor.kind === 'cli' || actor.kind === 'mqtt'
          ? { kind: actor.kind, name: actor.name }
          : { kind: actor.kind },
    history: history.map(({ state, at, reason, evidence }) => ({
      state,
      at: isoTime(at),
      reason,
      ...(evidence !== undefined && { evidence: evidence.map(wireEvidence) }),
    })),
  };
}

const wireEvidence = ({
  at,
  source,
  about,
  value,
  verdict,
  times,
}: Evidence): z.output<ReturnType<typeof evidenceSchema>> => ({
  at: isoTime(at),
  source,
  about: about ?? null,
  value: value ?? null,
  verdict,
  times,
});
