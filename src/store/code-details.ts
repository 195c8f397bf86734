import type { AccessCodeRecord, CodePlacement } from '../model/records.ts';

/** What of a code is kept in one JSON column: everything that no query asks for. */
type Details = Omit<AccessCodeRecord, Columns | 'placements'> & { readonly placements: readonly StoredPlacement[] };

type Columns = 'accessCodeId' | 'deviceId' | 'name' | 'sealedCode' | 'status' | 'startsAt' | 'endsAt' | 'createdAt';

/** `sealedCode` in hexadecimal. */
type StoredPlacement = Omit<CodePlacement, 'sealedCode'> & { readonly sealedCode: string };

export function detailsOf(code: AccessCodeRecord): Partial<Details> {
  const { accessCodeId, deviceId, name, sealedCode, status, startsAt, endsAt, createdAt, placements, ...rest } = code;
  return {
    ...rest,
    placements: placements.map((placement) => ({
      ...placement,
      sealedCode: Buffer.from(placement.sealedCode).toString('hex'),
    })),
  };
}

/** The same back. What an older version did not keep is as if it had never been asked for. */
export function withDetails(columns: Pick<AccessCodeRecord, Columns>, details: Partial<Details>): AccessCodeRecord {
  return {
    ...columns,
    removal: details.removal,
    placements: (details.placements ?? []).map(({ slot, label, sealedCode, schedule, state }) => ({
      slot,
      label,
      sealedCode: new Uint8Array(Buffer.from(sealedCode, 'hex')),
      schedule,
      state,
    })),
    pendingMutations: details.pendingMutations ?? [],
    errors: details.errors ?? [],
    warnings: details.warnings ?? [],
    scheduledOnDevice: details.scheduledOnDevice ?? false,
    preferNativeScheduling: details.preferNativeScheduling ?? true,
    oneTimeUse: details.oneTimeUse ?? false,
    ...(details.maxUses !== undefined && { maxUses: details.maxUses }),
    ...(details.uses !== undefined && { uses: details.uses }),
    ...(details.hours && { hours: details.hours }),
    commonCodeKey: details.commonCodeKey,
    useBackupPool: details.useBackupPool ?? false,
    backup: details.backup && { pulledFor: details.backup.pulledFor },
    pulledBackupAccessCodeId: details.pulledBackupAccessCodeId,
    grant: details.grant,
  };
}
