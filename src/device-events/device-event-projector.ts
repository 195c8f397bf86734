import type { Logger } from 'pino';
import type { AttemptRegistry } from '../attempts/attempt-registry.ts';
import type { Clock, DeviceReport, Unsubscribe } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { EventLog } from '../events/event-log.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { Change, Store } from '../model/store.ts';
import { DeviceCondition, toldFact } from './device-condition.ts';
import { eventsOfDeviceList } from './device-list-events.ts';
import { DoorContact } from './door-contact.ts';
import { LockMovements } from './lock-movements.ts';
import { OwnCommands } from './own-commands.ts';
import type { ProjectionContext } from './projection-context.ts';

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
  readonly #chapters = new Map<string, DeviceProjection>();
  readonly #unsubscribe: Unsubscribe;

  /** Make it before the devices are opened: it hears what they say from the first word. */
  constructor(options: DeviceEventProjectorOptions) {
    this.#options = options;
    const { clock, registry, attempts } = options;
    this.#own = new OwnCommands(clock, attempts);
    for (const { deviceId } of registry.list()) this.#chapters.set(deviceId, this.#open(deviceId));
    this.#unsubscribe = registry.onReport(({ deviceId }, report) => this.#chapters.get(deviceId)?.heard(report));
    this.#callRoll();
  }

  /** After a change of the configuration: who came, went or was given another name is told, as at a start. */
  rosterChanged(): void {
    const { registry } = this.#options;
    for (const [deviceId, chapter] of this.#chapters)
      if (registry.get(deviceId) === undefined) {
        this.#chapters.delete(deviceId);
        chapter.close();
      }
    for (const { deviceId } of registry.list())
      if (!this.#chapters.has(deviceId)) this.#chapters.set(deviceId, this.#open(deviceId));
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
    for (const chapter of this.#chapters.values()) chapter.close();
    this.#own.close();
  }

  #open(deviceId: string): DeviceProjection {
    const { clock, registry, events, store, log, codeAt } = this.#options;
    const context: ProjectionContext = {
      clock,
      snapshot: () => registry.require(deviceId).snapshot,
      ownMovement: (way) => this.#own.movement(deviceId, way),
      codeAt: (slot) => codeAt(deviceId, slot),
      tell: (draft: EventDraft, also: readonly Change[] = []) => events.append([{ deviceId, ...draft }], also),
    };
    const keep = (changes: readonly Change[]) => {
      store.commit(changes).catch((error: unknown) => {
        log.warn({ err: error, deviceId }, 'what was told of a device could not be kept; a restart may repeat it');
      });
    };
    return new DeviceProjection(context, store.read.fact(toldFact(deviceId)), keep);
  }
}

/** What is told of one device. */
class DeviceProjection {
  readonly #context: ProjectionContext;
  readonly #lock: LockMovements;
  readonly #door: DoorContact;
  readonly #condition: DeviceCondition;

  constructor(context: ProjectionContext, fact: string | undefined, keep: (changes: readonly Change[]) => void) {
    this.#context = context;
    this.#lock = new LockMovements(context);
    this.#door = new DoorContact(context, this.#lock);
    this.#condition = new DeviceCondition(context, fact, keep);
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
    const { clock, codeAt, tell } = this.#context;
    const accessCodeId = codeAt(slot);
    tell({
      eventType: 'strikeplate.lock.code_slot_changed',
      occurredAt: clock.wallTime(),
      ...(accessCodeId !== undefined && { accessCodeId }),
      details: { slot, occupied },
    });
  }
}
