import { GatewayError } from '../contract/index.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { Change } from '../model/store.ts';
import type { CodeRepository } from './code-repository.ts';
import { chooseDigits, type NewCodeOptions, newRecord, targetOf } from './new-code.ts';

export interface BackupPoolOptions extends NewCodeOptions {
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
  { registry, settings }: Pick<BackupPoolOptions, 'registry' | 'settings'>,
  deviceId: string,
): number {
  const device = registry.get(deviceId);
  if (device?.capabilities.accessCodes === undefined) return 0;
  const { backupPool = settings.backupCodes > 0 } = device.settings;
  return backupPool ? Math.max(settings.backupCodes, usualCount) : 0;
}

/**
 * Writes down the spare codes that a lock lacks; reconciliation puts them there. The last free slot is left to guests.
 */
export function replenish(options: BackupPoolOptions, deviceId: string, createdAt: number): readonly Change[] {
  const { book, registry, newId } = options;
  const rules = registry.get(deviceId)?.capabilities.accessCodes;
  if (!rules) return [];
  const changes: Change[] = [];
  let spares = book.list(deviceId).filter(isSpare).length;
  const room =
    rules.slots === 'device'
      ? Number.POSITIVE_INFINITY
      : rules.slots.count - book.list(deviceId).length - book.unmanagedList(deviceId).length - 1;
  const wanted = sparesWanted(options, deviceId);
  // Switched off for this lock: what lies ready on it opens the door, and is nobody's.
  if (registry.get(deviceId)?.settings.backupPool === false) {
    const removal = { cause: 'requested', at: createdAt } as const;
    return book
      .list(deviceId)
      .filter(isSpare)
      .flatMap(({ accessCodeId }) => book.change(accessCodeId, { removal }));
  }
  for (let added = 0; spares < wanted && added < room; added++, spares++) {
    const about = { accessCodeId: newId(), deviceId, createdAt };
    const digits = chooseDigits(options, {}, [targetOf(options, deviceId, forEver)]);
    const spare = newRecord(book, about, digits, { preferNativeScheduling: false }, forEver);
    changes.push(...book.save({ ...spare, backup: { pulledFor: undefined } }));
  }
  return changes;
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
