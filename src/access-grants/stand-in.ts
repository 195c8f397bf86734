import type { AccessGrantRecord, MethodDoor } from '../model/grant-records.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { Draft } from './draft.ts';
import type { GrantBook } from './grant-book.ts';
import { grantedToDoor, ofMethod } from './grant-events.ts';
import { doorWith, newMethod } from './methods.ts';
import type { ProvisioningOptions } from './provisioning-options.ts';
import { isOpen, judged, methodTidings } from './watching.ts';

/** Where a code could not be written in time, a spare one that is on the lock already lets its guest in. */
export function standIn(options: ProvisioningOptions, grant: AccessGrantRecord, request: number, draft: Draft): void {
  const { book, codes, moment } = options;
  const { at, sure } = moment();
  // A spare code opens at any hour.
  if (!sure || at < grant.startsAt || grant.hours) return;
  for (const method of book.methodsOf(grant.accessGrantId)) {
    if (method.request !== request || method.removal || method.standsInFor !== undefined) continue;
    for (const { deviceId, accessCodeId, replacedBy } of method.doors) {
      const code = codes.get(accessCodeId ?? '');
      if (!code || replacedBy !== undefined || !isStuck(code) || !codes.hasSpare(deviceId)) continue;
      pullFor(options, grant, method.accessMethodId, code, draft);
    }
  }
}

const isStuck = ({ removal, status, errors, warnings, pulledBackupAccessCodeId }: AccessCodeRecord): boolean =>
  removal === undefined &&
  pulledBackupAccessCodeId === undefined &&
  status === 'setting' &&
  (errors.length > 0 || warnings.some(({ code }) => code === 'delay_in_setting_on_device'));

function pullFor(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  originalId: string,
  code: AccessCodeRecord,
  draft: Draft,
): void {
  const { book, codes, vault, moment } = options;
  const original = book.methods.get(originalId);
  if (!original) return;
  const { at } = moment();
  const { accessGrantId } = grant;
  const empty = newMethod(options, grant, original.request, vault.open(original.sealedCode, original), originalId);
  const { accessMethodId } = empty;
  const pulled = codes.pull(code, { accessGrantId, accessMethodId });
  draft.code(pulled);
  const digits = codes.reveal(pulled.backup);
  const sealedCode = digits ? vault.seal(digits, { accessMethodId }) : empty.sealedCode;
  const wasOpen = isOpen(book, accessGrantId, code.deviceId);
  const method = judged({ ...empty, sealedCode, doors: [doorWith(code.deviceId, pulled.backup, at)] }, at);
  draft.method(method);
  draft.tell(ofMethod('access_method.created', method, grant, at));
  if (!wasOpen && isOpen(book, accessGrantId, code.deviceId))
    draft.tell(grantedToDoor(accessGrantId, code.deviceId, at));
  draft.tell(...methodTidings(empty, method, grant, at));
  changeDoor(book, draft, originalId, code.deviceId, (door) => ({ ...door, replacedBy: accessMethodId }), grant, at);
}

function changeDoor(
  book: GrantBook,
  draft: Draft,
  accessMethodId: string,
  deviceId: string,
  change: (door: MethodDoor) => MethodDoor,
  grant: AccessGrantRecord,
  at: number,
): void {
  const before = book.methods.get(accessMethodId);
  if (!before) return;
  const doors = before.doors.map((door) => (door.deviceId === deviceId ? change(door) : door));
  const after = judged({ ...before, doors }, at);
  draft.method(after);
  draft.tell(...methodTidings(before, after, grant, at));
}
