import type { Dispatcher } from '../attempts/dispatcher.ts';
import { Removals } from '../attempts/removals.ts';
import { type AccessCodeRules, type Clock, GatewayError, type Secret } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { AccessCodes, Attempts, NewAccessCode, Origin, UnmanagedCodes } from '../gateway/ports.ts';
import type { AccessCodeRecord, AttemptRecord, Settlement } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { CodeBook } from './code-book.ts';
import { assertAcceptable, generateCode } from './code-rules.ts';
import { clearCode, writeCode } from './code-work.ts';

export interface AccessCodeServiceOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly dispatcher: Dispatcher;
  readonly attempts: Attempts;
  readonly book: CodeBook;
  /** UUIDv7 */
  readonly newId: () => string;
  /** An unpredictable whole number from 0 up to, but not including, its argument. */
  readonly randomInt: (below: number) => number;
}

/** Puts codes on locks and takes them off. */
export class AccessCodeService implements AccessCodes {
  readonly #options: AccessCodeServiceOptions;
  readonly #removals: Removals;

  constructor(options: AccessCodeServiceOptions) {
    this.#options = options;
    this.#removals = new Removals(options.store, 'DELETE_ACCESS_CODE');
  }

  async create(request: NewAccessCode, origin: Origin) {
    const { book, registry, dispatcher, newId, clock } = this.#options;
    const { deviceId } = request;
    const device = registry.require(deviceId);
    const { name, limits, capabilities } = device.snapshot;
    if (device.capabilitiesKnown && !capabilities.accessCodes) throw cannot(name);
    if (!capabilities.accessCodes) throw notOpen(name);
    if (request.startsAt !== undefined || request.endsAt !== undefined) throw noSchedulesYet();
    const digits = this.#choose(request, capabilities.accessCodes, name);
    const accessCodeId = newId();
    const now = clock.wallTime();
    const code: AccessCodeRecord = {
      accessCodeId,
      deviceId,
      name: request.name,
      sealedCode: book.seal(digits, { accessCodeId, deviceId }),
      status: 'setting',
      startsAt: undefined,
      endsAt: undefined,
      createdAt: now,
      removal: undefined,
      placements: [],
      pendingMutations: [{ mutationCode: 'creating', message: 'The code is being written.', createdAt: now }],
      errors: [],
      warnings: [],
      scheduledOnDevice: false,
      preferNativeScheduling: request.preferNativeScheduling ?? true,
      oneTimeUse: request.isOneTimeUse ?? false,
      commonCodeKey: request.commonCodeKey,
      useBackupPool: request.useBackupPool ?? false,
      backup: undefined,
      pulledBackupAccessCodeId: undefined,
    };
    const put = book.put(code);
    const progress = { written: false };
    try {
      const attempt = await dispatcher.accept(
        {
          actionType: 'CREATE_ACCESS_CODE',
          deviceId,
          subject: { kind: 'access_code', accessCodeId },
          laneClass: 'requested',
          limits: limits.code,
          work: (opened, ctx) => writeCode(this.#options, accessCodeId, progress, opened, ctx),
          alsoAccept: () => [put],
          alsoSettle: (settlement) => this.afterCreate(accessCodeId, settlement),
        },
        origin,
      );
      return { attempt, code };
    } catch (error) {
      book.restore(accessCodeId, undefined);
      throw error;
    }
  }

  async delete(accessCodeId: string, origin: Origin): Promise<AttemptRecord> {
    const { book, registry, dispatcher, attempts } = this.#options;
    const removal = attempts.get(this.#removals.of(accessCodeId) ?? '');
    if (removal && (!removal.settlement || !book.get(accessCodeId))) return dispatcher.join(removal, origin);
    const before = book.require(accessCodeId);
    const device = registry.require(before.deviceId);
    const at = this.#options.clock.wallTime();
    const put = book.change(accessCodeId, {
      status: 'removing',
      removal: { cause: 'requested', at },
      pendingMutations: [{ mutationCode: 'deleting', message: 'The code is being removed.', createdAt: at }],
    });
    try {
      const attempt = await dispatcher.accept(
        {
          actionType: 'DELETE_ACCESS_CODE',
          deviceId: before.deviceId,
          subject: { kind: 'access_code', accessCodeId },
          laneClass: 'requested',
          limits: device.snapshot.limits.code,
          work: (opened, ctx) => clearCode(this.#options, accessCodeId, opened, ctx),
          alsoAccept: () => [put],
          alsoSettle: (settlement) => this.afterDelete(accessCodeId, settlement),
        },
        origin,
      );
      this.#removals.add(accessCodeId, attempt.actionAttemptId);
      return attempt;
    } catch (error) {
      book.restore(accessCodeId, before);
      throw error;
    }
  }

  async createMultiple(): Promise<never> {
    throw notYet();
  }

  async update(): Promise<never> {
    throw notYet();
  }

  generateCode(): never {
    throw notYet();
  }

  isBackupAvailable(): boolean {
    return false;
  }

  async pullBackup(): Promise<never> {
    throw notYet();
  }

  readonly unmanaged: UnmanagedCodes = {
    get: () => undefined,
    list: () => [],
    reveal: () => undefined,
    delete: async () => {
      throw notYet();
    },
    convert: async () => {
      throw notYet();
    },
  };

  atSlot(deviceId: string, slot: number): AccessCodeRecord | undefined {
    return this.list(deviceId).find(({ placements }) => placements.some((placement) => placement.slot === slot));
  }

  get(accessCodeId: string): AccessCodeRecord | undefined {
    return this.#options.book.get(accessCodeId);
  }

  list(deviceId?: string): AccessCodeRecord[] {
    return this.#options.book.list(deviceId);
  }

  reveal(code: AccessCodeRecord): Secret {
    return this.#options.book.reveal(code);
  }

  /** What a create attempt's end means for its code; a delete that came meanwhile has the last word on its status. */
  afterCreate(accessCodeId: string, settlement: Settlement) {
    const { book, clock } = this.#options;
    const code = book.get(accessCodeId);
    if (!code) return [];
    const status = code.status === 'removing' ? code.status : settlement.status === 'success' ? 'set' : 'unset';
    const errors =
      settlement.status === 'success'
        ? []
        : [{ code: 'failed_to_set_on_device', message: settlement.error.message, at: clock.wallTime() }];
    const pendingMutations = status === 'set' ? [] : code.pendingMutations;
    return [book.change(accessCodeId, { status, errors, pendingMutations })];
  }

  /** What a delete attempt's end means for its code: while the lock may hold it, it stays known. */
  afterDelete(accessCodeId: string, settlement: Settlement) {
    const { book, clock } = this.#options;
    if (!book.get(accessCodeId)) return [];
    if (settlement.status === 'success') return [book.remove(accessCodeId)];
    const { message } = settlement.error;
    const error = { code: 'failed_to_remove_from_device', message, at: clock.wallTime() };
    return [book.change(accessCodeId, { errors: [error] })];
  }

  #choose(request: NewAccessCode, rules: AccessCodeRules, deviceName: string): Secret {
    const { book, randomInt } = this.#options;
    const taken = (code: Secret) => book.duplicateOf(code, request.deviceId) !== undefined;
    if (!request.code) return generateCode(rules, deviceName, request.preferredCodeLength, randomInt, taken);
    assertAcceptable(request.code, rules, deviceName);
    if (taken(request.code)) {
      throw new GatewayError(
        'duplicate_access_code',
        `${deviceName} already has a code with these digits. Choose others, or delete that code first.`,
      );
    }
    return request.code;
  }
}

const cannot = (name: string) =>
  new GatewayError('unsupported_action', `${name} takes no access codes: it has no keypad, or none that can be set.`);

const notOpen = (name: string) =>
  new GatewayError(
    'unsupported_action',
    `${name} could not be opened since the gateway started, so its code rules are not known. Look at its health.`,
  );

const noSchedulesYet = () =>
  new GatewayError(
    'invalid_input',
    'starts_at, ends_at: this version keeps no start and end times for codes. Create the code when it is to work, and ' +
      'delete it when it is not.',
  );

const notYet = () => new GatewayError('unsupported_action', 'This version cannot do that yet.');
