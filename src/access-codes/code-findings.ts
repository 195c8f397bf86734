import type { Clock, Secret, SlotReading } from '../contract/index.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { AccessCodeRecord, CodePlacement } from '../model/records.ts';
import type { Change } from '../model/store.ts';
import type { CodeRepository } from './code-repository.ts';

export interface FindingsOptions {
  readonly clock: Clock;
  readonly repository: CodeRepository;
  /** UUIDv7 */
  readonly newId: () => string;
}

/**
 * Takes in what the lock was seen to hold in one slot: ours that are there, ours that are gone, and codes that are not
 * ours. It never decides what to do about them: that follows from what is wanted.
 *
 * @param whenFound what a doubtful entry becomes when the slot holds what may be it
 * @param changedAtLock the lock said that somebody else filled this slot: digits that it does not show are not ours
 */
export function takeReading(
  options: FindingsOptions,
  deviceId: string,
  reading: SlotReading,
  whenFound: 'held' | 'clearing' | 'writing',
  changedAtLock = false,
): readonly Change[] {
  const { repository } = options;
  const named = byLabel(repository, deviceId, reading.label);
  if (named) {
    const gone = vacated(options, deviceId, reading.slot, named.placement);
    return [...gone, ...takeOurs(options, deviceId, reading, named, whenFound, changedAtLock)];
  }
  const ours = repository.atSlot(deviceId, reading.slot);
  if (!reading.occupied) return ours ? emptied(options, ours) : unmanagedGone(options, deviceId, reading.slot);
  if (!ours) return foreign(options, deviceId, reading);
  return takeOurs(options, deviceId, reading, ours, whenFound, changedAtLock);
}

function takeOurs(
  options: FindingsOptions,
  deviceId: string,
  reading: SlotReading,
  { code, placement }: Placed,
  whenFound: 'held' | 'clearing' | 'writing',
  changedAtLock: boolean,
): readonly Change[] {
  const { repository } = options;
  const isReplaced = changedAtLock && reading.code === undefined && placement.state === 'held';
  if (!isReplaced && isOurs(repository, code, placement, reading)) {
    const changed = !hasDigits(repository, code, placement, reading);
    if (changed && reading.code) {
      const told = about('access_code.modified_external_to_seam', code, options.clock.wallTime());
      const sealedCode = repository.seal(reading.code, code);
      const stored = { ...placement, slot: reading.slot, sealedCode, state: 'spoilt' } as const;
      return repository.place(code.accessCodeId, placement, stored, ...(placement.state === 'held' ? [told] : []));
    }
    if (placement.state !== 'writing' || whenFound === 'writing') return [];
    return repository.place(code.accessCodeId, placement, { ...placement, slot: reading.slot, state: whenFound });
  }
  const told = about('access_code.modified_external_to_seam', code, options.clock.wallTime());
  return [
    ...repository.place(code.accessCodeId, placement, undefined, ...(placement.state === 'held' ? [told] : [])),
    ...foreign(options, deviceId, reading),
  ];
}

type Placed = { readonly code: AccessCodeRecord; readonly placement: CodePlacement };

/** An entry of ours whose slot the lock has not told yet. */
function byLabel(repository: CodeRepository, deviceId: string, label: string | undefined): Placed | undefined {
  if (label === undefined || label === '') return undefined;
  for (const code of repository.list(deviceId)) {
    const placement = code.placements.find((one) => one.slot === undefined && one.label === label);
    if (placement) return { code, placement };
  }
  return undefined;
}

/**
 * An entry of ours was seen in a slot that the lock chose: whatever else the repository has there went without a word.
 */
export function vacated(
  options: FindingsOptions,
  deviceId: string,
  slot: number,
  { label }: CodePlacement,
): readonly Change[] {
  const stale = options.repository.list(deviceId).flatMap((code) => {
    const placement = code.placements.find((one) => one.slot === slot && one.label !== label);
    return placement ? [{ code, placement }] : [];
  });
  return [...stale.flatMap((placed) => emptied(options, placed)), ...unmanagedGone(options, deviceId, slot)];
}

/**
 * Whether what stands in a slot is the entry of ours that the repository has there: by the digits that it was last seen with,
 * or by the name that only we give. A planned entry has not been written: whatever stands in its slot is somebody else's.
 * So is an entry with another name on a lock that hides its digits; a lock may have cut our name short.
 */
export function isOurs(
  repository: Pick<CodeRepository, 'read'>,
  code: AccessCodeRecord,
  placement: CodePlacement,
  reading: SlotReading,
): boolean {
  if (placement.state === 'planned') return false;
  const { code: digits, label = '' } = reading;
  if (digits === undefined && placement.label !== '' && !placement.label.startsWith(label)) return false;
  const hasOurName = placement.label !== '' && label === placement.label;
  return hasOurName || hasDigits(repository, code, placement, reading);
}

/**
 * True also when the lock does not show them, or ours cannot be read any more. A lock that tells them as a number has lost
 * the leading zeros: 0815 comes as 815, and nothing says that it is another code.
 */
const hasDigits = (
  repository: Pick<CodeRepository, 'read'>,
  code: AccessCodeRecord,
  placement: CodePlacement,
  reading: SlotReading,
): boolean => {
  const own = repository.read(placement.sealedCode, code);
  return reading.code === undefined || own === undefined || withoutZeros(reading.code) === withoutZeros(own);
};

const withoutZeros = (code: Secret): string => code.reveal().replace(/^0+/, '');

function emptied({ repository, clock }: FindingsOptions, { code, placement }: Placed): readonly Change[] {
  if (placement.state === 'planned') return [];
  const isLoss = placement.state === 'held' && code.removal === undefined;
  const told = about('access_code.deleted_external_to_seam', code, clock.wallTime());
  return repository.place(code.accessCodeId, placement, undefined, ...(isLoss ? [told] : []));
}

function unmanagedGone({ repository }: FindingsOptions, deviceId: string, slot: number): readonly Change[] {
  const known = repository.unmanagedAt(deviceId, slot);
  return known ? repository.removeUnmanaged(known, 'removed') : [];
}

function foreign(
  { repository, clock, newId }: FindingsOptions,
  deviceId: string,
  reading: SlotReading,
): readonly Change[] {
  const { slot, code, label } = reading;
  const known = repository.unmanagedAt(deviceId, slot);
  const knownDigits = known?.sealedCode && repository.read(known.sealedCode, known);
  const same = code === undefined || (knownDigits?.equals(code) ?? false);
  if (known && same && (label === undefined || label === known.name)) return [];
  const accessCodeId = known?.accessCodeId ?? newId();
  return repository.putUnmanaged({
    accessCodeId,
    deviceId,
    slot,
    name: label === '' ? undefined : label,
    sealedCode: code ? repository.seal(code, { accessCodeId, deviceId }) : known?.sealedCode,
    createdAt: known?.createdAt ?? clock.wallTime(),
  });
}

function about(
  eventType: 'access_code.modified_external_to_seam' | 'access_code.deleted_external_to_seam',
  { deviceId, accessCodeId }: AccessCodeRecord,
  occurredAt: number,
): EventDraft {
  const subject = { deviceId, accessCodeId, occurredAt };
  return eventType === 'access_code.modified_external_to_seam'
    ? { ...subject, eventType, details: {} }
    : { ...subject, eventType };
}
