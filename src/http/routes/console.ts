import { z } from 'zod';
import type { Events } from '../../model/gateway.ts';
import type { AccessCodeRecord, AttemptRecord } from '../../model/records.ts';
import { accessCodeSchema } from '../../wire/access-code.ts';
import { actionAttemptSchema, attemptHistory, attemptHistorySchema } from '../../wire/action-attempt.ts';
import { isoTime } from '../../wire/iso-time.ts';
import { onceAsked } from '../../wire/once-asked.ts';
import { unmanagedAccessCodeSchema } from '../../wire/unmanaged-access-code.ts';
import { boxOf } from '../console/live.ts';
import { type Route, readRoute } from '../route.ts';

/** How many attempts are looked through for one answer: a search for what is rare ends there, and says so. */
const LOOK_THROUGH = 5_000;
const BATCH = 500;

const boxSchema = onceAsked(() =>
  z
    .object({
      gateway_id: z.string(),
      name: z.string(),
      version: z.string(),
      boot_id: z.string().describe('New at each start.'),
      started_at: z.string(),
      now: z.string().describe('By the gateway’s clock.'),
      ready: z.boolean(),
      not_ready_reason: z.string().nullable(),
      clock_confirmed: z.boolean(),
      clock_doubt: z.string().nullable(),
      links: z.array(
        z.object({
          name: z.string(),
          status: z.string(),
          reason: z.string().nullable(),
          hint: z.string().nullable(),
          reconnects: z.number(),
        }),
      ),
      pending_attempts: z.number(),
      queued_webhooks: z.number(),
      device_count: z.number(),
      lanes: z
        .array(z.object({ device_id: z.string(), waiting: z.number() }))
        .describe('Devices at which something waits or runs; 16 are taken.'),
      webhook_queues: z.array(
        z.object({
          webhook_id: z.string(),
          queued: z.number(),
          failures: z.number().describe('Tries in a row that the receiver did not take.'),
          dropped: z.number().describe('Given up since the start because too many waited.'),
        }),
      ),
    })
    .meta({ id: 'gateway' }),
);

const getGatewayRoute = readRoute({
  path: '/strikeplate/gateway/get',
  summary: 'Get how the gateway is: links, clock, what waits',
  scopes: ['read'],
  params: z.object({}),
  answer: () => z.object({ gateway: boxSchema() }),
  respond: (_params, caller) => ({ gateway: boxOf(caller) }),
});

const listAttemptsRoute = readRoute({
  path: '/strikeplate/attempts/list',
  summary: 'Search action attempts with who asked for them and every step, newest first',
  scopes: ['read'],
  params: z.object({
    device_id: z.string().optional(),
    status: z.enum(['pending', 'success', 'error']).optional(),
    error_type: z.string().optional(),
    doors_only: z.boolean().optional(),
    actor: z.string().optional().describe('Part of the name of the key that asked.'),
    from: z.iso.datetime({ offset: true }).optional(),
    to: z.iso.datetime({ offset: true }).optional(),
    before: z.string().optional().describe('The action_attempt_id at which the answer before ended.'),
    limit: z.number().int().min(1).max(500).optional().describe('50 unless told.'),
  }),
  answer: () =>
    z.object({
      attempts: z.array(
        z.object({ action_attempt: actionAttemptSchema(), action_attempt_history: attemptHistorySchema() }),
      ),
      has_more: z.boolean(),
    }),
  respond: ({ limit = 50, before, ...wanted }, caller) => {
    const { gateway, answers } = caller;
    const fits = filterOf(wanted);
    const from = wanted.from === undefined ? 0 : Date.parse(wanted.from);
    const found: AttemptRecord[] = [];
    let seq = before === undefined ? undefined : gateway.attempts.get(before)?.seq;
    let looked = 0;
    let hasMore = false;
    for (;;) {
      const batch = gateway.attempts.list({
        limit: BATCH,
        ...(wanted.device_id !== undefined && { deviceId: wanted.device_id }),
        ...(wanted.status !== undefined && { status: wanted.status }),
        ...(wanted.doors_only && { actionTypes: ['LOCK_DOOR', 'UNLOCK_DOOR'] as const }),
        ...(seq !== undefined && { beforeSeq: seq }),
      });
      for (const attempt of batch) {
        if (found.length === limit) {
          hasMore = true;
          break;
        }
        seq = attempt.seq;
        if (fits(attempt)) found.push(attempt);
      }
      looked += batch.length;
      const last = batch.at(-1);
      if (hasMore || last === undefined || batch.length < BATCH || last.acceptedAt < from) break;
      if (looked >= LOOK_THROUGH) {
        hasMore = true;
        break;
      }
    }
    return {
      attempts: found.map((attempt) => ({
        action_attempt: answers.attempt(attempt, caller),
        action_attempt_history: attemptHistory(attempt, attempt.history),
      })),
      has_more: hasMore,
    };
  },
});

const listAccessCodesRoute = readRoute({
  path: '/strikeplate/access_codes/list',
  summary: 'List the access codes of all locks, also those that this gateway did not make',
  scopes: ['read'],
  params: z.object({}),
  answer: () =>
    z.object({
      access_codes: z.array(accessCodeSchema()),
      unmanaged_access_codes: z.array(unmanagedAccessCodeSchema()),
      set_since: z
        .record(z.string(), z.string())
        .describe('By access_code_id: when the lock was last seen to have got it, as far as events are kept.'),
    }),
  respond: (_params, { gateway: { accessCodes, events }, answers }) => {
    // Digits are shown one by one, when somebody asks for them.
    const viewer = { may: () => false };
    return {
      access_codes: accessCodes.list().map((code) => answers.accessCode(code, viewer)),
      unmanaged_access_codes: accessCodes.unmanaged.list().map((code) => answers.unmanagedAccessCode(code, viewer)),
      set_since: setSince(accessCodes.list(), events),
    };
  },
});

/** Our own: what the console shows, for whoever wants to show it otherwise. */
export function consoleRoutes(): Route[] {
  return [getGatewayRoute, listAttemptsRoute, listAccessCodesRoute];
}

function filterOf(wanted: {
  readonly error_type?: string | undefined;
  readonly actor?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}): (attempt: AttemptRecord) => boolean {
  const from = wanted.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(wanted.from);
  const to = wanted.to === undefined ? Number.POSITIVE_INFINITY : Date.parse(wanted.to);
  const actor = wanted.actor?.toLowerCase();
  return ({ acceptedAt, settlement, actor: by }) =>
    acceptedAt >= from &&
    acceptedAt < to &&
    (wanted.error_type === undefined ||
      (settlement?.status === 'error' && settlement.error.type === wanted.error_type)) &&
    (actor === undefined || ('name' in by ? by.name : by.kind).toLowerCase().includes(actor));
}

/** Looked through for when codes came to their locks. */
const NEWEST_SET = 2_000;

function setSince(codes: readonly AccessCodeRecord[], events: Events): Record<string, string> {
  const onLocks = new Set(codes.filter(({ status }) => status === 'set').map(({ accessCodeId }) => accessCodeId));
  const found: Record<string, string> = {};
  if (onLocks.size === 0) return found;
  const set = events.list({ eventTypes: ['access_code.set_on_device'], newestFirst: true, limit: NEWEST_SET });
  for (const { accessCodeId, occurredAt } of set) {
    if (accessCodeId === undefined || !onLocks.delete(accessCodeId)) continue;
    found[accessCodeId] = isoTime(occurredAt);
    if (onLocks.size === 0) break;
  }
  return found;
}
