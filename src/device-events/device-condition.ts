import { afterSilence, type DeviceReport, type Health, type Timer, tellsOfBolt } from '../contract/index.ts';
import { type BatteryStatus, batteryStatus } from '../model/battery-status.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { Change } from '../model/store.ts';
import type { LockMovements } from './lock-movements.ts';
import type { ProjectionContext } from './projection-context.ts';

/** A device that is back by then was not gone, in milliseconds: a broker restarts, a radio misses a beat. A guess. */
const lossPatienceMs = 10_000;

/** A run begins with every link down; so long is waited for the devices to come, in milliseconds. A guess. */
const startPatienceMs = 60_000;

/** How long a connection that was flaky in the last run must hold before it is told of as steady, in milliseconds. */
const steadyAfterMs = 3_600_000;

/** A battery is better again only when its level rose by this much. A guess: readings of one battery differ. */
const recoveryStep = 0.05;

/** What was last told of a device. It outlives the process, so that a restart repeats nothing. */
interface Told {
  connected?: boolean;
  flaky?: boolean;
  keypad?: boolean;
  battery?: { readonly status: BatteryStatus; readonly level: number | undefined };
}

type Battery = Extract<DeviceReport, { kind: 'battery' }>;
type Keypad = Extract<DeviceReport, { kind: 'accessory_keypad' }>;

/** Tells when a device comes and goes, and how its battery fares. */
export class DeviceCondition {
  readonly #context: ProjectionContext;
  #told: Told;
  #online = false;
  #wasOnline = false;
  #loss: Timer | undefined;
  /** Waits for a connection of which the last run said that it is flaky. */
  #holding: Timer | undefined;

  /** @param fact what the last run kept */
  constructor(context: ProjectionContext, fact: string | undefined) {
    this.#context = context;
    this.#told = fact === undefined ? {} : (JSON.parse(fact) as Told);
    if (this.#told.flaky) this.#hold();
  }

  health(health: Health): void {
    const { clock } = this.#context;
    const { flakySince, settings } = this.#context.snapshot();
    this.#steadiness(flakySince);
    this.#online = health.status === 'online';
    if (health.status === 'online') {
      this.#wasOnline = true;
      this.#loss?.cancel();
      this.#loss = undefined;
      if (this.#told.connected !== true) {
        const eventType = settings.isManaged ? 'device.connected' : 'device.unmanaged.connected';
        this.#tell({ connected: true }, { eventType, occurredAt: clock.wallTime() });
      }
      return;
    }
    // Opening, being interviewed and asleep are ways of being there.
    if (health.status === 'not_ready' || this.#told.connected === false || this.#loss) return;
    const occurredAt = clock.wallTime();
    this.#loss = afterSilence(clock, () => this.#lost(occurredAt), this.#wasOnline ? lossPatienceMs : startPatienceMs);
  }

  battery({ level, low }: Battery): void {
    const { clock } = this.#context;
    const before = this.#told.battery;
    const status = batteryStatus({ level, low });
    if (before && (status === before.status || (rank[status] > rank[before.status] && !rose(before.level, level)))) {
      return;
    }
    const occurredAt = clock.wallTime();
    const share = level === undefined ? {} : { battery_level: level };
    const drafts: EventDraft[] = [];
    if (before) {
      const details = { battery_status: status, ...share };
      drafts.push({ eventType: 'device.battery_status_changed', occurredAt, details });
    }
    if (rank[status] <= rank.low && (!before || rank[before.status] > rank.low)) {
      drafts.push({ eventType: 'device.low_battery', occurredAt, details: share });
    }
    this.#tell({ battery: { status, level } }, ...drafts);
  }

  /** A lock without one, as the gateway meets it, has lost none. */
  keypad({ connected }: Keypad): void {
    const before = this.#told.keypad ?? false;
    if (connected === before) return;
    const eventType = connected ? 'device.accessory_keypad_connected' : 'device.accessory_keypad_disconnected';
    this.#tell({ keypad: connected }, { eventType, occurredAt: this.#context.clock.wallTime() });
  }

  tampered(): void {
    const { clock } = this.#context;
    this.#context.tell({ eventType: 'device.tampered', occurredAt: clock.wallTime() });
  }

  close(): void {
    this.#loss?.cancel();
    this.#holding?.cancel();
  }

  #steadiness(flakySince: number | undefined): void {
    const isFlaky = flakySince !== undefined;
    if (isFlaky === (this.#told.flaky ?? false)) {
      if (isFlaky) this.#letGo();
      return;
    }
    // The last run said so, and this one has seen nothing yet.
    if (!isFlaky && this.#holding) return;
    const eventType = isFlaky ? 'device.connection_became_flaky' : 'device.connection_stabilized';
    const occurredAt = flakySince ?? this.#context.clock.wallTime();
    this.#tell({ flaky: isFlaky }, { eventType, occurredAt });
  }

  #letGo(): void {
    this.#holding?.cancel();
    this.#holding = undefined;
  }

  #hold(): void {
    this.#holding = this.#context.clock.setTimer(() => {
      this.#holding = undefined;
      if (this.#online) this.#steadiness(this.#context.snapshot().flakySince);
      else this.#hold();
    }, steadyAfterMs);
  }

  #lost(occurredAt: number): void {
    this.#loss = undefined;
    const { health, settings } = this.#context.snapshot();
    if (this.#online || health.status === 'online' || health.status === 'not_ready') return;
    const details = { reason: health.reason, hint: health.hint };
    const eventType = settings.isManaged ? 'device.disconnected' : 'device.unmanaged.disconnected';
    this.#tell({ connected: false }, { eventType, occurredAt, details });
  }

  #tell(news: Told, ...drafts: EventDraft[]): void {
    this.#told = { ...this.#told, ...news };
    const fact: Change = {
      kind: 'fact_put',
      name: toldFact(this.#context.deviceId),
      value: JSON.stringify(this.#told),
    };
    const [first, ...others] = drafts;
    if (first === undefined) this.#context.keep([fact]);
    else this.#context.tell(first, [fact]);
    for (const draft of others) this.#context.tell(draft);
  }
}

/** Where it is kept what was told of a device. */
export const toldFact = (deviceId: string): string => `device_told:${deviceId}`;

const rank: Readonly<Record<BatteryStatus, number>> = { critical: 0, low: 1, good: 2, full: 3 };

const rose = (before: number | undefined, now: number | undefined): boolean =>
  before === undefined || now === undefined || now >= before + recoveryStep;

/** A door and its lock may tell in either order; so long is waited for the lock, in milliseconds. A guess. */
const forcedAfterMs = 2_000;

/** A door that opens so soon after it was unlocked was let open, though it locked itself meanwhile. A guess. */
const releaseLastsMs = 10_000;

/** Unless configuration says otherwise, in milliseconds. A guess: longer than unloading a trolley takes. */
const usualHeldOpenMs = 120_000;

/** Tells when a door was forced, and when it was held open. Only for doors with a contact. */
export class DoorContact {
  readonly #context: ProjectionContext;
  readonly #lock: LockMovements;
  #contact: 'open' | 'closed' | 'unknown' = 'unknown';
  /** Set while it is open. Times are milliseconds since the Unix epoch and `Clock.now()`. */
  #opened: { readonly occurredAt: number; readonly at: number; told: boolean } | undefined;
  #heldOpen: Timer | undefined;
  #forced: Timer | undefined;

  constructor(context: ProjectionContext, lock: LockMovements) {
    this.#context = context;
    this.#lock = lock;
  }

  heard(contact: 'open' | 'closed' | 'unknown'): void {
    const before = this.#contact;
    this.#contact = contact;
    if (contact === before) return;
    if (contact === 'open') this.#open(before === 'closed');
    else this.#notOpen(contact === 'closed');
  }

  /** Nothing is heard of it: what it does meanwhile nobody sees. */
  lost(): void {
    this.#contact = 'unknown';
    this.#notOpen(false);
  }

  close(): void {
    this.#heldOpen?.cancel();
    this.#forced?.cancel();
  }

  /** @param seen it was seen to open, not found open */
  #open(seen: boolean): void {
    const { clock } = this.#context;
    const opened = { occurredAt: clock.wallTime(), at: clock.now(), told: false };
    this.#opened = opened;
    if (seen && this.#reportsForced) this.#forced = afterSilence(clock, () => this.#judgeForced(opened), forcedAfterMs);
    const ms = this.#context.snapshot().doorRules?.heldOpenMs ?? usualHeldOpenMs;
    if (ms === 0) return;
    const tellHeldOpen = () => {
      opened.told = true;
      this.#context.tell({
        eventType: 'strikeplate.door.held_open',
        occurredAt: clock.wallTime(),
        details: { opened_at: isoTime(opened.occurredAt), after_seconds: ms / 1_000 },
      });
    };
    this.#heldOpen = afterSilence(clock, tellHeldOpen, ms);
  }

  #notOpen(seen: boolean): void {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#heldOpen?.cancel();
    if (!seen || !opened?.told) return;
    const { clock } = this.#context;
    this.#context.tell({
      eventType: 'strikeplate.door.closed_again',
      occurredAt: clock.wallTime(),
      details: {
        opened_at: isoTime(opened.occurredAt),
        open_seconds: Math.round((clock.now() - opened.at) / 1_000),
      },
    });
  }

  /** A strike lets people out by the handle while it stands locked: only a bolt that is seen holds a door for sure. */
  get #reportsForced(): boolean {
    const { doorRules, capabilities } = this.#context.snapshot();
    return doorRules?.reportForced ?? tellsOfBolt(capabilities.lock?.observes);
  }

  #judgeForced(opened: { readonly occurredAt: number; readonly at: number }): void {
    const released = this.#lock.releasedAt >= opened.at - releaseLastsMs;
    if (released || !this.#lock.isLocked || this.#context.ownMovement('unlocked')) return;
    this.#context.tell({ eventType: 'strikeplate.door.forced', occurredAt: opened.occurredAt });
  }
}

const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();
