import type { DenialReason, DeviceReport, LockMethod } from '../../../src/contract/index.ts';
import { completions, lockActions, triggers } from './catalogue.ts';
import type { LogEntry } from './codec-replies.ts';

type Operated = Extract<DeviceReport, { kind: 'lock_operated' }>;

const methods: ReadonlyMap<number, LockMethod> = new Map<number, LockMethod>([
  [triggers.manual, 'manual'],
  [triggers.button, 'manual'],
  [triggers.automatic, 'automatic'],
  [triggers.autoLock, 'automatic'],
  [triggers.system, 'remote'],
  [triggers.homeKit, 'remote'],
  [triggers.mqtt, 'remote'],
]);

const denials: ReadonlyMap<number, DenialReason> = new Map<number, DenialReason>([
  [completions.invalidCode, 'unknown_code'],
  [completions.invalidFingerprint, 'credential_error'],
]);

const operationOf = (action: number, completion: number): Operated['operation'] | undefined => {
  if (completion === completions.motorBlocked) return 'jammed';
  if (completion === completions.invalidCode || completion === completions.invalidFingerprint) return 'access_denied';
  if (completion !== completions.success) return undefined;
  return action === lockActions.lock || action === 0x06 ? 'locked' : 'unlocked';
};

/**
 * What an entry of the lock's log tells of somebody operating it. Our own commands are left out: their attempts tell
 * of them.
 */
export function operatedFrom({ authorizationId, detail }: LogEntry, ownId: number): Operated | undefined {
  if (detail.kind === 'lock_action') {
    if (authorizationId === ownId && detail.trigger === triggers.system) return undefined;
    const operation = operationOf(detail.action, detail.completion);
    return operation && { kind: 'lock_operated', operation, method: methods.get(detail.trigger) ?? 'unknown' };
  }
  if (detail.kind !== 'keypad') return undefined;
  const operation = operationOf(detail.action, detail.completion);
  if (operation === undefined) return undefined;
  const slot = operation !== 'access_denied' && detail.codeId !== 0 ? { slot: detail.codeId } : {};
  const denial = denials.get(detail.completion);
  return { kind: 'lock_operated', operation, method: 'keycode', ...slot, ...(denial && { denial }) };
}
