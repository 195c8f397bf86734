import type { Core } from '../../src/composition/core.ts';
import { Secret } from '../../src/contract/index.ts';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { whenKept } from '../../src/model/when-kept.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { MortalClock } from '../kit/clock/mortal-clock.ts';
import { coreFixture } from '../kit/gateway/core-fixture.ts';
import { ScriptedLock } from '../kit/locks/scripted-lock.ts';
import { TimedKeypad } from '../kit/locks/timed-keypad.ts';
import { type GrantStep, type GrantWish, slugs } from './grant-life.ts';
import { brokenAtAnyTime, brokenWhenQuiet } from './grant-life-judge.ts';

const minute = 60_000;

/** What a commit takes: long enough for a crash to come in between. */
const commitMs = 30;

/** What a start takes: a write that was under way has reached the lock by then. */
const bootMs = 3_000;

/** How long nothing happens before a lock is held to what it should hold: longer than any pause between two tries. */
const quietMs = 20 * minute;

export interface GrantLifeOptions {
  readonly native: boolean;
  readonly slots: number;
  readonly backups: number;
}

export interface House {
  readonly now: number;
  readonly core: Core;
  readonly doors: ReadonlyMap<string, TimedKeypad>;
  /** Doors of each space, by its number. */
  readonly spaces: readonly (readonly string[])[];
  readonly wishes: readonly GrantWish[];
  readonly options: GrantLifeOptions;
}

/** The life of one gateway with grants over three keypads, by a list of steps. */
export class GrantLifeRun {
  readonly #clock = new SimulatedClock(Date.UTC(2026, 2, 28, 10));
  readonly #options: GrantLifeOptions;
  readonly #locks = new Map<string, ScriptedLock<TimedKeypad>>();
  readonly #doors = new Map<string, TimedKeypad>();
  readonly #wishes: GrantWish[] = [];
  readonly #spaceIds: string[] = [];
  readonly #spaces: string[][] = [['front', 'side'], ['back']];
  readonly #broken: string[] = [];
  #store: MemoryStore;
  #core: Core | undefined;
  #processClock: MortalClock | undefined;
  #seed = 1;

  constructor(options: GrantLifeOptions) {
    this.#options = options;
    this.#store = new MemoryStore({ clock: this.#clock, commitMs });
    for (const slug of slugs) {
      const lock = new ScriptedLock<TimedKeypad>();
      lock.keypad = new TimedKeypad({
        clock: this.#clock,
        trueTime: () => this.#clock.wallTime(),
        slots: options.slots,
        native: options.native && slug === 'back',
      });
      this.#doors.set(slug, lock.keypad);
      this.#locks.set(slug, lock);
    }
  }

  /** Every promise that was broken; empty when all were kept. */
  async run(steps: readonly GrantStep[]): Promise<string[]> {
    await this.#start();
    for (const [number, doors] of this.#spaces.entries()) {
      const space = await this.#clock.until(this.core.spaces.create({ name: `Flat ${number}`, deviceIds: doors }));
      this.#spaceIds.push(space.spaceId);
    }
    for (const step of steps) {
      await this.#step(step);
      if (step.kind === 'crash_at_write')
        for (const keypad of this.#doors.values()) keypad.onWritten = () => this.#die();
      await this.#clock.advance(step.afterMs);
      for (const keypad of this.#doors.values()) keypad.onWritten = () => {};
      if (!this.#core) await this.#clock.advance(bootMs).then(() => this.#start());
      await this.#judge(brokenAtAnyTime, step.kind);
    }
    await this.#heal();
    await this.#judge(brokenWhenQuiet, 'the end');
    for (const { id, isDeleted } of this.#wishes)
      if (!isDeleted) await this.#done(() => this.core.accessGrants.delete(id));
    for (const wish of this.#wishes) wish.isDeleted = true;
    await this.#heal();
    await this.#judge(brokenWhenQuiet, 'everything was deleted');
    this.#die();
    await this.#clock.settle();
    return this.#broken;
  }

  private get core(): Core {
    if (!this.#core) throw new Error('the process is dead');
    return this.#core;
  }

  async #judge(judge: (house: House) => string[], when: string): Promise<void> {
    await this.#clock.until(this.#learnPins());
    const now = this.#clock.wallTime();
    const house: House = {
      now,
      core: this.core,
      doors: this.#doors,
      spaces: this.#spaces,
      wishes: this.#wishes,
      options: this.#options,
    };
    this.#broken.push(
      ...judge(house).map((what) => `${(this.#clock.now() / minute).toFixed(1)} min, ${when}: ${what}`),
    );
  }

  /** As somebody learns them who asks now: from an answer that comes once all that it shows is on disk. */
  async #learnPins(): Promise<void> {
    const { accessGrants } = this.core;
    const told = await whenKept(this.core, () =>
      this.#wishes.map((wish) => ({
        wish,
        pins: accessGrants.methodsOf(wish.id).flatMap((method) => accessGrants.reveal(method)?.reveal() ?? []),
      })),
    );
    for (const { wish, pins } of told) for (const pin of pins) wish.pins.add(pin);
  }

  async #start(): Promise<void> {
    this.#processClock = new MortalClock(this.#clock);
    const { core } = coreFixture({
      clock: this.#clock,
      processClock: this.#processClock,
      store: this.#store,
      seed: this.#seed++,
      accessCodes: {
        leadMs: 60 * minute,
        nativeLeadMs: 72 * 60 * minute,
        duplicates: 'refuse',
        backupCodes: this.#options.backups,
      },
      timeSource: { isSynchronised: async () => true },
      devices: [...this.#locks].map(([slug, { driver, link }]) => ({ slug, driver, link })),
    });
    await this.#clock.until(core.start());
    this.#core = core;
    for (const slug of slugs) if (!this.#doors.get(slug)?.reachable) this.#report(slug);
  }

  #die(inFlight: 'lost' | 'kept' = 'lost'): void {
    if (!this.#core) return;
    for (const keypad of this.#doors.values()) keypad.onWritten = () => {};
    // Whoever asks now is never answered unless all is on disk.
    void this.#learnPins();
    this.#processClock?.kill();
    this.#core = undefined;
    this.#store = this.#store.crash(inFlight);
    this.#store.freeDisk();
  }

  async #step(step: GrantStep): Promise<void> {
    switch (step.kind) {
      case 'create':
        return this.#create(step);
      case 'end': {
        const endsAt = step.minutes === undefined ? null : this.#clock.wallTime() + step.minutes * minute;
        return this.#change(step.which, { endsAt }, (wish) => {
          wish.endsAt = endsAt ?? undefined;
        });
      }
      case 'start': {
        const startsAt = this.#clock.wallTime() + step.from * minute;
        return this.#change(step.which, { startsAt }, (wish) => {
          wish.startsAt = startsAt;
        });
      }
      case 'delete': {
        const wish = this.#living(step.which);
        if (wish && (await this.#done(() => this.core.accessGrants.delete(wish.id)))) wish.isDeleted = true;
        return;
      }
      case 'more': {
        const wish = this.#living(step.which);
        if (wish) await this.#done(() => this.core.accessGrants.requestMethods(wish.id, [{}]));
        return;
      }
      case 'less': {
        const wish = this.#living(step.which);
        const [method] = wish ? this.core.accessGrants.methodsOf(wish.id) : [];
        if (!wish || !method) return;
        if (await this.#done(() => this.core.accessGrants.deleteMethod(method.accessMethodId))) wish.isPartial = true;
        return;
      }
      case 'membership': {
        const number = step.space % this.#spaceIds.length;
        const doors = chosen(slugs, step.doors);
        const done = await this.#done(() =>
          this.core.spaces.update(this.#spaceIds[number] ?? '', { deviceIds: doors }),
        );
        if (done) this.#spaces[number] = doors;
        return;
      }
      case 'leave':
      case 'return':
        this.#keypad(step.door).reachable = step.kind === 'return';
        return this.#report(slugOf(step.door));
      case 'leave_unheard':
        this.#keypad(step.door).reachable = false;
        return;
      case 'lose_all':
        return this.#loseAll(step.door);
      case 'crash':
      case 'crash_kept':
        this.#die(step.kind === 'crash' ? 'lost' : 'kept');
        await this.#clock.advance(bootMs);
        return this.#start();
      case 'crash_at_write':
        return;
      case 'dead_for':
        this.#die();
        await this.#clock.advance(step.minutes * minute);
        return this.#start();
      case 'disk_full':
        return this.#store.fillDisk();
      case 'disk_free':
        return this.#store.freeDisk();
      case 'fault':
        this.#keypad(step.door).faults.push(step.fault);
        return;
      case 'by_hand':
        return this.#byHand(step.door, step.slot, step.digits);
      case 'quiet':
        // Nothing goes wrong any more, and who is away stays away.
        for (const keypad of this.#doors.values()) keypad.faults.length = 0;
        this.#store.freeDisk();
        await this.#clock.advance(quietMs);
        return this.#judge(brokenWhenQuiet, 'quiet');
    }
  }

  async #heal(): Promise<void> {
    this.#store.freeDisk();
    for (const slug of slugs) {
      const keypad = this.#keypad(slugs.indexOf(slug));
      keypad.faults.length = 0;
      keypad.reachable = true;
      this.#report(slug);
    }
    await this.#clock.advance(45 * minute);
  }

  async #create({ doors, spaces, from, minutes, digits }: GrantStep & { readonly kind: 'create' }): Promise<void> {
    const at = this.#clock.wallTime();
    const startsAt = from === undefined ? undefined : at + from * minute;
    const endsAt = minutes === undefined ? undefined : (startsAt ?? at) + minutes * minute;
    const deviceIds = chosen(slugs, doors);
    const numbers = chosen([0, 1], spaces);
    if (deviceIds.length + numbers.length === 0) return;
    const grant = await this.#asked(() =>
      this.core.accessGrants.create({
        user: { fullName: 'Ana' },
        deviceIds,
        spaceIds: numbers.map((number) => this.#spaceIds[number] ?? ''),
        requests: [digits === undefined ? {} : { code: new Secret(digits) }],
        ...(startsAt !== undefined && { startsAt }),
        ...(endsAt !== undefined && { endsAt }),
      }),
    );
    if (!grant) return;
    this.#wishes.push({
      id: grant.accessGrantId,
      doors: deviceIds,
      spaces: numbers,
      startsAt: grant.startsAt,
      endsAt,
      isDeleted: false,
      isPartial: false,
      pins: new Set(digits === undefined ? [] : [digits]),
    });
  }

  async #change(
    which: number,
    patch: Parameters<Core['accessGrants']['update']>[1],
    then: (wish: GrantWish) => void,
  ): Promise<void> {
    const wish = this.#living(which);
    if (wish && (await this.#done(() => this.core.accessGrants.update(wish.id, patch)))) then(wish);
  }

  #living(which: number): GrantWish | undefined {
    const living = this.#wishes.filter(({ isDeleted }) => !isDeleted);
    return living[which % Math.max(1, living.length)];
  }

  /** Undefined when it was refused. */
  #asked<T>(ask: () => Promise<T>): Promise<T | undefined> {
    return this.#clock.until(ask().catch(() => undefined));
  }

  async #done(ask: () => Promise<unknown>): Promise<boolean> {
    return (await this.#asked(() => ask().then(() => true))) ?? false;
  }

  /** As when a board is exchanged: the lock tells of each, or it was away over it. */
  async #loseAll(door: number): Promise<void> {
    const keypad = this.#keypad(door);
    if (keypad.rules.nativeSchedule || !keypad.reachable) {
      keypad.reachable = false;
      this.#report(slugOf(door));
      keypad.loseAll();
      // Longer than the pause between two looks at a lock that comes and goes.
      await this.#clock.advance(16 * minute);
      keypad.reachable = true;
      return this.#report(slugOf(door));
    }
    for (const slot of [...keypad.entries.keys()]) await this.#tellOf(door, slot, undefined);
  }

  async #byHand(door: number, slot: number, digits: string | undefined): Promise<void> {
    const keypad = this.#keypad(door);
    const standing = keypad.entries.get(slot);
    const isTaken = [...keypad.entries.values()].some((entry) => entry.digits === digits);
    if (keypad.rules.nativeSchedule || !keypad.reachable || slot > keypad.room) return;
    // Somebody fills a free slot, or empties what somebody filled: what the gateway put is left to `lose_all`.
    if (digits === undefined ? standing?.by !== 'hand' : standing !== undefined || isTaken) return;
    return this.#tellOf(door, slot, digits);
  }

  /** What such a lock says is said once: nothing else happens until it was heard out. */
  async #tellOf(door: number, slot: number, digits: string | undefined): Promise<void> {
    this.#keypad(door).byHand(slot, digits);
    this.#locks.get(slugOf(door))?.report({ kind: 'code_slot', slot, occupied: digits !== undefined });
    await this.#clock.advance(minute);
  }

  #report(slug: string): void {
    this.#locks.get(slug)?.report({
      kind: 'health',
      health: this.#doors.get(slug)?.reachable
        ? { status: 'online' }
        : { status: 'offline', reason: 'out_of_range', hint: 'Bring it closer.' },
    });
  }

  #keypad(door: number): TimedKeypad {
    const keypad = this.#doors.get(slugOf(door));
    if (!keypad) throw new Error(`there is no door ${door}`);
    return keypad;
  }
}

const slugOf = (door: number): string => slugs[door % slugs.length] ?? slugs[0];

const chosen = <T>(all: readonly T[], bits: number): T[] => all.filter((_, index) => (bits & (1 << index)) !== 0);
