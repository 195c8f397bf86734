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

/** Lock'n'go unlocks first; that it locks afterwards has an entry of its own. */
const movements: ReadonlyMap<number, Operated['operation']> = new Map<number, Operated['operation']>([
  [lockActions.unlock, 'unlocked'],
  [lockActions.lock, 'locked'],
  [lockActions.unlatch, 'unlocked'],
  [lockActions.lockAndGo, 'unlocked'],
  [lockActions.lockAndGoWithUnlatch, 'unlocked'],
  [lockActions.fullLock, 'locked'],
]);

/** Where an action at the keypad came from (Bluetooth API, "Keypad action"). */
const keypadSources = { arrow: 0, code: 1, fingerprint: 2 } as const;

/** Numbers that no code has: nobody, and all. */
const nobody: ReadonlySet<number> = new Set([0, 0xffff]);

const operationOf = (action: number, completion: number): Operated['operation'] | undefined => {
  if (completion === completions.motorBlocked) return 'jammed';
  if (completion === completions.invalidCode || completion === completions.invalidFingerprint) return 'access_denied';
  return completion === completions.success ? movements.get(action) : undefined;
};

/**
 * What an entry of the lock's log tells of somebody operating it. Our own commands are left out: their attempts tell
 * of them.
 */
export function operatedFrom({ authorizationId, detail }: LogEntry, ownId: number): Operated | undefined {
  if (detail.kind === 'lock_action') {
    if (authorizationId === ownId && detail.trigger === triggers.system) return undefined;
    const operation = operationOf(detail.action, detail.completion);
    const method = methods.get(detail.trigger) ?? 'unknown';
    // "System" is a command over Bluetooth (Bluetooth API, "Trigger"): a telephone's, a fob's, or a bridge's.
    const via = detail.trigger === triggers.system ? { via: 'bluetooth' as const } : {};
    return operation && { kind: 'lock_operated', operation, method, ...via };
  }
  if (detail.kind !== 'keypad') return undefined;
  const operation = operationOf(detail.action, detail.completion);
  if (operation === undefined) return undefined;
  const { source, codeId } = detail;
  // Fingers are counted apart from codes: the number of one must not pass for the other's.
  const isCode = source === keypadSources.code;
  const slot = operation !== 'access_denied' && isCode && !nobody.has(codeId) ? { slot: codeId } : {};
  const denial = denials.get(detail.completion);
  const method = isCode ? 'keycode' : source === keypadSources.arrow ? 'manual' : 'unknown';
  return { kind: 'lock_operated', operation, method, ...slot, ...(denial && { denial }) };
}
