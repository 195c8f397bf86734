import {
  type AccessCodeCapability,
  type AccessCodeRules,
  type Clock,
  type CodeCommandContext,
  type CodeSchedule,
  type CodeWrite,
  GatewayError,
  type ReadContext,
  Secret,
  type SlotReading,
  sleep,
} from '../../../src/contract/index.ts';

/** What goes wrong with a write, once. */
export type WriteFault = 'answer_lost' | 'never_arrived' | 'stored_wrong' | 'refused';

export interface TimedKeypadOptions {
  readonly clock: Clock;
  /** What time it really is, whatever the gateway's clock shows. */
  readonly trueTime: () => number;
  readonly slots: number;
  /** The lock assigns its own numbers, lists its codes and keeps their times. */
  readonly native?: boolean;
  /** It keeps weekly hours as well, by a clock that shows the time of this zone. */
  readonly weeklyZone?: string;
  /** What reading costs it; battery unless told. */
  readonly readCost?: 'cheap' | 'battery';
  /** Whether it shows the digits it holds. */
  readonly showsCodes?: boolean;
}

interface Entry {
  readonly by: 'gateway' | 'hand';
  readonly digits: string;
  readonly label: string;
  readonly schedule: CodeSchedule | undefined;
}

/** A change of what opens the lock, on true time. */
export interface KeypadChange {
  readonly at: number;
  readonly slot: number;
  readonly digits: string;
  /** When the lock lets it open the door; undefined for always. */
  readonly schedule: CodeSchedule | undefined;
  readonly present: boolean;
  readonly by: 'gateway' | 'hand';
}

/** A keypad that remembers when which digits stood on it: the judge of what a gateway did. */
export class TimedKeypad {
  readonly rules: AccessCodeRules;
  readonly entries = new Map<number, Entry>();
  readonly changes: KeypadChange[] = [];
  reachable = true;
  /** Runs in the very moment in which the lock has done what the gateway asked for. */
  onWritten: () => void = () => {};
  /** What the next writes meet with. */
  readonly faults: WriteFault[] = [];
  /** When writes met with them, on true time. */
  readonly faulted: number[] = [];
  readonly #options: TimedKeypadOptions;

  constructor(options: TimedKeypadOptions) {
    this.#options = options;
    this.rules = {
      lengths: [4, 5, 6],
      digits: '0123456789',
      slots: options.native ? 'device' : { first: 1, count: options.slots },
      nativeSchedule: options.native ?? false,
      readCost: options.readCost ?? 'battery',
      ...(options.weeklyZone !== undefined && { weeklyHours: { timeZone: options.weeklyZone } }),
    };
  }

  get capability(): AccessCodeCapability {
    return {
      observes: 'slot',
      rules: this.rules,
      set: (ctx, write) => this.#set(ctx, write),
      clear: (ctx, slot) => this.#clear(ctx, slot),
      read: async (ctx, slot) => {
        await this.#wire(ctx);
        return this.#answer(this.#reading(slot), ctx);
      },
      ...(this.#options.native && {
        list: async (ctx: ReadContext) => {
          await this.#wire(ctx);
          const all = [...this.entries.keys()].map((slot) => this.#reading(slot));
          return this.#answer(all, ctx);
        },
      }),
    };
  }

  /** Whether these digits open the door now; a lock that keeps times does so by its own clock, which is right. */
  opens(digits: string, at = this.#options.trueTime()): boolean {
    return [...this.entries.values()].some(
      (entry) =>
        entry.digits === digits &&
        (entry.schedule === undefined ||
          (at >= entry.schedule.startsAt && at < entry.schedule.endsAt && this.#isHour(entry.schedule, at))),
    );
  }

  #isHour({ weekly }: CodeSchedule, at: number): boolean {
    if (!weekly) return true;
    const clock = new Intl.DateTimeFormat('en-GB', {
      timeZone: this.#options.weeklyZone ?? 'UTC',
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    const parts = new Map(clock.formatToParts(at).map(({ type, value }) => [type, value]));
    const day = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(parts.get('weekday') ?? '') + 1;
    const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
    const isDay = weekly.days.length === 0 || weekly.days.includes(day);
    const isAllDay = weekly.fromMinute === 0 && weekly.untilMinute === 0;
    return isDay && (isAllDay || (minute >= weekly.fromMinute && minute < weekly.untilMinute));
  }

  /** Everything goes, as when a board is exchanged. */
  loseAll(): void {
    for (const slot of [...this.entries.keys()]) this.byHand(slot, undefined);
  }

  get showsCodes(): boolean {
    return this.#options.showsCodes !== false;
  }

  /** Whether what stands in a slot can be told from another's code: by its digits, or by a name. */
  get tellsWhose(): boolean {
    return this.showsCodes || this.#options.native === true;
  }

  /** How many codes it holds at the most. */
  get room(): number {
    return this.#options.slots;
  }

  /** Somebody at the lock. On one that keeps names, two strangers' codes never have the same. */
  byHand(slot: number, digits: string | undefined): void {
    const label = this.#options.native ? `Guest ${digits}` : '';
    this.#put(slot, digits === undefined ? undefined : { by: 'hand', digits, label, schedule: undefined });
  }

  async #set(ctx: CodeCommandContext, { slot, label, code, schedule }: CodeWrite): Promise<SlotReading> {
    await this.#wire(ctx);
    const free = slot ?? this.#lowestFree();
    if (free === undefined || this.entries.size >= this.#options.slots) {
      throw new GatewayError('no_space_for_access_code_on_device', 'The keypad is full.', { delivery: 'refused' });
    }
    if (this.entries.has(free)) throw new GatewayError('slot_conflict', 'The slot is taken.', { delivery: 'not_sent' });
    const digits = code.reveal();
    await ctx.letDoorsPass();
    const fault = this.#nextFault();
    (await ctx.pointOfNoReturn()).spend();
    await this.#travel(fault);
    if ([...this.entries.values()].some((entry) => entry.digits === digits)) {
      throw new GatewayError('duplicate_code_on_device', 'The keypad has these digits already.');
    }
    if (fault === 'refused') throw new GatewayError('device_rejected', 'The lock said no.');
    const stored = fault === 'stored_wrong' ? `${digits.slice(1)}${digits.slice(0, 1)}` : digits;
    if (fault !== 'never_arrived') this.#put(free, { by: 'gateway', digits: stored, label, schedule });
    if (fault === 'stored_wrong') throw new GatewayError('code_not_stored', 'It reads back otherwise.');
    if (fault) throw new GatewayError('outcome_unknown', 'Nothing was heard of it.');
    return this.#reading(free);
  }

  async #clear(ctx: CodeCommandContext, slot: number): Promise<void> {
    await this.#wire(ctx);
    if (!this.entries.has(slot)) return;
    await ctx.letDoorsPass();
    const fault = this.#nextFault();
    (await ctx.pointOfNoReturn()).spend();
    await this.#travel(fault);
    if (fault === 'refused') throw new GatewayError('device_rejected', 'The lock said no.');
    if (fault !== 'never_arrived') this.#put(slot, undefined, 'gateway');
    if (fault) throw new GatewayError('outcome_unknown', 'Nothing was heard of it.');
  }

  /** One exchange with the lock; it takes half a second, and a while when nobody answers. */
  async #wire(ctx: ReadContext): Promise<void> {
    await sleep(this.#options.clock, this.reachable ? 500 : 4_000, ctx.signal);
    if (!this.reachable) throw new GatewayError('device_offline', 'The lock does not answer.');
  }

  /** What the lock said is on its way: it may have changed since. */
  async #answer<T>(said: T, ctx: ReadContext): Promise<T> {
    await sleep(this.#options.clock, 100, ctx.signal);
    return said;
  }

  async #travel(fault: WriteFault | undefined): Promise<void> {
    await sleep(this.#options.clock, fault === undefined ? 500 : 2_000);
    if (!this.reachable) throw new GatewayError('outcome_unknown', 'Nothing was heard of it.');
  }

  #reading(slot: number): SlotReading {
    const entry = this.entries.get(slot);
    if (!entry) return { slot, occupied: false };
    return {
      slot,
      occupied: true,
      ...(this.showsCodes && { code: new Secret(entry.digits) }),
      ...(this.#options.native && { label: entry.label }),
    };
  }

  #lowestFree(): number | undefined {
    for (let slot = 1; slot <= this.#options.slots; slot++) if (!this.entries.has(slot)) return slot;
    return undefined;
  }

  #put(slot: number, entry: Entry | undefined, by: Entry['by'] = entry?.by ?? 'hand'): void {
    const at = this.#options.trueTime();
    const before = this.entries.get(slot);
    if (before) this.changes.push({ ...before, at, slot, present: false, by });
    this.entries.delete(slot);
    if (entry) {
      this.entries.set(slot, entry);
      this.changes.push({ ...entry, at, slot, present: true, by });
    }
    if (by === 'gateway') this.onWritten();
  }

  #nextFault(): WriteFault | undefined {
    const fault = this.faults.shift();
    if (fault) this.faulted.push(this.#options.trueTime());
    return fault;
  }
}
