import type { AccessCodeSettings } from '../../src/access-codes/settings.ts';
import { Secret } from '../../src/contract/index.ts';
import type { Core } from '../../src/gateway/core.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { EventRecord } from '../../src/store/records.ts';
import { scriptedCore } from '../kit/core-fixture.ts';
import { MortalClock } from '../kit/mortal-clock.ts';
import type { ScriptedLock } from '../kit/scripted-lock.ts';
import { SimulatedClock } from '../kit/simulated-clock.ts';
import { TimedKeypad, type WriteFault } from '../kit/timed-keypad.ts';

const minute = 60_000;

/** One thing that happens, and how many minutes pass after it. Numbers are chosen by fast-check, so that they shrink. */
export type LifeStep = { readonly afterMinutes: number } & (
  | { readonly kind: 'create'; readonly digits: string; readonly from: number | undefined; readonly minutes: number }
  | { readonly kind: 'digits'; readonly which: number; readonly digits: string }
  | { readonly kind: 'end'; readonly which: number; readonly minutes: number }
  | { readonly kind: 'start'; readonly which: number; readonly from: number; readonly minutes: number }
  | { readonly kind: 'delete'; readonly which: number }
  | { readonly kind: 'leave' | 'return' | 'crash' | 'crash_kept' | 'lose_all' | 'clock_right' }
  | { readonly kind: 'restart_after'; readonly minutes: number }
  | { readonly kind: 'fault'; readonly fault: WriteFault }
  | { readonly kind: 'by_hand'; readonly slot: number; readonly digits: string | undefined }
  | { readonly kind: 'clock_wrong'; readonly byMinutes: number }
);

export interface LifeOptions {
  readonly native: boolean;
  readonly showsCodes: boolean;
  readonly steps: readonly LifeStep[];
}

/** When digits were wanted on the lock: true time, in milliseconds since the Unix epoch. */
export interface Wish {
  readonly id: string;
  readonly digits: string;
  /** When it was accepted. */
  readonly since: number;
  readonly startsAt: number | undefined;
  readonly endsAt: number | undefined;
  /** When something else was wanted in its place, or nothing. */
  until: number | undefined;
}

export interface LifeTrace {
  readonly from: number;
  readonly until: number;
  readonly wishes: readonly Wish[];
  readonly keypad: TimedKeypad;
  /** Stretches in which a gateway could not have done better. */
  readonly trouble: readonly (readonly [from: number, until: number])[];
  readonly events: readonly EventRecord[];
  /** Digits of codes on the lock that the gateway shows as not its own, in the end. */
  readonly shownAsForeign: readonly string[];
  /** What the gateway says in the end. */
  readonly told: readonly { readonly digits: string; readonly status: string; readonly problems: readonly string[] }[];
}

/** After a fault that the lock does not tell of, the gateway waits before it tries again: at most this long. */
const ladderMs = 5 * minute + 60_000;

const settings: AccessCodeSettings = {
  leadMs: 60 * minute,
  nativeLeadMs: 72 * 60 * minute,
  duplicates: 'refuse',
  backupCodes: 0,
};

/** The life of one gateway and one keypad, by a list of steps. */
export class CodeLifeRun {
  readonly #clock = new SimulatedClock(Date.UTC(2026, 2, 28, 10));
  readonly #epoch = this.#clock.wallTime();
  readonly #keypad: TimedKeypad;
  readonly #showsCodes: boolean;
  readonly #wishes: Wish[] = [];
  readonly #trouble: [number, number][] = [];
  readonly #open = new Map<string, number>();
  readonly #source = { right: true };
  #store: MemoryStore;
  #core: Core | undefined;
  #lock: ScriptedLock<TimedKeypad> | undefined;
  #processClock: MortalClock | undefined;

  constructor(options: Pick<LifeOptions, 'native' | 'showsCodes'>) {
    this.#showsCodes = options.showsCodes;
    this.#keypad = new TimedKeypad({
      clock: this.#clock,
      trueTime: () => this.now,
      slots: 6,
      native: options.native,
      showsCodes: options.showsCodes,
    });
    this.#store = new MemoryStore({ clock: this.#clock });
  }

  /** True time. */
  get now(): number {
    return this.#epoch + this.#clock.now();
  }

  async run(steps: readonly LifeStep[]): Promise<LifeTrace> {
    const from = this.now;
    await this.#start();
    for (const step of steps) {
      await this.#step(step);
      await this.#clock.advance(step.afterMinutes * minute);
    }
    await this.#heal();
    const until = this.now;
    const told = this.core.accessCodes.list().map((code) => ({
      digits: this.core.accessCodes.reveal(code).reveal(),
      status: code.status,
      problems: [...code.errors, ...code.warnings].map(({ code: name }) => name),
    }));
    const { unmanaged } = this.core.accessCodes;
    const shownAsForeign = unmanaged.list().map((code) => unmanaged.reveal(code)?.reveal() ?? '');
    await this.#kill();
    return {
      from,
      until,
      wishes: this.#wishes,
      keypad: this.#keypad,
      trouble: this.#trouble,
      events: this.#store.eventsAfter(0, 1_000_000),
      shownAsForeign,
      told,
    };
  }

  private get core(): Core {
    if (!this.#core) throw new Error('the process is dead');
    return this.#core;
  }

  async #start(): Promise<void> {
    const processClock = new MortalClock(this.#clock);
    const { core, lock } = await scriptedCore({
      clock: this.#clock,
      processClock,
      store: this.#store,
      keypad: this.#keypad,
      accessCodes: settings,
      timeSource: { isSynchronised: async () => this.#source.right },
    });
    this.#processClock = processClock;
    this.#core = core;
    this.#lock = lock;
    if (!this.#keypad.reachable) this.#report();
    this.#calm('dead');
  }

  async #kill(inFlight: 'lost' | 'kept' = 'lost'): Promise<void> {
    this.#processClock?.kill();
    this.#core = undefined;
    this.#store = this.#store.crash(inFlight);
    await this.#clock.settle();
  }

  async #step(step: LifeStep): Promise<void> {
    switch (step.kind) {
      case 'create':
        return this.#create(step.digits, step.from, step.minutes);
      case 'digits':
        return this.#update(step.which, { code: new Secret(step.digits) }, { digits: step.digits });
      case 'end': {
        const endsAt = this.now + step.minutes * minute;
        return this.#update(step.which, { endsAt }, { endsAt });
      }
      case 'start': {
        const startsAt = this.now + step.from * minute;
        const endsAt = startsAt + step.minutes * minute;
        return this.#update(step.which, { startsAt, endsAt }, { startsAt, endsAt });
      }
      case 'delete':
        return this.#delete(step.which);
      case 'leave':
        this.#keypad.reachable = false;
        this.#trouble_('away');
        return this.#report();
      case 'return':
        this.#keypad.reachable = true;
        this.#calm('away');
        return this.#report();
      case 'crash':
      case 'crash_kept':
        await this.#kill(step.kind === 'crash' ? 'lost' : 'kept');
        return this.#start();
      case 'restart_after':
        this.#trouble_('dead');
        await this.#kill();
        await this.#clock.advance(step.minutes * minute);
        return this.#start();
      case 'lose_all':
        return this.#keypad.loseAll();
      case 'fault':
        this.#keypad.faults.push(step.fault);
        this.#trouble_('fault');
        return;
      case 'by_hand':
        return this.#byHand(step.slot, step.digits);
      case 'clock_wrong':
        this.#source.right = false;
        this.#clock.setWallTime(this.now + step.byMinutes * minute);
        this.#trouble_('time');
        // Anybody who asks makes the gateway look at its clock.
        void this.core.time.confidence;
        await this.#clock.settle();
        return;
      case 'clock_right':
        this.#clock.setWallTime(this.now);
        this.#source.right = true;
        await this.#clock.advance(minute);
        this.#calm('time');
        return;
    }
  }

  /** In the end everything is well again, and everything owed must be paid. */
  async #heal(): Promise<void> {
    this.#keypad.faults.length = 0;
    this.#calm('fault');
    await this.#step({ kind: 'clock_right', afterMinutes: 0 });
    await this.#step({ kind: 'return', afterMinutes: 0 });
    await this.#clock.advance(30 * minute);
  }

  async #create(digits: string, from: number | undefined, minutes: number): Promise<void> {
    const startsAt = from === undefined ? undefined : this.now + from * minute;
    const endsAt = startsAt === undefined ? undefined : startsAt + minutes * minute;
    const times = { ...(startsAt !== undefined && { startsAt }), ...(endsAt !== undefined && { endsAt }) };
    const { code } = (await this.#asked(() =>
      this.core.accessCodes.create({ deviceId: 'front', code: new Secret(digits), ...times }, this.#origin()),
    )) ?? { code: undefined };
    if (!code) return;
    this.#wishes.push({ id: code.accessCodeId, digits, since: this.now, startsAt, endsAt, until: undefined });
  }

  async #update(
    which: number,
    patch: Parameters<Core['accessCodes']['update']>[1],
    changed: Partial<Pick<Wish, 'digits' | 'startsAt' | 'endsAt'>>,
  ): Promise<void> {
    const wish = this.#living(which);
    // An end makes no sense for a code that has none.
    if (!wish || (patch.endsAt !== undefined && wish.endsAt === undefined)) return;
    const done = await this.#asked(() => this.core.accessCodes.update(wish.id, patch, this.#origin()));
    if (!done) return;
    wish.until = this.now;
    this.#wishes.push({ ...wish, ...changed, since: this.now, until: undefined });
  }

  async #delete(which: number): Promise<void> {
    const wish = this.#living(which);
    if (!wish) return;
    const done = await this.#asked(() => this.core.accessCodes.delete(wish.id, this.#origin()));
    if (done) wish.until = this.now;
  }

  #living(which: number): Wish | undefined {
    const living = this.#wishes.filter(({ until }) => until === undefined);
    return living[which % Math.max(1, living.length)];
  }

  /** Undefined when it was refused. */
  async #asked<T>(ask: () => Promise<T>): Promise<T | undefined> {
    return ask().catch(() => undefined);
  }

  #byHand(slot: number, digits: string | undefined): void {
    // A lock that hides its digits, and is away, tells nobody that others filled a slot of ours.
    if (!this.#keypad.reachable && !this.#showsCodes) return;
    if (this.#keypad.entries.has(slot) === (digits === undefined)) {
      this.#keypad.byHand(slot, digits);
      if (this.#keypad.reachable && !this.#keypad.rules.nativeSchedule) {
        this.#lock?.report({ kind: 'code_slot', slot, occupied: digits !== undefined });
      }
    }
  }

  #report(): void {
    this.#lock?.report({
      kind: 'health',
      health: this.#keypad.reachable
        ? { status: 'online' }
        : { status: 'offline', reason: 'out_of_range', hint: 'Bring it closer.' },
    });
  }

  #origin() {
    return { actor: { kind: 'cli', name: 'test' }, receivedAt: this.#clock.now() } as const;
  }

  #trouble_(what: string): void {
    if (!this.#open.has(what)) this.#open.set(what, this.now);
  }

  #calm(what: string): void {
    const since = this.#open.get(what);
    if (since === undefined) return;
    this.#open.delete(what);
    this.#trouble.push([since, this.now + (what === 'fault' ? ladderMs : 0)]);
  }
}
