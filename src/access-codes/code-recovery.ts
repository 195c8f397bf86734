import { notDone } from '../attempts/outcome.ts';
import type { SubjectRecovery } from '../attempts/recovery.ts';
import { withinReadLimit } from '../attempts/recovery.ts';
import { GatewayError } from '../contract/index.ts';
import type { ActionType, UnmanagedCodeRecord } from '../model/records.ts';
import type { CodeAttempts } from './code-attempts.ts';
import { inForeignCodeWords } from './code-words.ts';
import { type CodeWorkOptions, codesOf, findOut, nameOf } from './code-work.ts';
import { nextStep } from './next-step.ts';
import type { UnmanagedCodeService } from './unmanaged-code-service.ts';

/**
 * How attempts on codes that an earlier run left pending are ended: by reading the entries that were written down
 * before they could act. What is left to do then is reconciliation's.
 */
export function codeRecovery(
  options: CodeWorkOptions,
  attempts: CodeAttempts,
  unmanaged: UnmanagedCodeService,
): SubjectRecovery {
  const { repository, clock } = options;
  return (left) => {
    if (left.subject?.kind !== 'access_code') return {};
    const { accessCodeId } = left.subject;
    const foreign = repository.unmanaged(accessCodeId);
    if (foreign) return ofUnmanaged(options, unmanaged, foreign);
    const { deviceId } = left;
    if (!repository.get(accessCodeId)) return {};
    return {
      inWords: (failure) => attempts.inWords({ accessCodeId, deviceId }, failure),
      alsoSettle: (settlement) => attempts.afterLeftover(accessCodeId, settlement),
      work: (device, ctx) =>
        withinReadLimit(clock, ctx.signal, async (signal) => {
          const asked = new Set<string>();
          for (;;) {
            const code = repository.get(accessCodeId);
            if (!code) return {};
            const capability = codesOf(options, code, device);
            const next = code.placements.find(({ state, label }) => state !== 'planned' && !asked.has(label));
            if (next) {
              asked.add(next.label);
              await findOut(options, accessCodeId, next, capability, { ...ctx, signal }, 'held');
              continue;
            }
            if (nextStep(repository.evaluated(code), repository.holdingsOf(code.deviceId), capability.rules))
              throw unfinished(left.actionType, nameOf(options, accessCodeId), asked.size > 0);
            return left.actionType === 'DELETE_ACCESS_CODE' ? {} : { access_code_id: accessCodeId };
          }
        }),
    };
  };
}

/** A removal of somebody else's code: the slot tells. */
function ofUnmanaged(
  { registry, clock }: CodeWorkOptions,
  unmanaged: UnmanagedCodeService,
  { accessCodeId, deviceId, slot }: UnmanagedCodeRecord,
): ReturnType<SubjectRecovery> {
  return {
    inWords: inForeignCodeWords,
    alsoSettle: (settlement) => unmanaged.afterDelete(accessCodeId, settlement),
    work: (device, ctx) =>
      withinReadLimit(clock, ctx.signal, async (signal) => {
        const reading = await device.accessCodes?.read?.({ ...ctx, signal }, slot);
        if (reading?.occupied !== false) throw stillThere(registry.require(deviceId).snapshot.name);
        return {};
      }),
  };
}

/** @param asked the lock was asked, and said so */
function unfinished(actionType: ActionType, name: string, asked: boolean): GatewayError {
  if (!asked) {
    return new GatewayError(
      'gateway_restarted',
      `${notDone(name, actionType)}: the gateway was restarted before anything of it could have left.`,
    );
  }
  return actionType === 'CREATE_ACCESS_CODE'
    ? new GatewayError(
        'code_not_stored',
        `${name} was asked after a restart of the gateway, and does not hold the code as it is wanted.`,
      )
    : new GatewayError(
        'state_not_reached',
        `${name} was asked after a restart of the gateway, which had cut the change of its code short.`,
      );
}

const stillThere = (name: string): GatewayError =>
  new GatewayError(
    'state_not_reached',
    `${name} was asked after a restart of the gateway, and still holds a code in that slot.`,
  );
