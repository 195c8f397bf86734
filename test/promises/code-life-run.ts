import type { AccessCodeSettings } from '../../src/access-codes/settings.ts';
import type { Core } from '../../src/composition/core.ts';
import { Secret } from '../../src/contract/index.ts';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { MortalClock } from '../kit/clock/mortal-clock.ts';
import { scriptedCore } from '../kit/gateway/core-fixture.ts';
import type { ScriptedLock } from '../kit/locks/scripted-lock.ts';
import { type KeypadChange, TimedKeypad } from '../kit/locks/timed-keypad.ts';
import { type Hand, type LifeStep, type LifeTrace, ladderMs, type RequestedCode, type Trouble } from './code-life.ts';

const minute = 60_000;

/** What a start takes, a guess: a write that was under way has reached the lock by then. */
const bootMs = 3_000;

/** What a commit takes: long enough for a crash to come in between. */
const commitMs = 30;

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
  readonly #wishes: RequestedCode[] = [];
  readonly #trouble: Trouble[] = [];
  readonly #open = new Map<Trouble['what'], number>();
  readonly #comebacks: number[] = [];
  readonly #heard = new Set<KeypadChange>();
  readonly #givenUp = new Set<string>();
  readonly #source = { right: true };
  /** The lock is out of reach, and nobody has said so. */
  #unheard = false;
  #store: MemoryStore;
  #core: Core | undefined;
  #lock: ScriptedLock<TimedKeypad> | undefined;
  #processClock: MortalClock | undefined;

  constructor(options: { readonly native: boolean; readonly showsCodes: boolean; readonly slots: number }) {
    this.#keypad = new TimedKeypad({
      clock: this.#clock,
      trueTime: () => this.now,
      ...options,
    });
    this.#store = new MemoryStore({ clock: this.#clock, commitMs });
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
      if (step.kind === 'crash_at_write') this.#keypad.onWritten = () => this.#die();
      await this.#clock.advance(step.afterMs);
      this.#keypad.onWritten = () => {};
      if (!this.#core) await this.#clock.advance(bootMs).then(() => this.#start());
    }
    await this.#heal();
    const until = this.now;
    const told = this.core.accessCodes.list().map((code) => ({
      id: code.accessCodeId,
      digits: this.core.accessCodes.reveal(code)?.reveal() ?? '',
      status: code.status,
      problems: [...code.errors, ...code.warnings].map(({ code: name }) => name),
    }));
    const { unmanaged } = this.core.accessCodes;
    const shownAsForeign = unmanaged
      .list()
      .map((code) => ({ slot: code.slot, digits: unmanaged.reveal(code)?.reveal() }));
    await this.#kill();
    return {
      from,
      until,
      wishes: this.#wishes,
      keypad: this.#keypad,
      trouble: this.#trouble,
      comebacks: this.#comebacks,
      heard: this.#heard,
      givenUp: this.#givenUp,
      events: this.#store.read.eventsAfter(0, 1_000_000),
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
    const starting = scriptedCore({
      clock: this.#clock,
      processClock,
      store: this.#store,
      keypad: this.#keypad,
      accessCodes: settings,
      timeSource: { isSynchronised: async () => this.#source.right },
    });
    const { core, lock } = await this.#clock.until(starting);
    this.#processClock = processClock;
    this.#core = core;
    this.#lock = lock;
    if (!this.#keypad.reachable) this.#report();
    this.#unheard = false;
    this.#calm('dead');
    this.#comebacks.push(this.now);
  }

  async #kill(inFlight: 'lost' | 'kept' = 'lost'): Promise<void> {
    this.#die(inFlight);
    await this.#clock.settle();
  }

  #die(inFlight: 'lost' | 'kept' = 'lost'): void {
    this.#keypad.onWritten = () => {};
    this.#trouble_('dead');
    this.#processClock?.kill();
    this.#core = undefined;
    this.#store = this.#store.crash(inFlight);
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
        return this.#leave();
      case 'leave_unheard':
        this.#unheard ||= this.#keypad.reachable;
        this.#keypad.reachable = false;
        this.#trouble_('away');
        return;
      case 'return':
        return this.#return();
      case 'crash':
      case 'crash_kept':
        await this.#kill(step.kind === 'crash' ? 'lost' : 'kept');
        await this.#clock.advance(bootMs);
        return this.#start();
      case 'crash_at_write':
        return;
      case 'restart_after':
        return this.#whileDead(() => this.#clock.advance(step.minutes * minute));
      case 'lose_all':
        return this.#keypad.loseAll();
      case 'fault':
        // A lock that hides its digits cannot be seen to have stored others.
        if (this.#keypad.showsCodes || step.fault !== 'stored_wrong') this.#keypad.faults.push(step.fault);
        return;
      case 'by_hand':
        return this.#byHandWhile(step.unseen, step.hand);
      case 'delete_foreign':
        return this.#deleteForeign(step.which);
      case 'clock_wrong':
        this.#source.right = false;
        this.#clock.setWallTime(this.now + step.byMinutes * minute);
        this.#trouble_('time');
        // Anybody who asks makes the gateway look at its clock.
        void this.core.time.confidence;
        await this.#clock.settle();
        return;
      case 'clock_confirmed_slow':
        // An operator who is wrong: the gateway must believe him.
        this.#source.right = false;
        this.#trouble_('slow');
        this.#clock.setWallTime(this.now - step.byMinutes * minute);
        return this.#clock.until(this.core.time.confirm());
      case 'restart_slow':
        return this.#restartSlow(step.byMinutes);
      case 'clock_right':
        this.#clock.setWallTime(this.now);
        this.#source.right = true;
        void this.core.time.confidence;
        await this.#clock.advance(minute);
        this.#calm('time');
        this.#calm('slow');
        return;
    }
  }

  /** In the end everything is well again, and everything owed must be paid. */
  async #heal(): Promise<void> {
    this.#keypad.faults.length = 0;
    await this.#step({ kind: 'clock_right', afterMs: 0 });
    this.#return();
    await this.#clock.advance(30 * minute);
  }

  /** The box comes up with a clock that is behind what it has seen. */
  async #restartSlow(byMinutes: number): Promise<void> {
    // Every ten minutes the gateway writes down how late it is: one that ran for less has nothing to go by.
    const isMarked = this.now - (this.#comebacks.at(-1) ?? 0) > 11 * minute && !this.#open.has('slow');
    if (!isMarked || !this.#source.right) return;
    this.#source.right = false;
    await this.#kill();
    this.#clock.setWallTime(this.now - byMinutes * minute);
    this.#trouble_('time');
    // What was under way is over before anything is done by the new clock.
    await this.#clock.advance(2 * bootMs);
    return this.#start();
  }

  #leave(): void {
    this.#unheard = false;
    this.#keypad.reachable = false;
    this.#trouble_('away');
    this.#report();
  }

  #return(): void {
    const { reachable } = this.#keypad;
    this.#keypad.reachable = true;
    // Who was never missed is found when it is tried again.
    this.#calm('away', this.#unheard ? ladderMs : 0);
    if (!this.#unheard) {
      if (!reachable) this.#comebacks.push(this.now);
      this.#report();
    }
    this.#unheard = false;
  }

  async #whileDead(live: () => Promise<void>): Promise<void> {
    await this.#kill();
    await live();
    return this.#start();
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
    changed: Partial<Pick<RequestedCode, 'digits' | 'startsAt' | 'endsAt'>>,
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

  #living(which: number): RequestedCode | undefined {
    const living = this.#wishes.filter(({ until }) => until === undefined);
    return living[which % Math.max(1, living.length)];
  }

  /** Undefined when it was refused. */
  async #asked<T>(ask: () => Promise<T>): Promise<T | undefined> {
    return this.#clock.until(ask().catch(() => undefined));
  }

  async #deleteForeign(which: number): Promise<void> {
    const { unmanaged } = this.core.accessCodes;
    const shown = unmanaged.list();
    const code = shown[which % Math.max(1, shown.length)];
    if (!code) return;
    const digits =
      unmanaged.reveal(code)?.reveal() ?? code.name?.slice(-4) ?? this.#keypad.entries.get(code.slot)?.digits;
    if (digits !== undefined) this.#givenUp.add(digits);
    await this.#asked(() => unmanaged.delete(code.accessCodeId, this.#origin()));
  }

  async #byHandWhile(unseen: 'away' | 'dead' | undefined, hand: Hand): Promise<void> {
    if (unseen === undefined) {
      this.#byHand(hand);
      // What such a lock says is said once: who does not hear it out never knows.
      return this.#keypad.tellsWhose ? undefined : this.#clock.advance(minute);
    }
    const live = async () => {
      await this.#clock.advance(minute);
      this.#byHand(hand, unseen);
      await this.#clock.advance(minute);
    };
    if (unseen === 'dead') return this.#whileDead(live);
    this.#leave();
    await live();
    this.#return();
  }

  #byHand({ slot: number, isOurs, digits }: Hand, unseen?: 'away' | 'dead'): void {
    const { entries, room, rules, reachable, tellsWhose } = this.#keypad;
    const ours = [...entries].flatMap(([slot, { by }]) => (by === 'gateway' ? [slot] : []));
    const slot = isOurs ? ours[number % Math.max(1, ours.length)] : number;
    if (slot === undefined || slot > room) return;
    const isHeard = unseen === undefined && reachable;
    // Who shows neither digits nor names, and whom nobody listens to, tells nobody that others filled a slot of ours.
    if (!isHeard && !tellsWhose && digits !== undefined) return;
    // A lock takes no digits twice.
    if (digits === undefined ? !entries.has(slot) : [...entries.values()].some((entry) => entry.digits === digits))
      return;
    const before = this.#keypad.changes.length;
    this.#keypad.byHand(slot, digits);
    if (!isHeard || rules.nativeSchedule) return;
    for (const change of this.#keypad.changes.slice(before)) this.#heard.add(change);
    this.#lock?.report({ kind: 'code_slot', slot, occupied: digits !== undefined });
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

  #trouble_(what: Trouble['what']): void {
    if (!this.#open.has(what)) this.#open.set(what, this.now);
  }

  #calm(what: Trouble['what'], afterMs = 0): void {
    const since = this.#open.get(what);
    if (since === undefined) return;
    this.#open.delete(what);
    this.#trouble.push({ what, stretch: [since, this.now + afterMs] });
  }
}
