import type { DeviceReport, Health, Timer } from '../contract/index.ts';
import { type BatteryStatus, batteryStatus } from '../model/battery-status.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { Change } from '../model/store.ts';
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
  readonly #factName: string;
  readonly #keep: (changes: readonly Change[]) => void;
  #told: Told;
  #online = false;
  #wasOnline = false;
  #loss: Timer | undefined;
  /** Waits for a connection of which the last run said that it is flaky. */
  #holding: Timer | undefined;

  /**
   * @param fact what the last run kept
   * @param keep commits what is to be known by the next run, where there is no event to carry it
   */
  constructor(context: ProjectionContext, fact: string | undefined, keep: (changes: readonly Change[]) => void) {
    this.#context = context;
    this.#factName = toldFact(context.snapshot().deviceId);
    this.#told = fact === undefined ? {} : (JSON.parse(fact) as Told);
    this.#keep = keep;
    if (this.#told.flaky) this.#hold();
  }

  health(health: Health): void {
    const { clock, snapshot } = this.#context;
    const { flakySince, settings } = snapshot();
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
    this.#loss = clock.setTimer(() => this.#lost(occurredAt), this.#wasOnline ? lossPatienceMs : startPatienceMs);
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
    const { clock, tell } = this.#context;
    tell({ eventType: 'device.tampered', occurredAt: clock.wallTime() });
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
    const fact: Change = { kind: 'fact_put', name: this.#factName, value: JSON.stringify(this.#told) };
    const [first, ...others] = drafts;
    if (first === undefined) this.#keep([fact]);
    else this.#context.tell(first, [fact]);
    for (const draft of others) this.#context.tell(draft);
  }
}

/** Where it is kept what was told of a device. */
export const toldFact = (deviceId: string): string => `device_told:${deviceId}`;

const rank: Readonly<Record<BatteryStatus, number>> = { critical: 0, low: 1, good: 2, full: 3 };

const rose = (before: number | undefined, now: number | undefined): boolean =>
  before === undefined || now === undefined || now >= before + recoveryStep;
