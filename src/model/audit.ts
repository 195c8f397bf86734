import type { Actor, AttemptRecord, Settlement } from './records.ts';

/**
 * What the audit log tells of. `asked` is a change that no attempt stands for, written before it is made; `refused` says
 * that it, or a command, was not done. `audit_end_unknown`: a start found nothing that vouches for where the log ended.
 */
export type AuditKind =
  | 'attempt'
  | 'asked'
  | 'refused'
  | 'login_refused'
  | 'api_key_created'
  | 'api_key_changed'
  | 'api_key_revoked'
  | 'gateway_started'
  | 'gateway_stopped'
  | 'pairing_changed'
  | 'database_created'
  | 'rows_left_out'
  | 'audit_end_unknown'
  | 'personal_data_forgotten'
  | 'store_key_changed'
  | 'backup_made'
  | 'backup_restored'
  | 'configuration_changed'
  | 'onboarding_ended';

/** Who did it: never a person's name, which could not be forgotten without breaking the chain. */
export type AuditActor =
  | { readonly kind: 'api_key'; readonly api_key_id: string; readonly address: string }
  | { readonly kind: 'cli' | 'mqtt' | 'schedule' | 'reconcile' | 'gateway' };

export interface AuditEntry {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly kind: AuditKind;
  readonly by: AuditActor;
  /** As on the wire. Never a PIN, a key or a name. */
  readonly details: Readonly<Record<string, unknown>>;
  /** A name that goes with it and can be forgotten: the chain holds a salted digest of it. */
  readonly name?: string;
}

/** An entry in its place in the chain. */
export interface AuditRecord {
  readonly seq: number;
  /** JSON, as it was written: the hash is made from these very characters. */
  readonly text: string;
  /** JSON `[salt, name]`; undefined when there is none, or it was forgotten. */
  readonly name: string | undefined;
  /** Hexadecimal. */
  readonly hash: string;
}

export const auditActor = (actor: Actor): AuditActor =>
  actor.kind === 'api_key'
    ? { kind: 'api_key', api_key_id: actor.keyId, address: actor.address }
    : { kind: actor.kind };

/** What is written down, together with an attempt's end, of who asked for what and what became of it. */
export function attemptAudit(
  attempt: Pick<AttemptRecord, 'actionAttemptId' | 'actionType' | 'deviceId' | 'subject' | 'actor' | 'acceptedAt'>,
  settlement: Settlement,
  settledAt: number,
): { readonly kind: 'audit_put'; readonly entry: AuditEntry } {
  const { actionAttemptId, actionType, deviceId, subject, actor, acceptedAt } = attempt;
  return {
    kind: 'audit_put',
    entry: {
      at: settledAt,
      kind: 'attempt',
      by: auditActor(actor),
      details: {
        action_attempt_id: actionAttemptId,
        action_type: actionType,
        device_id: deviceId,
        ...(subject?.kind === 'access_code' && { access_code_id: subject.accessCodeId }),
        ...(subject?.kind === 'noise_threshold' && { noise_threshold_id: subject.noiseThresholdId }),
        ...(subject?.kind === 'auto_lock' && {
          auto_lock_enabled: subject.enabled,
          ...(subject.delaySeconds !== undefined && { auto_lock_delay_seconds: subject.delaySeconds }),
        }),
        asked_at: acceptedAt,
        outcome: settlement.status === 'success' ? 'success' : settlement.error.type,
      },
    },
  };
}
