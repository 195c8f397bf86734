import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { Gateway } from '../../model/gateway.ts';
import type { ActionType, AttemptRecord } from '../../model/records.ts';
import { actionAttemptSchema, actionTypes, attemptHistory, attemptHistorySchema } from '../../wire/action-attempt.ts';
import { pageOf, pageParameters, paginationSchema } from '../page.ts';
import { type Route, readRoute } from '../route.ts';

/** Seam's cloud calls the removal of a threshold a deletion. */
const actionTypeFilters = [...actionTypes, 'DELETE_NOISE_THRESHOLD'] as const;

const typeOf = (filter: (typeof actionTypeFilters)[number]): ActionType =>
  filter === 'DELETE_NOISE_THRESHOLD' ? 'REMOVE_NOISE_THRESHOLD' : filter;

export function actionAttemptRoutes(): Route[] {
  const find = (gateway: Gateway, id: string): AttemptRecord => {
    const attempt = gateway.attempts.get(id);
    if (attempt === undefined)
      throw new GatewayError(
        'action_attempt_not_found',
        'There is no such action attempt at this gateway. It may be older than what is kept.',
      );
    return attempt;
  };
  const byId = z.object({ action_attempt_id: z.string() });
  return [
    readRoute({
      path: '/action_attempts/get',
      summary: 'Get an action attempt',
      // Whoever may command must be able to see what became of it.
      scopes: [],
      params: byId,
      answer: () => z.object({ action_attempt: actionAttemptSchema() }),
      respond: ({ action_attempt_id }, caller) => ({
        action_attempt: caller.answers.attempt(find(caller.gateway, action_attempt_id), caller),
      }),
    }),
    readRoute({
      path: '/action_attempts/list',
      summary: 'List action attempts, newest first',
      scopes: ['read'],
      params: z.object({
        action_attempt_ids: z.array(z.string()).max(1000).optional(),
        device_id: z.string().optional(),
        action_type: z.enum(actionTypeFilters).optional().describe('Our own.'),
        status: z.enum(['pending', 'success', 'error']).optional().describe('Our own.'),
        ...pageParameters,
      }),
      answer: () => z.object({ action_attempts: z.array(actionAttemptSchema()), pagination: paginationSchema() }),
      respond: (params, caller) => {
        const { gateway, answers } = caller;
        const { action_attempt_ids: ids, device_id: deviceId, action_type, status } = params;
        const { items, pagination } = pageOf(
          { route: '/action_attempts/list', url: caller.url, params },
          (after, limit) => {
            // The position is an id and not its number, which would tell how much happened at doors out of reach.
            // Older attempts go first: when it is gone, so is all that came after it on these pages.
            const last = after === undefined ? undefined : gateway.attempts.get(after);
            if (after !== undefined && last === undefined) return [];
            return gateway.attempts.list({
              limit,
              ...(ids === undefined ? {} : { actionAttemptIds: ids }),
              ...(deviceId === undefined ? {} : { deviceId }),
              ...(action_type === undefined ? {} : { actionTypes: [typeOf(action_type)] }),
              ...(status === undefined ? {} : { status }),
              ...(last === undefined ? {} : { beforeSeq: last.seq }),
            });
          },
          ({ actionAttemptId }) => actionAttemptId,
        );
        return { action_attempts: items.map((attempt) => answers.attempt(attempt, caller)), pagination };
      },
    }),
    readRoute({
      path: '/action_attempts/:action_attempt_id/history',
      summary: 'How an action attempt came to its end',
      scopes: ['read'],
      params: byId,
      answer: () => z.object({ action_attempt_history: attemptHistorySchema() }),
      respond: ({ action_attempt_id }, { gateway }) => {
        const attempt = find(gateway, action_attempt_id);
        const history = gateway.attempts.history(action_attempt_id) ?? attempt.history;
        return { action_attempt_history: attemptHistory(attempt, history) };
      },
    }),
  ];
}

/** Asks to hold the request until the attempt ended. Undocumented at Seam, and understood by its clients. */
export const syncParameter = {
  sync: z.boolean().optional().describe('Hold the request until the attempt ended, for at most 25 s.'),
};
