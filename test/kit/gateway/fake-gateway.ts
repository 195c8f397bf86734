import { type Clock, type DeviceReport, GatewayError, type Unsubscribe } from '../../../src/contract/index.ts';
import type { DeviceSettings, DeviceSnapshot } from '../../../src/model/device-snapshot.ts';
import type { Gateway, Origin } from '../../../src/model/gateway.ts';
import type {
  ActionType,
  AttemptRecord,
  EventRecord,
  IdempotencyRecord,
  Settlement,
  Subject,
} from '../../../src/model/records.ts';
import { isAskedFor } from '../../../src/store/attempt-query.ts';
import { byCreation, meets } from '../../../src/store/event-query.ts';
import { FakeAccessCodes, type FakeHost } from './fake-access-codes.ts';
import { frontDoor, gate, hall } from './fake-devices.ts';
import { fakeGrants } from './fake-grants.ts';
import { FakeNoise } from './fake-noise.ts';
import { FakeSandbox } from './fake-sandbox.ts';
import { FakeWebhooks } from './fake-webhooks.ts';

/**
 * A gateway without hardware that behaves as the ports say. Its attempts stay pending until the test ends them with
 * `end`, or at once where `outcome` says how.
 */
export class FakeGateway implements Gateway, FakeHost {
  readonly clock: Clock;
  ready: Gateway['ready'] = { ok: true };
  /** How attempts end without being told to; undefined leaves them pending. */
  outcome: (attempt: AttemptRecord) => Settlement | undefined = () => undefined;
  /** Called before a request is accepted: may delay or refuse it. */
  beforeAccept: () => Promise<void> = async () => undefined;
  /** Where accepted requests came from, in order. */
  readonly origins: Origin[] = [];
  readonly accepted: AttemptRecord[] = [];
  readonly deviceList: DeviceSnapshot[];
  readonly #attempts = new Map<string, AttemptRecord>();
  readonly #idempotency = new Map<string, IdempotencyRecord>();
  readonly #waiting = new Map<string, Set<(attempt: AttemptRecord) => void>>();
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

  /** Whether all that it shows is on disk. */
  kept: () => true | Promise<boolean> = () => true;

  laneDepth(): number {
    return 0;
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
    this.accessCodes.ended(settled);
    this.noise.ended(settled);
    for (const tell of this.#waiting.get(id) ?? []) tell(settled);
    this.#waiting.delete(id);
    for (const listener of this.#changed) listener(settled);
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
      accessGrantId: undefined,
      accessMethodId: undefined,
      spaceId: undefined,
      occurredAt: at,
      createdAt: at,
      details: /^lock\.(un)?locked$/.test(event.eventType) ? { method: 'unknown' } : {},
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
    update: async (deviceId, { name, customMetadata, isManaged, backupPool, codeLengths }) =>
      this.#set(deviceId, ({ settings }) => ({
        ...settings,
        name: name === undefined ? settings.name : (name ?? undefined),
        isManaged: isManaged ?? settings.isManaged,
        backupPool: backupPool ?? settings.backupPool,
        codeLengths: codeLengths ?? settings.codeLengths,
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
    reword: async () => undefined,
    putIntoService: async (deviceId) => this.#set(deviceId, ({ settings }) => ({ ...settings, stopped: undefined })),
  };
  readonly doors: Gateway['doors'] = {
    lock: (deviceId, origin) => this.#door('LOCK_DOOR', deviceId, origin),
    unlock: (deviceId, origin) => this.#door('UNLOCK_DOOR', deviceId, origin),
    configureAutoLock: (deviceId, wanted, origin) => {
      if (this.device(deviceId).capabilities.autoLock === undefined)
        throw new GatewayError('unsupported_action', 'It cannot be told to lock itself.');
      return this.accept('CONFIGURE_AUTO_LOCK', deviceId, { kind: 'auto_lock', ...wanted }, origin);
    },
  };
  readonly accessCodes = new FakeAccessCodes(this);
  readonly #grants = fakeGrants(this, this.accessCodes, (event) => this.happen(event));
  readonly userIdentities = this.#grants.userIdentities;
  readonly spaces = this.#grants.spaces;
  readonly accessGrants = this.#grants.accessGrants;
  time: Gateway['time'] = { confidence: { confirmed: true }, confirm: async () => undefined };
  readonly noise = new FakeNoise(this);
  readonly sandbox = new FakeSandbox(this);

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
    const device = this.device(deviceId);
    if (device.capabilities.lock === undefined)
      throw new GatewayError('unsupported_action', `${device.name} is not a lock.`);
    return this.accept(actionType, deviceId, undefined, origin);
  }

  /** Takes a request in as an attempt; `commit` is what is written with it. */
  async accept(
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

  #set(deviceId: string, change: (before: DeviceSnapshot) => DeviceSettings): void {
    const before = this.device(deviceId);
    const settings = change(before);
    const after = {
      ...before,
      settings,
      name: settings.name ?? before.name,
      outOfService: settings.stopped !== undefined,
    };
    this.deviceList.splice(this.deviceList.indexOf(before), 1, after);
  }

  /** @throws GatewayError `device_not_found` */
  device(deviceId: string): DeviceSnapshot {
    const device = this.devices.get(deviceId);
    if (device === undefined) throw new GatewayError('device_not_found', 'There is no such object.');
    return device;
  }
}
