import type { SubjectRecovery } from '../attempts/recovery.ts';
import { withinReadLimit } from '../attempts/recovery.ts';
import type { AccessCodeService, AccessCodeServiceOptions } from './access-code-service.ts';
import { readBackCreate, readBackDelete } from './code-work.ts';

/** How attempts on codes that an earlier run left pending are ended: by reading the slot that was committed first. */
export function codeRecovery(options: AccessCodeServiceOptions, service: AccessCodeService): SubjectRecovery {
  return (left) => {
    if (left.subject?.kind !== 'access_code' || !options.book.get(left.subject.accessCodeId)) return {};
    const { accessCodeId } = left.subject;
    if (left.actionType === 'DELETE_ACCESS_CODE') {
      return {
        alsoSettle: (settlement) => service.afterDelete(accessCodeId, settlement),
        work: (device, ctx) =>
          withinReadLimit(options.clock, ctx.signal, (signal) =>
            readBackDelete(options, accessCodeId, device, { ...ctx, signal }),
          ),
      };
    }
    // Without an intent nothing was written, whatever slot had been taken for it.
    if (!left.intent) options.book.change(accessCodeId, { placements: [] });
    return {
      alsoSettle: (settlement) => service.afterCreate(accessCodeId, settlement),
      work: (device, ctx) =>
        withinReadLimit(options.clock, ctx.signal, (signal) =>
          readBackCreate(options, accessCodeId, device, { ...ctx, signal }),
        ),
    };
  };
}
