import {
  type Clock,
  type Decibels,
  type DeviceReport,
  GatewayError,
  type Ratio,
  Secret,
  type Unsubscribe,
} from '../../src/contract/index.ts';
import { type DeviceSettings, type DeviceSnapshot, noSettings } from '../../src/devices/device-snapshot.ts';
import type {
  AccessCodePatch,
  Gateway,
  NewAccessCode,
  NewNoiseThreshold,
  NoiseEpisode,
  NoiseMinute,
  NoiseThresholdChange,
  Origin,
} from '../../src/gateway/ports.ts';
import { isAskedFor } from '../../src/store/attempt-query.ts';
import { byCreation, meets } from '../../src/store/event-query.ts';
import type {
  AccessCodeRecord,
  ActionType,
  AttemptRecord,
  EventRecord,
  IdempotencyRecord,
  NoiseThresholdRecord,
  Settlement,
  Subject,
  UnmanagedCodeRecord,
} from '../../src/store/records.ts';
import { FakeWebhooks } from './fake-webhooks.ts';

const snapshot = (
  part: Partial<DeviceSnapshot> & Pick<DeviceSnapshot, 'deviceId' | 'slug' | 'name'>,
): DeviceSnapshot => ({
  driver: 'mqtt/zigbee2mqtt',
  link: 'mqtt/main',
  deviceType: 'yale_lock',
  manufacturer: 'Yale',
  model: 'YRD226',
  timeZone: 'Europe/Zurich',
  limits: { door: { sendByMs: 5000, deadlineMs: 9000 }, code: { sendByMs: 45_000, deadlineMs: 60_000 } },
  createdAt: Date.UTC(2026, 0, 1),
  capabilities: { lock: undefined, accessCodes: undefined, noise: undefined },
  health: { status: 'online' },
  healthSince: Date.UTC(2026, 0, 2),
  lockState: 'unknown',
  door: 'unknown',
  battery: undefined,
  noise: undefined,
  changedBy: undefined,
  lastSeenAt: Date.UTC(2026, 0, 2),
  outOfService: false,
  settings: noSettings,
  ...part,
});

const newCode = (
  part: Pick<AccessCodeRecord, 'accessCodeId' | 'deviceId' | 'name' | 'sealedCode' | 'createdAt'>,
): AccessCodeRecord => ({
  status: 'setting',
  startsAt: undefined,
  endsAt: undefined,
  removal: undefined,
  placements: [],
  pendingMutations: [{ mutationCode: 'creating', message: 'The code is being written.', createdAt: part.createdAt }],
  errors: [],
  warnings: [],
  scheduledOnDevice: false,
  preferNativeScheduling: true,
  oneTimeUse: false,
  commonCodeKey: undefined,
  useBackupPool: false,
  backup: undefined,
  pulledBackupAccessCodeId: undefined,
  ...part,
});

export const frontDoor = snapshot({
  deviceId: 'a3f0a1c2-0000-5000-8000-000000000001',
  slug: 'front',
  name: 'Front door',
  capabilities: {
    lock: { observes: 'bolt' },
    accessCodes: {
      lengths: [4, 5, 6, 7, 8],
      digits: '0123456789',
      slots: { first: 1, count: 30 },
      nativeSchedule: false,
      readCost: 'cheap',
    },
    noise: undefined,
  },
  lockState: 'locked',
  battery: { level: 0.8 as Ratio, low: false },
});

export const gate = snapshot({
  deviceId: 'a3f0a1c2-0000-5000-8000-000000000002',
  slug: 'gate',
  name: 'Gate',
  driver: 'serial/modbus-relay',
  deviceType: 'strikeplate_relay',
  manufacturer: 'Waveshare',
  capabilities: { lock: { observes: 'actuator' }, accessCodes: undefined, noise: undefined },
  lockState: 'locked',
  door: 'closed',
  health: { status: 'offline', reason: 'link_down', hint: 'The serial adapter is gone. Plug it in again.' },
});

export const hall = snapshot({
  deviceId: 'a3f0a1c2-0000-5000-8000-000000000003',
  slug: 'hall',
  name: 'Hall noise',
  deviceType: 'noise_sensor',
  manufacturer: 'RS',
  capabilities: { lock: undefined, accessCodes: undefined, noise: { metric: 'LAeq', expectedIntervalMs: 1000 } },
  noise: { level: 41.5 as Decibels, metric: 'LAeq', at: Date.UTC(2026, 0, 2) },
});

const notFound = (type: 'device_not_found' | 'access_code_not_found' | 'noise_threshold_not_found') =>
  new GatewayError(type, 'There is no such object.');

/**
 * A gateway without hardware that behaves as the ports say. Its attempts stay pending until the test ends them with
 * `end`, or at once where `outcome` says how.
 */
export class FakeGateway implements Gateway {
  readonly clock: Clock;
  /** Spare codes that can be pulled. */
  readonly backups: AccessCodeRecord[] = [];
  /** Codes that somebody else put on a lock. */
  readonly unmanagedCodes: UnmanagedCodeRecord[] = [];
  ready: Gateway['ready'] = { ok: true };
  /** How attempts end without being told to; undefined leaves them pending. */
  outcome: (attempt: AttemptRecord) => Settlement | undefined = () => undefined;
  /** Called before a request is accepted: may delay or refuse it. */
  beforeAccept: () => Promise<void> = async () => undefined;
  /** Where accepted requests came from, in order. */
  readonly origins: Origin[] = [];
  readonly accepted: AttemptRecord[] = [];
  readonly deviceList: DeviceSnapshot[];
  noiseMinutes: readonly NoiseMinute[] = [];
  readonly #attempts = new Map<string, AttemptRecord>();
  readonly #idempotency = new Map<string, IdempotencyRecord>();
  readonly #waiting = new Map<string, Set<(attempt: AttemptRecord) => void>>();
  readonly #codes = new Map<string, AccessCodeRecord>();
  readonly #thresholds = new Map<string, NoiseThresholdRecord>();
  readonly #changed = new Set<(attempt: AttemptRecord) => void>();
  readonly #events: EventRecord[] = [];
  readonly #eventListeners = new Set<(event: EventRecord) => void>();
  #seq = 0;

  constructor(clock: Clock, devices: readonly DeviceSnapshot[] = [frontDoor, gate, hall]) {
    this.clock = clock;
    this.deviceList = [...devices];
  }

  readonly identity = {
    id: 'lobby',
    name: 'Lobby',
    timeZone: 'Europe/Zurich',
    workspaceId: 'b4f0a1c2-0000-5000-8000-000000000000',
    version: '0.1.0',
    bootId: 'boot-1',
    startedAt: Date.UTC(2026, 0, 2),
  };

  links(): readonly [] {
    return [];
  }

  /** Ends an attempt, the newest unless told. */
  end(settlement: Settlement, id = this.accepted.at(-1)?.actionAttemptId ?? ''): void {
    const attempt = this.#attempts.get(id);
    if (attempt === undefined || attempt.settlement !== undefined) throw new Error(`no pending attempt ${id}`);
    const at = this.clock.wallTime();
    const settled: AttemptRecord = {
      ...attempt,
      settlement,
      settledAt: at,
      history: [
        ...attempt.history,
        { state: settlement.status === 'success' ? 'succeeded' : 'failed', at, reason: '' },
      ],
    };
    this.#attempts.set(id, settled);
    this.#applyToSubject(settled);
    for (const tell of this.#waiting.get(id) ?? []) tell(settled);
    this.#waiting.delete(id);
    for (const listener of this.#changed) listener(settled);
  }

  /** Takes a code away, as its removal's end does. */
  forgetCode(accessCodeId: string): void {
    this.#codes.delete(accessCodeId);
  }

  putCode(code: AccessCodeRecord): void {
    this.#codes.set(code.accessCodeId, code);
  }

  /** Something happens: it is in the log, and whoever listens hears of it. */
  happen(event: Partial<EventRecord> & Pick<EventRecord, 'eventType'>): EventRecord {
    const seq = this.#events.length + 1;
    const at = this.clock.wallTime();
    const record: EventRecord = {
      seq,
      eventId: `0197a000-0000-7000-8000-${String(seq).padStart(12, '0')}`,
      deviceId: undefined,
      accessCodeId: undefined,
      actionAttemptId: undefined,
      noiseThresholdId: undefined,
      occurredAt: at,
      createdAt: at,
      details: {},
      ...event,
    };
    this.#events.push(record);
    for (const listener of this.#eventListeners) listener(record);
    return record;
  }

  readonly events: Gateway['events'] = this.#eventsPort();
  readonly webhooks = new FakeWebhooks();
  readonly attempts: Gateway['attempts'] = this.#attemptsPort();
  readonly devices: Gateway['devices'] = {
    list: () => this.deviceList,
    get: (id) => this.deviceList.find(({ deviceId }) => deviceId === id),
    onReport:
      (_listener: (snapshot: DeviceSnapshot, report: DeviceReport) => void): Unsubscribe =>
      () =>
        undefined,
  };
  readonly administration: Gateway['administration'] = {
    update: async (deviceId, { name, customMetadata, isManaged }) =>
      this.#set(deviceId, ({ settings }) => ({
        ...settings,
        name: name === undefined ? settings.name : (name ?? undefined),
        isManaged: isManaged ?? settings.isManaged,
        customMetadata: Object.fromEntries(
          Object.entries({ ...settings.customMetadata, ...customMetadata }).flatMap(([key, value]) =>
            value === null || value === '' ? [] : [[key, value]],
          ),
        ),
      })),
    takeOutOfService: async (deviceId, reason, { actor }) => {
      const by = 'name' in actor ? actor.name : 'nobody';
      this.#set(deviceId, ({ settings }) => ({ ...settings, stopped: { at: this.clock.wallTime(), by, reason } }));
    },
    putIntoService: async (deviceId) => this.#set(deviceId, ({ settings }) => ({ ...settings, stopped: undefined })),
  };
  readonly doors: Gateway['doors'] = {
    lock: (deviceId, origin) => this.#door('LOCK_DOOR', deviceId, origin),
    unlock: (deviceId, origin) => this.#door('UNLOCK_DOOR', deviceId, origin),
  };
  readonly accessCodes: Gateway['accessCodes'] = {
    create: (request, origin) => this.#createCode(request, origin),
    createMultiple: async ({ deviceIds, ...request }, origin) => {
      const made: Awaited<ReturnType<Gateway['accessCodes']['create']>>[] = [];
      // As the core does: the first carries the idempotency key.
      let { idempotency } = origin;
      for (const deviceId of deviceIds) {
        const each = { actor: origin.actor, receivedAt: origin.receivedAt, ...(idempotency && { idempotency }) };
        made.push(await this.#createCode({ ...request, deviceId }, each));
        idempotency = undefined;
      }
      return { attempts: made.map(({ attempt }) => attempt), codes: made.map(({ code }) => code) };
    },
    update: (id, patch, origin) => this.#updateCode(id, patch, origin),
    generateCode: () => new Secret('582913'),
    keepsSpareCodes: true,
    isBackupAvailable: ({ useBackupPool }) => useBackupPool && this.backups.length > 0,
    pullBackup: async (id) => this.#pullBackup(id),
    atSlot: (deviceId, slot) =>
      this.accessCodes.list(deviceId).find(({ placements }) => placements.some((placement) => placement.slot === slot)),
    unmanaged: {
      get: (id) => this.unmanagedCodes.find(({ accessCodeId }) => accessCodeId === id),
      list: (deviceId) => this.unmanagedCodes.filter((code) => (deviceId ?? code.deviceId) === code.deviceId),
      reveal: ({ sealedCode }) => sealedCode && new Secret(Buffer.from(sealedCode).toString()),
      delete: (id, origin) => this.#deleteUnmanaged(id, origin),
      convert: async (id) => this.#convert(id),
    },
    delete: (id, origin) => this.#deleteCode(id, origin),
    get: (id) => this.#codes.get(id),
    list: (deviceId) => [...this.#codes.values()].filter((code) => (deviceId ?? code.deviceId) === code.deviceId),
    reveal: (code) => new Secret(Buffer.from(code.sealedCode).toString()),
  };
  time: Gateway['time'] = { confidence: { confirmed: true }, confirm: async () => undefined };
  readonly noise: Gateway['noise'] = {
    create: (request, origin) => this.#createThreshold(request, origin),
    remove: (id, origin) => this.#removeThreshold(id, origin),
    get: (id) => this.#thresholds.get(id),
    list: (deviceId) =>
      [...this.#thresholds.values()].filter((threshold) => (deviceId ?? threshold.deviceId) === threshold.deviceId),
    exceeded: () => [],
    update: (id, change, origin) => this.#updateThreshold(id, change, origin),
    isKeptByDevice: () => false,
    minutes: (_deviceId, from, until) =>
      this.noiseMinutes.filter(({ startsAt }) => startsAt >= from && startsAt < until),
    onEpisode:
      (_listener: (episode: NoiseEpisode) => void): Unsubscribe =>
      () =>
        undefined,
  };

  #eventsPort(): Gateway['events'] {
    const events = this.#events;
    return {
      get: (id) => events.find(({ eventId }) => eventId === id),
      list: ({ limit, newestFirst, ...conditions }) =>
        events
          .filter((event) => meets(event, conditions))
          .sort(byCreation(newestFirst))
          .slice(0, limit),
      after: (seq, limit) => events.filter((event) => event.seq > seq).slice(0, limit),
      get highestSeq() {
        return events.at(-1)?.seq ?? 0;
      },
      onEvent: (listener) => {
        this.#eventListeners.add(listener);
        return () => this.#eventListeners.delete(listener);
      },
    };
  }

  #attemptsPort(): Gateway['attempts'] {
    const gateway = this;
    return {
      get: (id) => this.#attempts.get(id),
      list: (query) =>
        [...this.#attempts.values()]
          .filter((attempt) => isAskedFor(attempt, query))
          .sort((a, b) => b.seq - a.seq)
          .slice(0, query.limit),
      history: (id) => this.#attempts.get(id)?.history,
      idempotency: (scope) => this.#idempotency.get(scope),
      settled: (id, signal) => this.#settled(id, signal),
      onChange: (listener) => {
        this.#changed.add(listener);
        return () => this.#changed.delete(listener);
      },
      get pendingCount() {
        return [...gateway.#attempts.values()].filter(({ settlement }) => settlement === undefined).length;
      },
    };
  }

  #settled(id: string, signal: AbortSignal): Promise<AttemptRecord> {
    const attempt = this.#attempts.get(id);
    if (attempt?.settlement !== undefined) return Promise.resolve(attempt);
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting.add(resolve));
      signal.addEventListener('abort', () => {
        waiting.delete(resolve);
        reject(signal.reason);
      });
    });
  }

  async #door(actionType: ActionType, deviceId: string, origin: Origin): Promise<AttemptRecord> {
    const device = this.#device(deviceId);
    if (device.capabilities.lock === undefined)
      throw new GatewayError('unsupported_action', `${device.name} is not a lock.`);
    return this.#accept(actionType, deviceId, undefined, origin);
  }

  async #createCode(request: NewAccessCode, origin: Origin): ReturnType<Gateway['accessCodes']['create']> {
    const device = this.#device(request.deviceId);
    if (device.capabilities.accessCodes === undefined)
      throw new GatewayError('unsupported_action', `${device.name} takes no codes.`);
    const digits = request.code?.reveal() ?? '582913';
    for (const other of this.accessCodes.list(device.deviceId))
      if (this.accessCodes.reveal(other).reveal() === digits)
        throw new GatewayError('duplicate_access_code', `${device.name} has this code already.`);
    const code: AccessCodeRecord = {
      ...newCode({
        accessCodeId: `code-${this.#codes.size + 1}`,
        deviceId: device.deviceId,
        name: request.name,
        sealedCode: Buffer.from(digits),
        createdAt: this.clock.wallTime(),
      }),
      startsAt: request.startsAt,
      endsAt: request.endsAt,
      preferNativeScheduling: request.preferNativeScheduling ?? true,
      oneTimeUse: request.isOneTimeUse ?? false,
      commonCodeKey: request.commonCodeKey,
      useBackupPool: request.useBackupPool ?? false,
    };
    const subject = { kind: 'access_code', accessCodeId: code.accessCodeId } as const;
    const attempt = await this.#accept('CREATE_ACCESS_CODE', device.deviceId, subject, origin, () =>
      this.#codes.set(code.accessCodeId, code),
    );
    return { attempt, code };
  }

  async #deleteCode(id: string, origin: Origin): Promise<AttemptRecord> {
    const code = this.#codes.get(id);
    if (code === undefined) throw notFound('access_code_not_found');
    const subject = { kind: 'access_code', accessCodeId: id } as const;
    const underWay = this.accepted.find(
      ({ actionType, subject: other }) =>
        actionType === 'DELETE_ACCESS_CODE' && other?.kind === 'access_code' && other.accessCodeId === id,
    );
    if (underWay !== undefined) return this.#attempts.get(underWay.actionAttemptId) ?? underWay;
    return this.#accept('DELETE_ACCESS_CODE', code.deviceId, subject, origin, () =>
      this.#codes.set(id, {
        ...code,
        status: 'removing',
        removal: { cause: 'requested', at: this.clock.wallTime() },
        pendingMutations: [
          { mutationCode: 'deleting', message: 'The code is being removed.', createdAt: this.clock.wallTime() },
        ],
      }),
    );
  }

  async #updateCode(id: string, { code: digits, name, ...times }: AccessCodePatch, origin: Origin) {
    const code = this.#codes.get(id);
    if (code === undefined) throw notFound('access_code_not_found');
    const subject = { kind: 'access_code', accessCodeId: id } as const;
    return this.#accept('UPDATE_ACCESS_CODE', code.deviceId, subject, origin, () =>
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
    if (code === undefined) throw notFound('access_code_not_found');
    const spare = this.backups.shift();
    if (spare === undefined || !code.useBackupPool)
      throw new GatewayError('invalid_input', 'There is no spare code for this access code.');
    const backup = { ...spare, backup: { pulledFor: id } };
    const pulled = { ...code, pulledBackupAccessCodeId: backup.accessCodeId };
    this.#codes.set(backup.accessCodeId, backup);
    this.#codes.set(id, pulled);
    return { code: pulled, backup };
  }

  async #deleteUnmanaged(id: string, origin: Origin): Promise<AttemptRecord> {
    const code = this.accessCodes.unmanaged.get(id);
    if (code === undefined) throw notFound('access_code_not_found');
    const subject = { kind: 'access_code', accessCodeId: id } as const;
    return this.#accept('DELETE_ACCESS_CODE', code.deviceId, subject, origin, () => this.#forgetUnmanaged(id));
  }

  #convert(id: string): AccessCodeRecord {
    const found = this.accessCodes.unmanaged.get(id);
    if (found?.sealedCode === undefined) throw notFound('access_code_not_found');
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
    const index = this.unmanagedCodes.findIndex(({ accessCodeId }) => accessCodeId === id);
    if (index >= 0) this.unmanagedCodes.splice(index, 1);
  }

  async #createThreshold(request: NewNoiseThreshold, origin: Origin): ReturnType<Gateway['noise']['create']> {
    const device = this.#device(request.deviceId);
    if (device.capabilities.noise === undefined)
      throw new GatewayError('unsupported_action', `${device.name} measures no noise.`);
    const [startsDailyAt = '', zone] = request.startsDailyAt.replace(']', '').split('[');
    const threshold: NoiseThresholdRecord = {
      noiseThresholdId: `threshold-${this.#thresholds.size + 1}`,
      deviceId: device.deviceId,
      name: request.name ?? 'Noise',
      startsDailyAt,
      endsDailyAt: request.endsDailyAt.split('[')[0] ?? '',
      timeZone: zone ?? device.timeZone,
      decibels: request.decibels,
      sustainedMs: request.sustainedMs ?? 60_000,
      createdAt: this.clock.wallTime(),
    };
    const subject = { kind: 'noise_threshold', noiseThresholdId: threshold.noiseThresholdId } as const;
    const attempt = await this.#accept('CREATE_NOISE_THRESHOLD', device.deviceId, subject, origin, () =>
      this.#thresholds.set(threshold.noiseThresholdId, threshold),
    );
    return { attempt, threshold };
  }

  async #updateThreshold(id: string, change: NoiseThresholdChange, origin: Origin): Promise<AttemptRecord> {
    const before = this.#thresholds.get(id);
    if (before === undefined) throw notFound('noise_threshold_not_found');
    const { name, decibels, sustainedMs } = change;
    const threshold: NoiseThresholdRecord = {
      ...before,
      name: name ?? before.name,
      decibels: decibels ?? before.decibels,
      sustainedMs: sustainedMs ?? before.sustainedMs,
      startsDailyAt: change.startsDailyAt?.split('[')[0] ?? before.startsDailyAt,
      endsDailyAt: change.endsDailyAt?.split('[')[0] ?? before.endsDailyAt,
    };
    const subject = { kind: 'noise_threshold', noiseThresholdId: id } as const;
    return this.#accept('UPDATE_NOISE_THRESHOLD', before.deviceId, subject, origin, () =>
      this.#thresholds.set(id, threshold),
    );
  }

  async #removeThreshold(id: string, origin: Origin): Promise<AttemptRecord> {
    const threshold = this.#thresholds.get(id);
    if (threshold === undefined) throw notFound('noise_threshold_not_found');
    const subject = { kind: 'noise_threshold', noiseThresholdId: id } as const;
    return this.#accept('REMOVE_NOISE_THRESHOLD', threshold.deviceId, subject, origin);
  }

  async #accept(
    actionType: ActionType,
    deviceId: string,
    subject: Subject | undefined,
    origin: Origin,
    commit: () => unknown = () => undefined,
  ): Promise<AttemptRecord> {
    await this.beforeAccept();
    commit();
    const at = this.clock.wallTime();
    const seq = ++this.#seq;
    const attempt: AttemptRecord = {
      seq,
      actionAttemptId: `0196a000-0000-7000-8000-${String(seq).padStart(12, '0')}`,
      actionType,
      deviceId,
      subject,
      actor: origin.actor,
      acceptedAt: at,
      intent: false,
      settlement: undefined,
      settledAt: undefined,
      history: [{ state: 'accepted', at, reason: 'asked over HTTP' }],
    };
    this.#attempts.set(attempt.actionAttemptId, attempt);
    this.origins.push(origin);
    this.accepted.push(attempt);
    if (origin.idempotency !== undefined)
      this.#idempotency.set(origin.idempotency.scope, {
        ...origin.idempotency,
        actionAttemptId: attempt.actionAttemptId,
        createdAt: at,
      });
    const settlement = this.outcome(attempt);
    if (settlement !== undefined) this.end(settlement, attempt.actionAttemptId);
    return attempt;
  }

  #applyToSubject({ actionType, subject, settlement }: AttemptRecord): void {
    if (settlement?.status !== 'success' || subject === undefined) return;
    if (subject.kind === 'access_code') {
      const code = this.#codes.get(subject.accessCodeId);
      if (actionType === 'DELETE_ACCESS_CODE') this.#codes.delete(subject.accessCodeId);
      else if (code !== undefined)
        this.#codes.set(subject.accessCodeId, { ...code, status: 'set', pendingMutations: [] });
    } else if (actionType === 'REMOVE_NOISE_THRESHOLD') this.#thresholds.delete(subject.noiseThresholdId);
  }

  #set(deviceId: string, change: (before: DeviceSnapshot) => DeviceSettings): void {
    const before = this.#device(deviceId);
    const settings = change(before);
    const after = {
      ...before,
      settings,
      name: settings.name ?? before.name,
      outOfService: settings.stopped !== undefined,
    };
    this.deviceList.splice(this.deviceList.indexOf(before), 1, after);
  }

  #device(deviceId: string): DeviceSnapshot {
    const device = this.devices.get(deviceId);
    if (device === undefined) throw notFound('device_not_found');
    return device;
  }
}
