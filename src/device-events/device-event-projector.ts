import type { Logger } from 'pino';
import type { AttemptRegistry } from '../attempts/attempt-registry.ts';
import { type Clock, type DeviceReport, errorTypes, type Unsubscribe } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { EventLog } from '../events/event-log.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { ActionType, AttemptRecord } from '../model/records.ts';
import type { Change, Store, StoreReader } from '../model/store.ts';
import { DeviceCondition, DoorContact, toldFact } from './device-condition.ts';
import { LockMovements } from './lock-movements.ts';
import type { ProjectionContext, Way } from './projection-context.ts';

export interface DeviceEventProjectorOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly registry: DeviceRegistry;
  readonly attempts: AttemptRegistry;
  readonly events: EventLog;
  /** The code of ours that stands in a slot of a lock. */
  readonly codeAt: (deviceId: string, slot: number) => string | undefined;
}

/** Makes events of what the devices report: what happened, as against how things are. */
export class DeviceEventProjector {
  readonly #options: DeviceEventProjectorOptions;
  readonly #own: OwnCommands;
  readonly #projections = new Map<string, DeviceProjection>();
  readonly #unsubscribe: Unsubscribe;

  /** Make it before the devices are opened: it hears what they say from the first word. */
  constructor(options: DeviceEventProjectorOptions) {
    this.#options = options;
    const { clock, registry, attempts, store } = options;
    this.#own = new OwnCommands(clock, attempts);
    const told = store.read.facts(toldFact(''));
    for (const { deviceId } of registry.list())
      this.#projections.set(deviceId, this.#open(deviceId, told.get(toldFact(deviceId))));
    this.#unsubscribe = registry.onReport(({ deviceId }, report) => this.#projections.get(deviceId)?.heard(report));
    this.#callRoll();
  }

  /** After a change of the configuration: who came, went or was given another name is told, as at a start. */
  rosterChanged(): void {
    const { registry, store } = this.#options;
    for (const [deviceId, projection] of this.#projections)
      if (registry.get(deviceId) === undefined) {
        this.#projections.delete(deviceId);
        projection.close();
      }
    for (const { deviceId } of registry.list())
      if (!this.#projections.has(deviceId))
        this.#projections.set(deviceId, this.#open(deviceId, store.read.fact(toldFact(deviceId))));
    this.#callRoll();
  }

  #callRoll(): void {
    const { registry, store, clock, events } = this.#options;
    const devices = registry.list().map(({ deviceId, name }) => {
      const { configuredName } = registry.require(deviceId);
      return { deviceId, configuredName, goesByIt: configuredName === name };
    });
    const { drafts, changes } = eventsOfDeviceList(devices, store.read, clock.wallTime());
    events.append(drafts, changes);
  }

  /** What waits to be explained is told as it is. */
  close(): void {
    this.#unsubscribe();
    for (const projection of this.#projections.values()) projection.close();
    this.#own.close();
  }

  #open(deviceId: string, told: string | undefined): DeviceProjection {
    return new DeviceProjection(new DeviceStage(deviceId, this.#options, this.#own), told);
  }
}

/** One device's context. Of a class, not of closures: there are thousands. */
class DeviceStage implements ProjectionContext {
  readonly deviceId: string;
  readonly #options: DeviceEventProjectorOptions;
  readonly #own: OwnCommands;

  constructor(deviceId: string, options: DeviceEventProjectorOptions, own: OwnCommands) {
    this.deviceId = deviceId;
    this.#options = options;
    this.#own = own;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  snapshot(): DeviceSnapshot {
    return this.#options.registry.require(this.deviceId).snapshot;
  }

  ownMovement(way: Way): ReturnType<ProjectionContext['ownMovement']> {
    return this.#own.movement(this.deviceId, way);
  }

  codeAt(slot: number): string | undefined {
    return this.#options.codeAt(this.deviceId, slot);
  }

  tell(draft: EventDraft, also: readonly Change[] = []): void {
    this.#options.events.append([{ deviceId: this.deviceId, ...draft }], also);
  }

  keep(changes: readonly Change[]): void {
    const { store, log } = this.#options;
    store.commit(changes).catch((error: unknown) => {
      const { deviceId } = this;
      log.warn({ err: error, deviceId }, 'what was told of a device could not be kept; a restart may repeat it');
    });
  }
}

/** What is told of one device. */
class DeviceProjection {
  readonly #context: ProjectionContext;
  readonly #lock: LockMovements;
  readonly #door: DoorContact;
  readonly #condition: DeviceCondition;

  constructor(context: ProjectionContext, told: string | undefined) {
    this.#context = context;
    this.#lock = new LockMovements(context);
    this.#door = new DoorContact(context, this.#lock);
    this.#condition = new DeviceCondition(context, told);
  }

  heard(report: DeviceReport): void {
    switch (report.kind) {
      case 'health':
        this.#condition.health(report.health);
        if (report.health.status !== 'online') this.#door.lost();
        return;
      case 'lock_state':
        this.#lock.heardState(report.state);
        return;
      case 'lock_operated':
        this.#lock.heardOperated(report);
        return;
      case 'door':
        this.#door.heard(report.contact);
        return;
      case 'battery':
        this.#condition.battery(report);
        return;
      case 'accessory_keypad':
        this.#condition.keypad(report);
        return;
      case 'tamper':
        this.#condition.tampered();
        return;
      case 'operations_missed':
        this.#context.tell({
          eventType: 'strikeplate.lock.operations_missed',
          occurredAt: this.#context.clock.wallTime(),
          details: { count: report.count },
        });
        return;
      case 'code_slot':
        this.#codeSlot(report.slot, report.occupied);
        return;
      case 'noise':
        return;
    }
  }

  close(): void {
    this.#lock.close();
    this.#door.close();
    this.#condition.close();
  }

  #codeSlot(slot: number, occupied: boolean): void {
    const { clock } = this.#context;
    const accessCodeId = this.#context.codeAt(slot);
    this.#context.tell({
      eventType: 'strikeplate.lock.code_slot_changed',
      occurredAt: clock.wallTime(),
      ...(accessCodeId !== undefined && { accessCodeId }),
      details: { slot, occupied },
    });
  }
}

/** A lock may tell of a movement so long after the attempt that caused it has ended, in milliseconds. A guess. */
const lateMs = 10_000;

/** Ended attempts that are remembered, per device. */
const remembered = 8;

const actionOf: Readonly<Record<Way, ActionType>> = { locked: 'LOCK_DOOR', unlocked: 'UNLOCK_DOOR' };

/** No more than is asked for: the whole of an attempt, with its history, would outlive it by minutes. */
interface Ended {
  readonly actionAttemptId: string;
  readonly actionType: ActionType;
  /** `Clock.now()` */
  readonly at: number;
}

/** Knows which movements of a bolt are of our own doing. */
class OwnCommands {
  readonly #clock: Clock;
  readonly #attempts: AttemptRegistry;
  readonly #ended = new Map<string, Ended[]>();
  readonly #claimed = new Set<string>();
  readonly #unsubscribe: Unsubscribe;

  constructor(clock: Clock, attempts: AttemptRegistry) {
    this.#clock = clock;
    this.#attempts = attempts;
    this.#unsubscribe = attempts.onChange((attempt) => {
      if (attempt.settlement && mayHaveMoved(attempt)) this.#remember(attempt);
    });
  }

  movement(deviceId: string, way: Way): ReturnType<ProjectionContext['ownMovement']> {
    const found = this.#find(deviceId, actionOf[way]);
    if (found === undefined || this.#claimed.has(found)) return undefined;
    return { actionAttemptId: found, claim: () => this.#claimed.add(found) };
  }

  close(): void {
    this.#unsubscribe();
  }

  #find(deviceId: string, actionType: ActionType): string | undefined {
    for (const { facts, nothingActed, id } of this.#attempts.livingOf(deviceId)) {
      if (facts.actionType === actionType && !nothingActed) return id;
    }
    const since = this.#clock.now() - lateMs;
    return this.#ended.get(deviceId)?.findLast((ended) => ended.at >= since && ended.actionType === actionType)
      ?.actionAttemptId;
  }

  #remember(attempt: AttemptRecord): void {
    const ofDevice = this.#ended.get(attempt.deviceId) ?? [];
    this.#ended.set(attempt.deviceId, ofDevice);
    const { actionAttemptId, actionType } = attempt;
    ofDevice.push({ actionAttemptId, actionType, at: this.#clock.now() });
    if (ofDevice.length > remembered) this.#claimed.delete(ofDevice.shift()?.actionAttemptId ?? '');
  }
}

function mayHaveMoved({ actionType, settlement }: AttemptRecord): boolean {
  if (actionType !== 'LOCK_DOOR' && actionType !== 'UNLOCK_DOOR') return false;
  if (settlement?.status !== 'error') return true;
  const delivery = Object.entries(errorTypes).find(([type]) => type === settlement.error.type)?.[1].delivery;
  return delivery === 'maybe_sent' || delivery === 'acted';
}

/** Where it is kept which devices the last run had: name by `device_id`, as JSON. */
const factName = 'devices_told';

/** A device as it is known by. */
interface KnownDevice {
  readonly deviceId: string;
  /** In configuration: what people name it while the gateway runs has an event of its own. */
  readonly configuredName: string;
  /** Whether that is the name it goes by. */
  readonly goesByIt: boolean;
}

/** Which devices came, went or were given another name in configuration since the last run. */
function eventsOfDeviceList(
  devices: readonly KnownDevice[],
  store: StoreReader,
  occurredAt: number,
): { readonly drafts: readonly EventDraft[]; readonly changes: readonly Change[] } {
  const fact = store.fact(factName);
  const before = new Map(Object.entries((fact === undefined ? {} : JSON.parse(fact)) as Record<string, string>));
  const drafts: EventDraft[] = [];
  const changes: Change[] = [];
  for (const { deviceId, configuredName: name, goesByIt } of devices) {
    const known = before.get(deviceId);
    before.delete(deviceId);
    if (known === undefined) {
      drafts.push({ eventType: 'device.added', deviceId, occurredAt, details: { device_name: name } });
    } else if (known !== name && goesByIt) {
      drafts.push({ eventType: 'device.name_changed', deviceId, occurredAt, details: { device_name: name } });
    }
  }
  for (const [deviceId, name] of before) {
    // Nothing is left of it here: for Seam's applications that is a second thing.
    for (const eventType of ['device.removed', 'device.deleted'] as const) {
      drafts.push({ eventType, deviceId, occurredAt, details: { device_name: name } });
    }
    changes.push({ kind: 'fact_removed', name: toldFact(deviceId) });
  }
  const names = JSON.stringify(
    Object.fromEntries(devices.map(({ deviceId, configuredName }) => [deviceId, configuredName])),
  );
  if (names !== fact) changes.push({ kind: 'fact_put', name: factName, value: names });
  return { drafts, changes };
}
