import { type Clock, GatewayError } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { Change } from '../model/store.ts';
import type { CodeRepository } from './code-repository.ts';
import { chooseDigits, type NewCodeOptions, newRecord, targetOf } from './new-code.ts';

export interface BackupPoolOptions extends NewCodeOptions {
  readonly clock: Clock;
  readonly settings: { readonly backupCodes: number };
  /** UUIDv7 */
  readonly newId: () => string;
}

/** Where somebody wants spare codes on one lock and the configuration names no number. Seam leaves it open. */
const usualCount = 1;

const forEver = { startsAt: undefined, endsAt: undefined };

export const isSpare = ({ backup, removal }: AccessCodeRecord): boolean =>
  backup !== undefined && backup.pulledFor === undefined && removal === undefined;

/** A spare code of a lock that opens now. */
export const readySpare = (book: CodeRepository, deviceId: string): AccessCodeRecord | undefined =>
  book.list(deviceId).find((code) => isSpare(code) && code.status === 'set');

/** How many spare codes are to lie ready on a lock. */
export function sparesWanted(
  device: DeviceSnapshot | undefined,
  { backupCodes }: BackupPoolOptions['settings'],
): number {
  if (device?.capabilities.accessCodes === undefined) return 0;
  const { backupPool = backupCodes > 0 } = device.settings;
  return backupPool ? Math.max(backupCodes, usualCount) : 0;
}

/** Writes down one more spare code for a lock; reconciliation puts it there. */
export function newSpare(options: BackupPoolOptions, deviceId: string): readonly Change[] {
  const { book, newId, clock } = options;
  const about = { accessCodeId: newId(), deviceId, createdAt: clock.wallTime() };
  const digits = chooseDigits(options, {}, [targetOf(options, deviceId, forEver)]);
  const spare = newRecord(book, about, digits, { preferNativeScheduling: false }, forEver);
  return book.save({ ...spare, backup: { pulledFor: undefined } });
}

/**
 * Gives a spare code to the guest of another, until that one's end.
 * @throws GatewayError `invalid_input`
 */
export function pull(
  book: CodeRepository,
  code: AccessCodeRecord,
  name: string,
  at: number,
): { readonly backup: AccessCodeRecord; readonly changes: readonly Change[] } {
  if (!code.useBackupPool) {
    throw new GatewayError(
      'invalid_input',
      'This access code was created without use_backup_access_code_pool, so that no spare code can be pulled for it.',
    );
  }
  const spare = readySpare(book, code.deviceId);
  if (!spare) {
    throw new GatewayError(
      'invalid_input',
      `${name} holds no spare code at the moment. Try again later, or create another code.`,
    );
  }
  const { accessCodeId, deviceId } = code;
  const backup: AccessCodeRecord = {
    ...spare,
    name: code.name,
    backup: { pulledFor: accessCodeId },
    commonCodeKey: code.commonCodeKey,
    // It opens already; only its end is the stay's.
    ...(code.endsAt !== undefined && { startsAt: at, endsAt: code.endsAt }),
  };
  const warning = {
    code: 'using_backup_access_code',
    message: 'A spare code that was on the lock already is used in place of this one.',
    at,
  };
  const changes = [
    ...book.save(backup),
    ...book.change(
      accessCodeId,
      { pulledBackupAccessCodeId: backup.accessCodeId, warnings: [...code.warnings, warning] },
      {
        eventType: 'access_code.backup_access_code_pulled',
        deviceId,
        accessCodeId,
        occurredAt: at,
        details: { backup_access_code_id: backup.accessCodeId },
      },
    ),
  ];
  return { backup: book.require(backup.accessCodeId), changes };
}
