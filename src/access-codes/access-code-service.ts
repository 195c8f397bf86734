import type { Logger } from 'pino';
import type { AttemptRegistry } from '../attempts/attempt-registry.ts';
import type { Dispatcher } from '../attempts/dispatcher.ts';
import type { SubjectRecovery } from '../attempts/recovery.ts';
import { type Clock, GatewayError, type Secret } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { EventDraft } from '../model/event-types.ts';
import type {
  AccessCodePatch,
  AccessCodeRequest,
  AccessCodes,
  NewAccessCode,
  NewAccessCodes,
  Origin,
} from '../model/gateway.ts';
import type { AccessCodeRecord, AttemptRecord } from '../model/records.ts';
import type { Rewording } from '../model/rewording.ts';
import type { Change, Store } from '../model/store.ts';
import { assertKept } from '../model/when-kept.ts';
import { CodeAttempts } from './code-attempts.ts';
import { generateCode } from './code-generator.ts';
import { CodeProgress } from './code-progress.ts';
import { CodeReconciler } from './code-reconciler.ts';
import { codeRecovery } from './code-recovery.ts';
import { type CodeRepository, noSuchCode } from './code-repository.ts';
import { updated } from './code-update.ts';
import { assertOwnMaster, GrantCodes } from './grant-codes.ts';
import { backupsWanted, isUnpulledBackup, pull, readyBackup } from './lock-plan.ts';
import { chooseDigits, newRecord, targetOf, timesOf } from './new-code.ts';
import { needsWork } from './next-step.ts';
import type { AccessCodeSettings } from './settings.ts';
import type { TrustedClock } from './trusted-clock.ts';
import { UnmanagedCodeService } from './unmanaged-code-service.ts';

export interface AccessCodeServiceOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly registry: DeviceRegistry;
  readonly dispatcher: Dispatcher;
  readonly attempts: AttemptRegistry;
  readonly repository: CodeRepository;
  readonly time: TrustedClock;
  readonly settings: AccessCodeSettings;
  /** UUIDv7 */
  readonly newId: () => string;
  /** An unpredictable whole number from 0 up to, but not including, its argument. */
  readonly randomInt: (below: number) => number;
}

/** Takes requests about codes: writes down what is wanted, and sees to it that it comes about. */
export class AccessCodeService implements AccessCodes {
  readonly unmanaged: UnmanagedCodeService;
  /** For access grants alone. */
  readonly ofGrants: GrantCodes;
  /** Takes up the attempts on codes that an earlier run left. */
  readonly recovery: SubjectRecovery;
  readonly #options: AccessCodeServiceOptions;
  readonly #progress: CodeProgress;
  readonly #attempts: CodeAttempts;
  readonly #reconciler: CodeReconciler;

  constructor(options: AccessCodeServiceOptions) {
    this.#options = options;
    this.#progress = new CodeProgress();
    this.#attempts = new CodeAttempts(options, this.#progress);
    this.#reconciler = new CodeReconciler(options, this.#attempts, this.#progress);
    this.ofGrants = new GrantCodes(options, this.#reconciler);
    this.unmanaged = new UnmanagedCodeService(options, this.#attempts, this.#reconciler);
    this.recovery = codeRecovery(options, this.#attempts, this.unmanaged);
  }

  /** Call it once the devices are open and what an earlier run left has been taken up. */
  start(): void {
    this.#reconciler.start();
  }

  /** After a change of the configuration. */
  rosterChanged(): void {
    this.#reconciler.rosterChanged();
  }

  close(): void {
    this.#reconciler.close();
  }

  async create(request: NewAccessCode, origin: Origin) {
    const { time } = this.#options;
    const times = timesOf(request, time.moment());
    const digits = chooseDigits(this.#options, request, [targetOf(this.#options, request.deviceId, times)]);
    const record = this.#record(request, digits, times);
    const attempt = await this.#admit('CREATE_ACCESS_CODE', record, origin, [created(record)]);
    return { attempt, code: this.#options.repository.get(record.accessCodeId) ?? record };
  }

  async createMultiple({ deviceIds, whenNotShareable, ...request }: NewAccessCodes, origin: Origin) {
    const { repository, time, log } = this.#options;
    const doors = [...new Set(deviceIds)];
    const known = this.#ofStay(request, doors);
    if (known.length > 0) {
      await assertKept(this.#options.store);
      return { attempts: [], codes: known };
    }
    const times = timesOf(request, time.moment());
    const targets = doors.map((deviceId) => targetOf(this.#options, deviceId, times));
    const shared = this.#shared(request, targets, whenNotShareable);
    const commonCodeKey = request.commonCodeKey ?? this.#options.newId();
    const records = doors.map((deviceId, index) => {
      const { code: _digits, ...own } = request;
      const digits = shared ?? chooseDigits(this.#options, own, targets.slice(index, index + 1));
      return this.#record({ ...request, commonCodeKey, deviceId }, digits, times);
    });
    const ids = records.map(({ accessCodeId }) => accessCodeId);
    return this.#reconciler.holding(ids, async () => {
      let changes: readonly Change[] = records.flatMap((record) => repository.save(record, created(record)));
      const attempts: AttemptRecord[] = [];
      for (const record of records) {
        try {
          attempts.push(await this.#ask('CREATE_ACCESS_CODE', record.accessCodeId, origin, changes));
          changes = [];
        } catch (error) {
          if (changes.length > 0) {
            for (const id of ids) repository.restore(id, undefined);
            throw error;
          }
          // The first attempt's commit carried all codes: what is wanted is on disk, and reconciliation works on it.
          log.warn({ err: error, accessCodeId: record.accessCodeId }, 'a code of several is written later');
        }
        origin = { actor: origin.actor, receivedAt: origin.receivedAt };
      }
      return { attempts, codes: records.map(({ accessCodeId }) => repository.require(accessCodeId)) };
    });
  }

  async update(accessCodeId: string, patch: AccessCodePatch, origin: Origin): Promise<AttemptRecord> {
    const { repository, time } = this.#options;
    const before = this.#require(accessCodeId);
    assertOwnMaster(before);
    const { code, drafts } = updated(this.#options, before, patch, time.moment());
    this.#progress.changed(before);
    const attempt = await this.#admit('UPDATE_ACCESS_CODE', code, origin, drafts);
    const backup = repository.get(code.pulledBackupAccessCodeId ?? '');
    if (backup && backup.endsAt !== code.endsAt) {
      const startsAt = code.endsAt === undefined ? undefined : (backup.startsAt ?? backup.createdAt);
      await this.#alsoChange(backup, { startsAt, endsAt: code.endsAt });
    }
    return attempt;
  }

  async delete(accessCodeId: string, origin: Origin): Promise<AttemptRecord> {
    const { repository, dispatcher, clock } = this.#options;
    const removal = this.#attempts.removalOf(accessCodeId);
    if (removal && (!removal.settlement || !repository.get(accessCodeId))) return dispatcher.join(removal, origin);
    const before = this.#require(accessCodeId);
    assertOwnMaster(before);
    const at = clock.wallTime();
    const record = { ...before, removal: before.removal ?? ({ cause: 'requested', at } as const) };
    const attempt = await this.#admit('DELETE_ACCESS_CODE', record, origin, []);
    const backup = repository.get(before.pulledBackupAccessCodeId ?? '');
    if (backup && !backup.removal) await this.#alsoChange(backup, { removal: { cause: 'requested', at } });
    return attempt;
  }

  generateCode(deviceId: string, preferredCodeLength?: number): Secret {
    const times = { startsAt: undefined, endsAt: undefined };
    return generateCode([targetOf(this.#options, deviceId, times)], preferredCodeLength, this.#options.randomInt);
  }

  backupPoolOf(deviceId: string): { readonly ready: number; readonly wanted: number } {
    const backups = this.#options.repository.list(deviceId).filter(isUnpulledBackup);
    return {
      ready: backups.filter(({ status }) => status === 'set').length,
      wanted: backupsWanted(this.#options.registry.get(deviceId), this.#options.settings),
    };
  }

  isBackupAvailable({ useBackupPool, deviceId }: AccessCodeRecord): boolean {
    return useBackupPool && readyBackup(this.#options.repository, deviceId) !== undefined;
  }

  async pullBackup(accessCodeId: string) {
    const { repository, store, registry, clock } = this.#options;
    const code = this.#require(accessCodeId);
    assertOwnMaster(code);
    const already = repository.get(code.pulledBackupAccessCodeId ?? '');
    if (already) {
      await assertKept(store);
      return { code, backup: already };
    }
    const ready = readyBackup(repository, code.deviceId);
    const { backup, changes } = pull(repository, code, registry.require(code.deviceId).snapshot.name, clock.wallTime());
    try {
      await store.commit(changes);
    } catch (error) {
      repository.restore(backup.accessCodeId, ready);
      repository.restore(accessCodeId, code);
      throw error;
    }
    this.#reconciler.look(code.deviceId);
    return { code: repository.require(accessCodeId), backup };
  }

  /**
   * Takes a name out of keys and names, also of backup codes and of those that are on their way off a lock: no lock has either.
   * @returns how many codes were changed
   * @throws GatewayError `storage_unavailable`, and then nothing was
   */
  async reword({ text, key }: Rewording): Promise<number> {
    const { repository, store } = this.#options;
    const reworded = ({ name, commonCodeKey: common }: AccessCodeRecord): Partial<AccessCodeRecord> => ({
      name: name === undefined || text(name) === name ? name : undefined,
      commonCodeKey: common === undefined ? undefined : key(common),
    });
    const named = repository.list().filter((code) => {
      const { name, commonCodeKey } = reworded(code);
      return name !== code.name || commonCodeKey !== code.commonCodeKey;
    });
    if (named.length === 0) return 0;
    const ids = named.map(({ accessCodeId }) => accessCodeId);
    await this.#reconciler.holding(ids, async () => {
      const before = ids.flatMap((id) => repository.get(id) ?? []);
      const changes = before.flatMap((code) => repository.change(code.accessCodeId, reworded(code)));
      try {
        await store.commit(changes);
      } catch (error) {
        for (const code of before) repository.restore(code.accessCodeId, code);
        throw error;
      }
    });
    return named.length;
  }

  get(accessCodeId: string): AccessCodeRecord | undefined {
    const code = this.#options.repository.get(accessCodeId);
    return code && isUnpulledBackup(code) ? undefined : code;
  }

  list(deviceId?: string): AccessCodeRecord[] {
    return this.#options.repository.list(deviceId).filter((code) => !isUnpulledBackup(code));
  }

  atSlot(deviceId: string, slot: number): AccessCodeRecord | undefined {
    return this.#options.repository.atSlot(deviceId, slot)?.code;
  }

  reveal(code: AccessCodeRecord): Secret | undefined {
    return this.#options.repository.read(code.sealedCode, code);
  }

  #record(request: NewAccessCode, digits: Secret, times: ReturnType<typeof timesOf>): AccessCodeRecord {
    const { repository, newId, clock } = this.#options;
    const about = { accessCodeId: newId(), deviceId: request.deviceId, createdAt: clock.wallTime() };
    return newRecord(repository, about, digits, request, times);
  }

  /** One code for all doors; undefined when there is none and each door gets its own. */
  #shared(
    request: Parameters<typeof chooseDigits>[1],
    targets: Parameters<typeof chooseDigits>[2],
    whenNotShareable: NewAccessCodes['whenNotShareable'],
  ): Secret | undefined {
    try {
      return chooseDigits(this.#options, request, targets);
    } catch (error) {
      if (whenNotShareable === 'create_random_code' && targets.length > 0) return undefined;
      throw error;
    }
  }

  /** The codes that a request asks for and that are there already: it is a repetition. */
  #ofStay(request: AccessCodeRequest, doors: readonly string[]): AccessCodeRecord[] {
    const { commonCodeKey } = request;
    if (commonCodeKey === undefined) return [];
    const codes = this.list().filter((code) => code.commonCodeKey === commonCodeKey && !code.removal && !code.backup);
    const found = doors.flatMap((deviceId) => codes.find((code) => code.deviceId === deviceId) ?? []);
    if (found.some((code) => !this.#isAsRequested(code, request))) {
      throw new GatewayError(
        'duplicate_access_code',
        'common_code_key: there are codes with this key already, with other digits or times. Change them with ' +
          '/access_codes/update_multiple, or use another key.',
      );
    }
    if (found.length === 0 || found.length === doors.length) return found;
    throw new GatewayError(
      'duplicate_access_code',
      'common_code_key: some of these doors have a code with this key already, and others have not. Use another key, ' +
        'or name the doors that are missing.',
    );
  }

  /** Another guest's dates must not be answered with the codes of the guest before. */
  #isAsRequested(code: AccessCodeRecord, { startsAt, endsAt, code: digits }: AccessCodeRequest): boolean {
    if ((startsAt ?? code.startsAt) !== code.startsAt || endsAt !== code.endsAt) return false;
    return digits === undefined || (this.reveal(code)?.equals(digits) ?? false);
  }

  /** @throws GatewayError `access_code_not_found`, also for a backup code; `device_not_found` */
  #require(accessCodeId: string): AccessCodeRecord {
    const code = this.get(accessCodeId);
    if (!code) throw noSuchCode(accessCodeId);
    if (this.#options.registry.get(code.deviceId)) return code;
    throw new GatewayError(
      'device_not_found',
      'The lock of this access code is no longer in the configuration, so the code on it can be neither changed nor ' +
        'removed. Put the lock back there, delete the code, and take the lock out again.',
    );
  }

  /** Writes down what is wanted and asks for it. */
  async #admit(
    actionType: 'CREATE_ACCESS_CODE' | 'UPDATE_ACCESS_CODE' | 'DELETE_ACCESS_CODE',
    code: AccessCodeRecord,
    origin: Origin,
    drafts: readonly EventDraft[],
  ): Promise<AttemptRecord> {
    const { repository } = this.#options;
    const { accessCodeId } = code;
    const before = repository.get(accessCodeId);
    const release = this.#reconciler.hold([accessCodeId]);
    try {
      return await this.#ask(actionType, accessCodeId, origin, repository.save(code, ...drafts));
    } catch (error) {
      repository.restore(accessCodeId, before);
      throw error;
    } finally {
      release();
    }
  }

  #ask(
    actionType: 'CREATE_ACCESS_CODE' | 'UPDATE_ACCESS_CODE' | 'DELETE_ACCESS_CODE',
    accessCodeId: string,
    origin: Origin,
    changes: readonly Change[],
  ): Promise<AttemptRecord> {
    const { repository } = this.#options;
    const code = repository.require(accessCodeId);
    if (this.#needsLock(code)) {
      return this.#attempts.accept({ actionType, code, laneClass: 'requested', origin, changes });
    }
    const all = code.removal ? [...changes, ...repository.remove(accessCodeId)] : changes;
    return this.#attempts.acceptDone({ actionType, code, origin, changes: all });
  }

  #needsLock(code: AccessCodeRecord): boolean {
    const { repository, registry } = this.#options;
    if (this.#attempts.workedOn(code.deviceId).has(code.accessCodeId)) return true;
    const rules = registry.require(code.deviceId).snapshot.capabilities.accessCodes;
    if (!rules) return code.placements.length > 0;
    return needsWork(repository.evaluated(code), repository.holdingsOf(code.deviceId), rules);
  }

  async #alsoChange(code: AccessCodeRecord, patch: Partial<AccessCodeRecord>): Promise<void> {
    const { repository, store } = this.#options;
    try {
      await store.commit(repository.change(code.accessCodeId, patch));
    } catch (error) {
      repository.restore(code.accessCodeId, code);
      throw error;
    }
    this.#reconciler.look(code.deviceId);
  }
}

const created = ({ deviceId, accessCodeId, createdAt }: AccessCodeRecord): EventDraft => ({
  eventType: 'access_code.created',
  deviceId,
  accessCodeId,
  occurredAt: createdAt,
});
