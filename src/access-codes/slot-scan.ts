import type { Logger } from 'pino';
import {
  type AccessCodeCapability,
  type AccessCodeRules,
  type Clock,
  type Device,
  GatewayError,
  type ReadContext,
  type SlotReading,
} from '../contract/index.ts';
import type { ManagedDevice } from '../devices/managed-device.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Store } from '../model/store.ts';
import { type FindingsOptions, takeReading } from './code-findings.ts';
import type { CodeRepository } from './code-repository.ts';

/** How often a lock is asked for all it holds, by what that costs it, in milliseconds. */
const slowly = {
  /** Reading costs battery: such locks are read on reconnect and at most daily. */
  battery: 24 * 3_600_000,
  /** A guess: mains-powered, and nobody waits for it. */
  cheap: 3_600_000,
};

/** A link that flaps does not empty a battery: between two scans on reconnect, in milliseconds. Guesses. */
const betweenReconnects = { battery: 900_000, cheap: 60_000 };

/** Doors that waited for the lock, and codes that are due, go first: in milliseconds. A guess. */
const calmMs = 2_000;

/** How long one slot, and all codes in one go, may take to be read, in milliseconds. Guesses; a door does not wait for it. */
const slotLimitMs = 5_000;
const listLimitMs = 15_000;

/** `known`: what was known to stand in a slot stands there no more, so that its digits are free. */
export type Found = 'nothing' | 'something' | 'known';

/** After a scan that failed, in milliseconds. A guess; a reconnect comes first. */
const againMs = 300_000;

export interface SlotScanOptions extends FindingsOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  readonly repository: CodeRepository;
}

/** A read was broken off for a door command. */
class DoorFirst extends Error {
  constructor() {
    super('a door command goes first');
  }
}

/**
 * Asks one lock what it holds: after a start, after a reconnect, slowly otherwise, and of one slot when the lock says
 * that it changed. One slot at a time, so that whatever is more urgent goes first.
 */
export class SlotScan {
  readonly #options: SlotScanOptions;
  readonly #device: ManagedDevice;
  readonly #onOver: (found: Found) => void;
  /** Slots to ask; undefined while nothing is asked. */
  #slots: Set<number> | undefined;
  /** Slots that somebody changed at the lock, as it said. */
  readonly #changed = new Set<number>();
  /** Those that somebody else filled, as it said, with the code of ours that was known to stand there then. */
  readonly #filled = new Map<number, string>();
  #isWhole = false;
  #running = false;
  /** Whether something was not as the repository had it. */
  #found: Found = 'nothing';
  /** `Clock.now()` */
  #wantedAt: number;
  #lastWhole = Number.NEGATIVE_INFINITY;
  #failed = false;

  constructor(options: SlotScanOptions, device: ManagedDevice, onOver: (found: Found) => void) {
    this.#options = options;
    this.#device = device;
    this.#onOver = onOver;
    this.#wantedAt = options.clock.now() + calmMs;
  }

  /** When the next one is due, `Clock.now()`; undefined while one is under way or the lock cannot be asked. */
  dueAt({ outOfService, health, capabilities }: DeviceSnapshot): number | undefined {
    if (this.#running || outOfService || health.status !== 'online') return undefined;
    return capabilities.accessCodes?.observes === 'slot' ? this.#wantedAt : undefined;
  }

  /** The lock came back: what happened to it meanwhile is not known. */
  reconnected(): void {
    const cost = this.#device.snapshot.capabilities.accessCodes?.readCost ?? 'battery';
    const soon = this.#options.clock.now() + calmMs;
    this.#wantedAt = Math.min(
      this.#wantedAt,
      this.#failed ? soon : Math.max(soon, this.#lastWhole + betweenReconnects[cost]),
    );
  }

  /**
   * The lock says that a slot is not as the repository has it: it is asked.
   * @param isFilled by somebody else, as it says
   */
  doubt(slot: number, isFilled = false): void {
    this.#changed.add(slot);
    const ours = this.#options.repository.atSlot(this.#device.snapshot.deviceId, slot);
    // What it says before a write of ours is seen there cannot be about what stands there afterwards.
    if (isFilled && ours?.placement.state === 'held') this.#filled.set(slot, ours.code.accessCodeId);
    if (this.#slots) this.#slots.add(slot);
    else this.#begin(new Set([slot]), false);
  }

  /** Begins a scan of all slots. */
  begin(): void {
    const { repository } = this.#options;
    const { deviceId, capabilities } = this.#device.snapshot;
    const rules = capabilities.accessCodes;
    if (!rules) return;
    const slots = new Set([
      ...repository.list(deviceId).flatMap(({ placements }) => placements.flatMap(({ slot }) => slot ?? [])),
      ...repository.unmanagedList(deviceId).map(({ slot }) => slot),
      ...slotsOf(rules),
    ]);
    this.#begin(slots, true);
  }

  #begin(slots: Set<number>, isWhole: boolean): void {
    this.#slots = slots;
    this.#isWhole = isWhole;
    this.#running = true;
    this.#device.lane.add({ laneClass: 'reconcile', run: () => this.#turn() });
  }

  async #turn(): Promise<'over' | { readonly retryAt: number }> {
    const { clock, log } = this.#options;
    try {
      if (await this.#ask()) return { retryAt: clock.now() };
      this.#over(false);
    } catch (error) {
      if (error instanceof DoorFirst) return { retryAt: clock.now() };
      const why = error instanceof Error ? error.message : 'unknown';
      log.info({ device: this.#device.snapshot.slug, why }, 'what the lock holds could not be read; it is asked again');
      this.#over(true);
    }
    return 'over';
  }

  /** Asks for one slot, or for all in one go. True while some are left. */
  async #ask(): Promise<boolean> {
    const slots = this.#slots ?? new Set();
    const [slot] = slots;
    if (this.#isWhole) {
      const { answer: all, changed } = await this.#read([...this.#changed], listLimitMs, (codes, ctx) =>
        codes.list?.(ctx),
      );
      if (all) {
        const occupied = new Map(all.map((reading) => [reading.slot, reading]));
        for (const one of new Set([...slots, ...occupied.keys()])) {
          await this.#take(occupied.get(one) ?? { slot: one, occupied: false }, changed.has(one));
        }
        slots.clear();
        for (const one of this.#changed) slots.add(one);
        return slots.size > 0;
      }
    }
    if (slot === undefined) return false;
    const { answer: reading, changed } = await this.#read([slot], slotLimitMs, (codes, ctx) => codes.read?.(ctx, slot));
    if (reading) await this.#take(reading, changed.has(slot));
    // A device may tell of codes at its keypad that it lets nobody ask for.
    else this.#changed.delete(slot);
    if (!this.#changed.has(slot)) slots.delete(slot);
    return slots.size > 0;
  }

  /**
   * A read answers for what the lock said of these slots before it. What the lock says meanwhile, the read may not have
   * seen: that slot is asked again.
   */
  async #read<T>(
    about: readonly number[],
    limitMs: number,
    read: (codes: AccessCodeCapability, ctx: ReadContext) => Promise<T> | undefined,
  ): Promise<{ readonly answer: T | undefined; readonly changed: ReadonlySet<number> }> {
    const { clock, log } = this.#options;
    const changed = new Set(about.filter((slot) => this.#changed.delete(slot)));
    let answer: T | undefined;
    try {
      answer = await patientRead(this.#device, { clock, log, limitMs }, async ({ accessCodes }, ctx) =>
        accessCodes ? read(accessCodes, ctx) : undefined,
      );
      return { answer, changed };
    } finally {
      if (answer === undefined) for (const slot of changed) this.#changed.add(slot);
    }
  }

  async #take(reading: SlotReading, wasChanged: boolean): Promise<void> {
    const { repository } = this.#options;
    const { deviceId } = this.#device.snapshot;
    const ours = repository.atSlot(deviceId, reading.slot);
    const wasKnown = repository.unmanagedAt(deviceId, reading.slot) !== undefined || ours?.placement.state === 'held';
    const isReplaced = wasChanged && ours !== undefined && this.#filled.get(reading.slot) === ours.code.accessCodeId;
    if (wasChanged) this.#filled.delete(reading.slot);
    const changes = takeReading(this.#options, deviceId, reading, reading.code ? 'held' : 'writing', isReplaced);
    if (changes.length === 0) return;
    if (wasKnown) this.#found = 'known';
    else if (this.#found === 'nothing') this.#found = 'something';
    await this.#options.store.commit(changes);
  }

  #over(failed: boolean): void {
    const now = this.#options.clock.now();
    const cost = this.#device.snapshot.capabilities.accessCodes?.readCost ?? 'battery';
    this.#running = false;
    this.#slots = undefined;
    if (failed) this.#wantedAt = now + againMs;
    else if (this.#isWhole) {
      this.#lastWhole = now;
      this.#wantedAt = now + slowly[cost];
    }
    this.#failed = failed;
    const found = this.#found;
    this.#found = 'nothing';
    this.#onOver(found);
  }
}

const slotsOf = ({ slots }: AccessCodeRules): readonly number[] =>
  slots === 'device' ? [] : Array.from({ length: slots.count }, (_, index) => slots.first + index);

/**
 * A read that belongs to no attempt: it has a limit all the same. A door command does not wait for it: the read is
 * broken off.
 *
 * @throws DoorFirst when a door command came; the read is to be begun again after it
 * @throws GatewayError `device_offline` when the limit passed
 */
async function patientRead<T>(
  device: ManagedDevice,
  { clock, log, limitMs }: { readonly clock: Clock; readonly log: Logger; readonly limitMs: number },
  read: (opened: Device, ctx: ReadContext) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const tooLate = new GatewayError(
    'device_offline',
    `${device.snapshot.name} did not say in time what it holds. Try again.`,
  );
  const timer = clock.setTimer(() => limit.abort(tooLate), limitMs);
  const leave = device.lane.onDoor(() => limit.abort(new DoorFirst()));
  try {
    return await device.waitFor(read(device.device, { signal: limit.signal, log }), limit.signal);
  } catch (error) {
    throw limit.signal.reason instanceof DoorFirst ? limit.signal.reason : error;
  } finally {
    leave();
    timer.cancel();
  }
}
