import { type Clock, GatewayError, Secret } from '../../../src/contract/index.ts';
import type { DeviceSnapshot } from '../../../src/model/device-snapshot.ts';
import type { AccessCodePatch, AccessCodes, Attempts, NewAccessCode, Origin } from '../../../src/model/gateway.ts';
import type {
  AccessCodeRecord,
  ActionType,
  AttemptRecord,
  Subject,
  UnmanagedCodeRecord,
} from '../../../src/model/records.ts';
import { aCode } from '../store/store-records.ts';

/** What of the gateway its parts need. */
export interface FakeHost {
  readonly clock: Clock;
  readonly accepted: readonly AttemptRecord[];
  readonly attempts: Attempts;
  device(deviceId: string): DeviceSnapshot;
  accept(
    actionType: ActionType,
    deviceId: string,
    subject: Subject | undefined,
    origin: Origin,
    commit?: () => unknown,
  ): Promise<AttemptRecord>;
}

const newCode = (
  part: Pick<AccessCodeRecord, 'accessCodeId' | 'deviceId' | 'name' | 'sealedCode' | 'createdAt'>,
): AccessCodeRecord =>
  aCode(0, {
    placements: [],
    pendingMutations: [{ mutationCode: 'creating', message: 'The code is being written.', createdAt: part.createdAt }],
    ...part,
  });

const notFound = () => new GatewayError('access_code_not_found', 'There is no such object.');

/** Access codes that are on no lock, and behave as the port says. */
export class FakeAccessCodes implements AccessCodes {
  /** Backup codes that can be pulled. */
  readonly backups: AccessCodeRecord[] = [];
  /** Codes that somebody else put on a lock. */
  readonly found: UnmanagedCodeRecord[] = [];
  readonly #host: FakeHost;
  readonly #codes = new Map<string, AccessCodeRecord>();

  constructor(host: FakeHost) {
    this.#host = host;
  }

  create: AccessCodes['create'] = (request, origin) => this.#createCode(request, origin);

  createMultiple: AccessCodes['createMultiple'] = async ({ deviceIds, ...request }, origin) => {
    const made: Awaited<ReturnType<AccessCodes['create']>>[] = [];
    // As the core does: the first carries the idempotency key.
    let { idempotency } = origin;
    for (const deviceId of deviceIds) {
      const each = { actor: origin.actor, receivedAt: origin.receivedAt, ...(idempotency && { idempotency }) };
      made.push(await this.#createCode({ ...request, deviceId }, each));
      idempotency = undefined;
    }
    return { attempts: made.map(({ attempt }) => attempt), codes: made.map(({ code }) => code) };
  };

  update: AccessCodes['update'] = (id, patch, origin) => this.#updateCode(id, patch, origin);

  delete: AccessCodes['delete'] = (id, origin) => this.#deleteCode(id, origin);

  generateCode(): Secret {
    return new Secret('582913');
  }

  /** Nobody waits for one. */
  backupPoolOf(deviceId: string) {
    const { capabilities, settings } = this.#host.device(deviceId);
    const isKept = capabilities.accessCodes !== undefined && settings.backupPool !== false;
    return { ready: isKept ? 2 : 0, wanted: isKept ? 2 : 0 };
  }

  isBackupAvailable({ useBackupPool }: AccessCodeRecord): boolean {
    return useBackupPool && this.backups.length > 0;
  }

  pullBackup: AccessCodes['pullBackup'] = async (id) => this.#pullBackup(id);

  get(id: string): AccessCodeRecord | undefined {
    return this.#codes.get(id);
  }

  list(deviceId?: string): AccessCodeRecord[] {
    return [...this.#codes.values()].filter((code) => (deviceId ?? code.deviceId) === code.deviceId);
  }

  atSlot(deviceId: string, slot: number): AccessCodeRecord | undefined {
    return this.list(deviceId).find(({ placements }) => placements.some((placement) => placement.slot === slot));
  }

  reveal(code: AccessCodeRecord): Secret {
    return new Secret(Buffer.from(code.sealedCode).toString());
  }

  readonly unmanaged: AccessCodes['unmanaged'] = {
    get: (id) => this.found.find(({ accessCodeId }) => accessCodeId === id),
    list: (deviceId) => this.found.filter((code) => (deviceId ?? code.deviceId) === code.deviceId),
    reveal: ({ sealedCode }) => sealedCode && new Secret(Buffer.from(sealedCode).toString()),
    delete: (id, origin) => this.#deleteUnmanaged(id, origin),
    convert: async (id) => this.#convert(id),
  };

  put(code: AccessCodeRecord): void {
    this.#codes.set(code.accessCodeId, code);
  }

  /** Takes a code away, as its removal's end does. */
  forget(accessCodeId: string): void {
    this.#codes.delete(accessCodeId);
  }

  /** What an attempt's end means for its code. */
  ended({ actionType, subject, settlement }: AttemptRecord): void {
    if (settlement?.status !== 'success' || subject?.kind !== 'access_code') return;
    const code = this.#codes.get(subject.accessCodeId);
    if (actionType === 'DELETE_ACCESS_CODE') this.#codes.delete(subject.accessCodeId);
    else if (code !== undefined) this.put({ ...code, status: 'set', pendingMutations: [] });
  }

  async #createCode(request: NewAccessCode, origin: Origin): ReturnType<AccessCodes['create']> {
    const device = this.#host.device(request.deviceId);
    if (device.capabilities.accessCodes === undefined)
      throw new GatewayError('unsupported_action', `${device.name} takes no codes.`);
    const digits = request.code?.reveal() ?? '582913';
    for (const other of this.list(device.deviceId))
      if (this.reveal(other).reveal() === digits)
        throw new GatewayError('duplicate_access_code', `${device.name} has this code already.`);
    const code: AccessCodeRecord = {
      ...newCode({
        accessCodeId: `code-${this.#codes.size + 1}`,
        deviceId: device.deviceId,
        name: request.name,
        sealedCode: Buffer.from(digits),
        createdAt: this.#host.clock.wallTime(),
      }),
      startsAt: request.startsAt,
      endsAt: request.endsAt,
      preferNativeScheduling: request.preferNativeScheduling ?? true,
      oneTimeUse: request.isOneTimeUse ?? false,
      commonCodeKey: request.commonCodeKey,
      useBackupPool: request.useBackupPool ?? false,
    };
    const subject = { kind: 'access_code', accessCodeId: code.accessCodeId } as const;
    const attempt = await this.#host.accept('CREATE_ACCESS_CODE', device.deviceId, subject, origin, () =>
      this.#codes.set(code.accessCodeId, code),
    );
    return { attempt, code };
  }

  async #deleteCode(id: string, origin: Origin): Promise<AttemptRecord> {
    const code = this.#codes.get(id);
    if (code === undefined) throw notFound();
    const subject = { kind: 'access_code', accessCodeId: id } as const;
    const underWay = this.#host.accepted.find(
      ({ actionType, subject: other }) =>
        actionType === 'DELETE_ACCESS_CODE' && other?.kind === 'access_code' && other.accessCodeId === id,
    );
    if (underWay !== undefined) return this.#host.attempts.get(underWay.actionAttemptId) ?? underWay;
    return this.#host.accept('DELETE_ACCESS_CODE', code.deviceId, subject, origin, () =>
      this.#codes.set(id, {
        ...code,
        status: 'removing',
        removal: { cause: 'requested', at: this.#host.clock.wallTime() },
        pendingMutations: [
          { mutationCode: 'deleting', message: 'The code is being removed.', createdAt: this.#host.clock.wallTime() },
        ],
      }),
    );
  }

  async #updateCode(id: string, { code: digits, name, ...times }: AccessCodePatch, origin: Origin) {
    const code = this.#codes.get(id);
    if (code === undefined) throw notFound();
    const subject = { kind: 'access_code', accessCodeId: id } as const;
    return this.#host.accept('UPDATE_ACCESS_CODE', code.deviceId, subject, origin, () =>
      this.#codes.set(id, {
        ...code,
        status: 'setting',
        ...(name === undefined ? {} : { name: name ?? undefined }),
        ...(digits === undefined ? {} : { sealedCode: Buffer.from(digits.reveal()) }),
        ...(times.startsAt === undefined ? {} : { startsAt: times.startsAt ?? undefined }),
        ...(times.endsAt === undefined ? {} : { endsAt: times.endsAt ?? undefined }),
      }),
    );
  }

  #pullBackup(id: string): { code: AccessCodeRecord; backup: AccessCodeRecord } {
    const code = this.#codes.get(id);
    if (code === undefined) throw notFound();
    const ready = this.backups.shift();
    if (ready === undefined || !code.useBackupPool)
      throw new GatewayError('invalid_input', 'There is no backup code for this access code.');
    const backup = { ...ready, backup: { pulledFor: id } };
    const pulled = { ...code, pulledBackupAccessCodeId: backup.accessCodeId };
    this.#codes.set(backup.accessCodeId, backup);
    this.#codes.set(id, pulled);
    return { code: pulled, backup };
  }

  async #deleteUnmanaged(id: string, origin: Origin): Promise<AttemptRecord> {
    const code = this.unmanaged.get(id);
    if (code === undefined) throw notFound();
    const subject = { kind: 'access_code', accessCodeId: id } as const;
    return this.#host.accept('DELETE_ACCESS_CODE', code.deviceId, subject, origin, () => this.#forgetUnmanaged(id));
  }

  #convert(id: string): AccessCodeRecord {
    const found = this.unmanaged.get(id);
    if (found?.sealedCode === undefined) throw notFound();
    const { accessCodeId, deviceId, name, sealedCode, slot, createdAt } = found;
    const code: AccessCodeRecord = {
      ...newCode({ accessCodeId, deviceId, name, sealedCode, createdAt }),
      status: 'set',
      placements: [{ slot, label: '', sealedCode, schedule: undefined, state: 'held' }],
      pendingMutations: [],
    };
    this.#codes.set(id, code);
    this.#forgetUnmanaged(id);
    return code;
  }

  #forgetUnmanaged(id: string): void {
    const index = this.found.findIndex(({ accessCodeId }) => accessCodeId === id);
    if (index >= 0) this.found.splice(index, 1);
  }
}
