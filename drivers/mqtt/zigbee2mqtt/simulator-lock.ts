import type { Clock } from '../../../src/contract/index.ts';
import {
  addressOf,
  type Behaviours,
  type BridgedDevice,
  type Json,
  type JsonObject,
  type SimulatedBridge,
  TimerSet,
  zclTimeoutMs,
} from './simulator-bridge.ts';
import { type KeypadOptions, SimulatedKeypad } from './simulator-keypad.ts';
import { type LockMisbehaviour, wellBehaved } from './simulator-misbehaviour.ts';

export type BoltPosition = 'locked' | 'unlocked' | 'not_fully_locked';
export type BoltCause = 'rf' | 'keypad' | 'manual' | 'auto';

/** The bolt moved. */
export interface BoltMovement {
  /** `Clock.now()` when it came to rest. */
  readonly at: number;
  readonly from: BoltPosition;
  readonly to: BoltPosition;
  readonly cause: BoltCause;
}

/** A door command as it reached the lock over the air. */
export interface DoorCommand {
  /** `Clock.now()` when the bridge took it from MQTT. */
  readonly sentAt: number;
  /** `Clock.now()` when the lock heard it. */
  readonly at: number;
  readonly command: 'LOCK' | 'UNLOCK';
}

export interface SimulatedLockOptions extends Partial<Omit<KeypadOptions, 'ieeeAddress'>> {
  readonly friendlyName: string;
  readonly ieeeAddress?: string;
  /** As `bridge/devices` tells them. */
  readonly vendor?: string;
  readonly model?: string;
  readonly bolt?: 'locked' | 'unlocked';
  /** Percent */
  readonly battery?: number;
  readonly motorMs?: number;
  /** Seconds after which it locks itself, 0 for never: it can be told. Undefined: it does not have that. */
  readonly autoRelockS?: number;
}

/** Measured: state appears about 860 ms after the command: 150 ms of radio, 700 ms of motor. */
const reportMs = 10;
/** The operation event follows the attribute report in a message of its own. */
const actionMs = 10;
/** ZCL Door Lock cluster, operation event codes and sources, in Zigbee2MQTT's words. */
const sources: Record<BoltCause, { readonly code: number; readonly name: string }> = {
  keypad: { code: 0, name: 'keypad' },
  rf: { code: 1, name: 'rf' },
  manual: { code: 2, name: 'manual' },
  auto: { code: 2, name: 'manual' },
};

/** A Zigbee lock with motor, battery and code memory, as Zigbee2MQTT shows it. */
export class SimulatedLock implements BridgedDevice {
  readonly friendlyName: string;
  readonly ieeeAddress: string;
  readonly behaviours: Behaviours;
  /** Its code memory, with the truth about what it holds. */
  readonly keypad: SimulatedKeypad;
  /** Every movement of the bolt, in order: the truth, whatever MQTT says. */
  readonly movements: BoltMovement[] = [];
  /** Every door command that reached the lock, obeyed or not. */
  readonly doorCommands: DoorCommand[] = [];
  /** How often a setting reached the lock. */
  settingsWritten = 0;
  /** How often the lock was asked where its bolt is. */
  stateReads = 0;
  readonly #bridge: SimulatedBridge;
  readonly #clock: Clock;
  readonly #timers: TimerSet;
  readonly #radioMs: number;
  readonly #motorMs: number;
  readonly #slots: number;
  #autoRelockS: number | undefined;
  readonly #vendor: string;
  readonly #model: string;
  #misbehaviour: LockMisbehaviour = wellBehaved;
  #bolt: BoltPosition;
  #battery: number;
  /** `Clock.now()` from which the motor is free. */
  #motorFreeAt = 0;

  constructor(options: SimulatedLockOptions, bridge: SimulatedBridge, clock: Clock) {
    this.friendlyName = options.friendlyName;
    this.ieeeAddress = options.ieeeAddress ?? addressOf(options.friendlyName);
    this.#vendor = options.vendor ?? 'Strikeplate';
    this.#model = options.model ?? 'SIM-LOCK';
    this.#bridge = bridge;
    this.#clock = clock;
    this.#timers = new TimerSet(clock);
    this.#radioMs = options.radioMs ?? 150;
    this.#motorMs = options.motorMs ?? 700;
    this.#slots = options.slots ?? 30;
    this.#autoRelockS = options.autoRelockS;
    this.#bolt = options.bolt ?? 'locked';
    this.#battery = options.battery ?? 87;
    this.keypad = new SimulatedKeypad(
      {
        ieeeAddress: this.ieeeAddress,
        slots: this.#slots,
        pinLengths: options.pinLengths ?? [4, 5, 6, 7, 8],
        exposePin: options.exposePin ?? false,
        radioMs: this.#radioMs,
      },
      bridge,
      this.#timers,
      () => this.#misbehaviour,
      () => clock.now(),
    );
    this.behaviours = this.#behaviours();
    bridge.add(this);
    bridge.setCache(this.ieeeAddress, { ...this.#stateKeys(), battery: this.#battery, linkquality: 120 });
  }

  /** Where the bolt is now. */
  get bolt(): BoltPosition {
    return this.#bolt;
  }

  /** Seconds after which it locks itself: the truth, whatever the bridge says. */
  get autoRelockS(): number | undefined {
    return this.#autoRelockS;
  }

  /** Somebody sets it at the lock's own panel: nothing is said. */
  setAutoRelockAtLock(seconds: number): void {
    this.#autoRelockS = seconds;
  }

  get listing(): JsonObject {
    const exposes: Json[] = [
      {
        type: 'lock',
        features: [
          { property: 'state', access: 7 },
          { property: 'lock_state', access: 1 },
        ],
      },
    ];
    if (this.#autoRelockS !== undefined)
      exposes.push({
        type: 'numeric',
        property: 'auto_relock_time',
        unit: 's',
        access: 7,
        value_min: 0,
        value_max: 3600,
      });
    if (this.#slots > 0) exposes.push({ type: 'composite', property: 'pin_code', access: 7 });
    return {
      type: 'EndDevice',
      supported: true,
      definition: { model: this.#model, vendor: this.#vendor, exposes },
    };
  }

  misbehave(misbehaviour: Partial<LockMisbehaviour>): void {
    const wasQuiet = this.#misbehaviour.repeatsEveryMs === 0;
    this.#misbehaviour = { ...this.#misbehaviour, ...misbehaviour };
    if (wasQuiet) this.#repeat();
  }

  #repeat(): void {
    const { repeatsEveryMs } = this.#misbehaviour;
    if (repeatsEveryMs === 0) return;
    this.#timers.after(repeatsEveryMs, () => {
      this.#bridge.repeat(this.ieeeAddress);
      this.#repeat();
    });
  }

  behave(): void {
    this.#misbehaviour = wellBehaved;
  }

  /** Somebody turns the lock by hand, or with a key. */
  turnByHand(to: 'locked' | 'unlocked'): void {
    this.#rest(to, 'manual');
    this.#tell('manual', to === 'locked' ? 'manual_lock' : 'manual_unlock', 0);
  }

  /** Somebody locks it at its keypad, which takes no code. */
  lockAtKeypad(): void {
    this.#rest('locked', 'keypad');
    this.#tell('keypad', 'one_touch_lock', 0);
  }

  /** As it was at first: it behaves, and its memory is empty. */
  reset(bolt: 'locked' | 'unlocked' = 'locked'): void {
    this.behave();
    this.keypad.codes.clear();
    this.#rest(bolt, 'manual');
    this.#tellState();
  }

  /** Somebody types a PIN. @returns whether the lock opened */
  typePin(pin: string): boolean {
    const slot = [...this.keypad.codes].find(([, code]) => code === pin)?.[0];
    if (slot === undefined) {
      this.#announce('keypad', 'unlock_failure_invalid_pin_or_id', 0);
      return false;
    }
    this.#rest('unlocked', 'keypad');
    this.#tell('keypad', 'unlock', slot);
    return true;
  }

  /** The lock reports its battery; the bridge adds what it has in its cache. */
  reportBattery(percent = this.#battery): void {
    this.#battery = percent;
    this.#bridge.update(this.ieeeAddress, { battery: percent });
  }

  /** The bridge gives the lock up for lost, and is right. */
  goOffline(): void {
    this.misbehave({ deaf: true });
    this.#bridge.setAvailability(this.ieeeAddress, false);
  }

  comeOnline(): void {
    this.misbehave({ deaf: false });
    this.#bridge.setAvailability(this.ieeeAddress, true);
  }

  #behaviours(): Behaviours {
    const behaviours: Behaviours = new Map([
      ['set state', (value: Json) => this.#command(String(value).toUpperCase())],
      ['get state', () => this.#readState()],
    ]);
    for (const [message, behaviour] of this.keypad.behaviours())
      behaviours.set(message, (value) => {
        if (message === 'get pin_code') this.#disturb();
        behaviour(value);
      });
    if (this.#autoRelockS !== undefined) {
      behaviours.set('set auto_relock_time', (value) => this.#setAutoRelock(Number(value)));
      behaviours.set('get auto_relock_time', () => this.#tellAutoRelock());
    }
    return behaviours;
  }

  #command(command: string): void {
    if (command !== 'LOCK' && command !== 'UNLOCK') {
      this.#bridge.publishFailed('set', 'state', this.ieeeAddress, `Error: unsupported state '${command}'`);
      return;
    }
    const sentAt = this.#clock.now();
    this.#disturb();
    const { commandError, deaf } = this.#misbehaviour;
    if (commandError !== undefined) this.#failLater('set', commandError);
    if (deaf) this.#failLater('set', noAnswer);
    else
      this.#timers.after(this.#radioMs, () => {
        this.doorCommands.push({ sentAt, at: this.#clock.now(), command });
        if (!this.#misbehaviour.refusesSilently) this.#obey(command === 'LOCK' ? 'locked' : 'unlocked');
      });
  }

  #readState(): void {
    this.stateReads += 1;
    this.#disturb();
    const { deaf, ignoresReads, readError } = this.#misbehaviour;
    if (readError !== undefined) this.#failLater('get', readError);
    else if (deaf || ignoresReads) this.#failLater('get', noAnswer);
    else this.#timers.after(this.#radioMs, () => this.#tellState());
  }

  stop(): void {
    this.#timers.clear();
  }

  /** The bridge says what it wrote as soon as the lock acknowledged the write. */
  #setAutoRelock(seconds: number): void {
    const { deaf, refusesSettings, forgetsSettings } = this.#misbehaviour;
    const failed = (error: { readonly afterMs: number; readonly reason: string }) =>
      this.#timers.after(error.afterMs, () =>
        this.#bridge.publishFailed('set', 'auto_relock_time', this.ieeeAddress, error.reason),
      );
    if (deaf) failed(noAnswer);
    else if (refusesSettings) failed(readOnly);
    else
      this.#timers.after(this.#radioMs, () => {
        this.settingsWritten += 1;
        if (!forgetsSettings) this.#autoRelockS = seconds;
        this.#bridge.update(this.ieeeAddress, { auto_relock_time: seconds });
      });
  }

  #tellAutoRelock(): void {
    const { deaf, ignoresReads } = this.#misbehaviour;
    this.#disturb();
    if (deaf || ignoresReads)
      this.#timers.after(noAnswer.afterMs, () =>
        this.#bridge.publishFailed('get', 'auto_relock_time', this.ieeeAddress, noAnswer.reason),
      );
    else
      this.#timers.after(this.#radioMs, () =>
        this.#bridge.update(this.ieeeAddress, { auto_relock_time: this.#autoRelockS ?? 0 }),
      );
  }

  /** The motor takes one command after the other. */
  #obey(target: 'locked' | 'unlocked'): void {
    const misbehaviour = this.#misbehaviour;
    const starts = Math.max(this.#clock.now() + misbehaviour.actsLateMs, this.#motorFreeAt);
    const rests = starts + (misbehaviour.jams ? this.#motorMs / 2 : this.#motorMs);
    this.#motorFreeAt = rests;
    if (misbehaviour.reportsHalfWay)
      this.#timers.after(starts + this.#motorMs / 2 - this.#clock.now(), () =>
        this.#bridge.update(this.ieeeAddress, stateKeys('not_fully_locked')),
      );
    this.#timers.after(rests - this.#clock.now(), () => {
      this.#rest(misbehaviour.jams ? 'not_fully_locked' : target, 'rf');
      if (target === 'unlocked' && !misbehaviour.jams && misbehaviour.relocksAfterMs > 0)
        this.#timers.after(misbehaviour.relocksAfterMs, () => this.#relock());
      if (misbehaviour.neverReports || (target === 'unlocked' && misbehaviour.hidesUnlock)) return;
      this.#timers.after(reportMs + misbehaviour.reportsLateMs, () => {
        const action = target === 'locked' ? 'lock' : 'unlock';
        this.#tell('rf', misbehaviour.jams || misbehaviour.sendsNoActions ? undefined : action, 1);
      });
    });
  }

  #relock(): void {
    if (this.#bolt !== 'unlocked') return;
    this.#rest('locked', 'auto');
    if (!this.#misbehaviour.hidesRelock) this.#tell('auto', 'auto_lock', 0);
  }

  #rest(at: BoltPosition, cause: BoltCause): void {
    if (at === this.#bolt) return;
    this.movements.push({ at: this.#clock.now(), from: this.#bolt, to: at, cause });
    this.#bolt = at;
    const seconds = this.#autoRelockS ?? 0;
    if (at === 'unlocked' && seconds > 0) this.#timers.after(seconds * 1_000, () => this.#relock());
  }

  /** The attribute report, and the operation event in a second message. */
  #tell(cause: BoltCause, action: string | undefined, user: number): void {
    this.#tellState();
    if (action !== undefined) this.#timers.after(actionMs, () => this.#announce(cause, action, user));
  }

  #announce(cause: BoltCause, action: string, user: number): void {
    const source = sources[cause];
    const event = { action, action_user: user, action_source: source.code, action_source_name: source.name };
    for (const ms of [0, ...this.#misbehaviour.tellsEventsAgainAfterMs])
      if (ms === 0) this.#bridge.update(this.ieeeAddress, {}, event);
      else this.#timers.after(ms, () => this.#bridge.update(this.ieeeAddress, {}, event));
  }

  #failLater(verb: 'set' | 'get', error: { readonly afterMs: number; readonly reason: string }): void {
    this.#timers.after(error.afterMs, () => this.#bridge.publishFailed(verb, 'state', this.ieeeAddress, error.reason));
  }

  #disturb(): void {
    for (const ms of this.#misbehaviour.batteryReportsAfterMs)
      this.#timers.after(ms, () => {
        this.reportBattery(this.#misbehaviour.batteryReportsAlike ? this.#battery : this.#battery - 1);
      });
  }

  #tellState(): void {
    if (!this.#misbehaviour.knowsNoBolt) {
      this.#bridge.update(this.ieeeAddress, this.#stateKeys());
      return;
    }
    this.#bridge.forget(this.ieeeAddress, 'lock_state');
    this.#bridge.update(this.ieeeAddress, { state: 'UNLOCK' });
  }

  #stateKeys(): JsonObject {
    return stateKeys(this.#bolt);
  }
}

/** `state` alone lies about a jam: it says UNLOCK for anything that is not locked. */
const stateKeys = (bolt: BoltPosition): JsonObject => ({
  state: bolt === 'locked' ? 'LOCK' : 'UNLOCK',
  lock_state: bolt,
});

/** The lock refuses the attribute. */
const readOnly = { afterMs: 150, reason: `Error: ZCL command closuresDoorLock.write failed (Status 'READ_ONLY')` };

const noAnswer = {
  afterMs: zclTimeoutMs,
  reason: 'Error: ZCL command closuresDoorLock failed (Timeout - 4711 - 1 - 1 - 257 - 1 after 10000ms)',
};
