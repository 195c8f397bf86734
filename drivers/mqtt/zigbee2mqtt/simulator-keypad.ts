import {
  type Behaviours,
  type Json,
  type JsonObject,
  type SimulatedBridge,
  type TimerSet,
  zclTimeoutMs,
} from './simulator-bridge.ts';
import type { LockMisbehaviour } from './simulator-misbehaviour.ts';

export interface KeypadOptions {
  readonly ieeeAddress: string;
  /** Slots 0 to count - 1. 0: the lock has no PIN converter. */
  readonly slots: number;
  readonly pinLengths: readonly number[];
  /** The device option `expose_pin`. */
  readonly exposePin: boolean;
  readonly radioMs: number;
}

/** A write to the lock's code memory, as it arrived. `code` is undefined for a delete. */
export interface CodeCommand {
  /** `Clock.now()` */
  readonly at: number;
  readonly slot: number;
  readonly code: string | undefined;
  /** False when the lock refused it. */
  readonly stored: boolean;
}

/** Measured: the programming event appears about 350 ms after the command, with 150 ms of radio. */
const programmingEventMs = 200;

/** The code memory of a simulated Zigbee lock. */
export class SimulatedKeypad {
  /** What the lock holds: slot to PIN. The truth, whatever MQTT says. */
  readonly codes = new Map<number, string>();
  /** Every write that reached the lock. */
  readonly codeCommands: CodeCommand[] = [];
  readonly #options: KeypadOptions;
  readonly #bridge: SimulatedBridge;
  readonly #timers: TimerSet;
  readonly #misbehaviour: () => LockMisbehaviour;
  readonly #now: () => number;
  readonly #staleReads = new Map<number, { left: number; code: string }>();

  constructor(
    options: KeypadOptions,
    bridge: SimulatedBridge,
    timers: TimerSet,
    misbehaviour: () => LockMisbehaviour,
    now: () => number,
  ) {
    this.#options = options;
    this.#bridge = bridge;
    this.#timers = timers;
    this.#misbehaviour = misbehaviour;
    this.#now = now;
  }

  /** What it does about each message; one without slots has no converter for them. */
  behaviours(): Behaviours {
    if (this.#options.slots === 0) return new Map();
    return new Map([
      ['set pin_code', (value) => this.#set(value)],
      ['get pin_code', (value) => this.#get(value)],
    ]);
  }

  #set(value: Json): void {
    const { ieeeAddress, radioMs } = this.#options;
    const write = asObject(value);
    const slot = Number(write.user);
    if (!this.#inRange('set', slot)) return;
    if (this.#misbehaviour().deaf) {
      this.#timers.after(zclTimeoutMs, () => this.#bridge.publishFailed('set', 'pin_code', ieeeAddress, timeout));
      return;
    }
    const code = write.pin_code;
    this.#timers.after(radioMs, () => {
      if (code === null || code === undefined) this.#clear(slot);
      else this.#store(slot, String(code));
    });
  }

  #get(value: Json): void {
    const { ieeeAddress, radioMs } = this.#options;
    const slot = Number(asObject(value).user);
    if (!this.#inRange('get', slot)) return;
    if (this.#misbehaviour().deaf || this.#misbehaviour().ignoresPinReads) {
      this.#timers.after(zclTimeoutMs, () => this.#bridge.publishFailed('get', 'pin_code', ieeeAddress, timeout));
      return;
    }
    if (!this.#misbehaviour().tellsNoCodes) this.#timers.after(radioMs, () => this.#answer(slot));
  }

  /** Somebody programs a code at the keypad itself. */
  programAtKeypad(slot: number, code: string | undefined): void {
    if (code === undefined) this.codes.delete(slot);
    else this.codes.set(slot, code);
    this.#event(code === undefined ? 'pin_code_deleted' : 'pin_code_added', slot, 0, 'keypad');
  }

  #inRange(verb: 'set' | 'get', slot: number): boolean {
    if (Number.isInteger(slot) && slot >= 0 && slot < this.#options.slots) return true;
    this.#bridge.publishFailed(verb, 'pin_code', this.#options.ieeeAddress, 'Error: user must be in range for device');
    return false;
  }

  #store(slot: number, code: string): void {
    const misbehaviour = this.#misbehaviour();
    const duplicate = [...this.codes].some(([other, held]) => other !== slot && held === code);
    const wellFormed = /^\d+$/.test(code) && this.#options.pinLengths.includes(code.length);
    const refused = misbehaviour.refusesPins || duplicate || !wellFormed;
    this.codeCommands.push({ at: this.#now(), slot, code, stored: !refused && !misbehaviour.forgetsPins });
    if (misbehaviour.believesPins)
      this.#bridge.update(this.#options.ieeeAddress, { users: { [slot]: { status: 'enabled' } } });
    if (refused) return;
    this.#timers.after(misbehaviour.storesLateMs, () => {
      if (!misbehaviour.forgetsPins) this.codes.set(slot, code);
      this.#staleReads.delete(slot);
      if (!misbehaviour.sendsNoProgrammingEvents)
        this.#timers.after(programmingEventMs, () => this.#event('pin_code_added', slot, 1, 'rf'));
    });
  }

  #clear(slot: number): void {
    const misbehaviour = this.#misbehaviour();
    const held = this.codes.get(slot);
    this.codeCommands.push({ at: this.#now(), slot, code: undefined, stored: !misbehaviour.keepsClearedPins });
    this.#timers.after(misbehaviour.storesLateMs, () => {
      if (!misbehaviour.keepsClearedPins) this.codes.delete(slot);
      if (held !== undefined && misbehaviour.enabledAfterDelete > 0)
        this.#staleReads.set(slot, { left: misbehaviour.enabledAfterDelete, code: held });
      if (!misbehaviour.sendsNoProgrammingEvents)
        this.#timers.after(programmingEventMs, () => this.#event('pin_code_deleted', slot, 1, 'rf'));
    });
  }

  #answer(slot: number): void {
    const stale = this.#staleReads.get(slot);
    if (stale !== undefined) stale.left -= 1;
    if (stale?.left === 0) this.#staleReads.delete(slot);
    const code = stale?.code ?? this.codes.get(slot);
    const user: JsonObject =
      code === undefined
        ? { status: 'available' }
        : {
            status: 'enabled',
            ...(this.#options.exposePin ? { pin_code: shownAs[this.#misbehaviour().showsPinsAs](code) } : {}),
          };
    this.#bridge.update(this.#options.ieeeAddress, { users: { [slot]: user } });
  }

  /** The cached `users` are as old as before: only a read renews them. */
  #event(action: string, slot: number, source: number, sourceName: string): void {
    this.#bridge.update(
      this.#options.ieeeAddress,
      {},
      { action, action_user: slot, action_source: source, action_source_name: sourceName },
    );
  }
}

/** Locks withhold digits in ways of their own. */
const shownAs: Readonly<Record<LockMisbehaviour['showsPinsAs'], (code: string) => Json>> = {
  digits: (code) => code,
  nothing: () => '',
  stars: (code) => '*'.repeat(code.length),
  number: Number,
};

const timeout = 'Error: ZCL command closuresDoorLock failed (Timeout - 4711 - 1 - 1 - 257 - 7 after 10000ms)';

const asObject = (value: Json): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
