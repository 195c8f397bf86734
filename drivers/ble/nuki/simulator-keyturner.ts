import type { Clock } from '../../../src/contract/index.ts';
import {
  commands,
  completions,
  doorSensorStates,
  errorCodes,
  lockActions,
  lockStates,
  statusCodes,
  triggers,
} from './catalogue.ts';
import type { SimulatedAdvancedConfig } from './simulator-advanced-config.ts';
import type { SimulatedBolt } from './simulator-bolt.ts';
import { ByteReader, ByteWriter, seal, TooShort } from './simulator-bytes.ts';
import type { SimulatedKeypad } from './simulator-keypad.ts';
import type { SimulatedLog } from './simulator-log.ts';
import type { Misbehaviours, NukiMisbehaviour } from './simulator-options.ts';
import { type Authorized, type PairingBehaviours, pairingBehaviours } from './simulator-pairing.ts';

/** What may change by itself, or by people. */
export interface LockCondition {
  battery: { percent: number; critical: boolean; empty: boolean };
  door: 'open' | 'closed' | 'unknown' | 'not known' | 'uncalibrated' | 'tampered';
  /** How far the lock's clock is off, in milliseconds. */
  clockOffsetMs: number;
  /** What it says when it is asked for its log: nothing at all, half a page and nothing more, or one of `errorCodes`. */
  log: 'told' | 'empty' | 'cut' | number;
  /**
   * What it says when it is asked for its codes: their digits withheld; one less than it announced; nothing, and that it
   * is done; or one of `errorCodes`.
   */
  codes: 'told' | 'withheld' | 'cut' | 'empty' | number;
}

/** One encrypted message, and the connection that answers it. */
export interface HeardCommand {
  readonly from: Authorized;
  readonly command: number;
  /** Without challenge and PIN, which were found right. */
  readonly fields: ByteReader;
  readonly keyturner: SimulatedKeyturner;
}

type Behaviours = Map<number, (heard: HeardCommand) => void>;

/** One behaviour for each message, so that a test can put another in its place. */
export interface NukiBehaviours {
  readonly pairing: PairingBehaviours;
  /** By what is asked for with "Request Data". */
  readonly requestData: Behaviours;
  readonly command: Behaviours;
}

/** As a lock has them; without a keypad it knows nothing of codes. */
export function nukiBehaviours({ hasKeypad }: { readonly hasKeypad: boolean }): NukiBehaviours {
  const command: Behaviours = new Map([
    [commands.lockAction, ({ keyturner, from, fields }) => keyturner.act(from, fields, { tells: true })],
    [commands.requestConfig, ({ keyturner, from }) => keyturner.tellConfig(from)],
    [commands.requestAdvancedConfig, ({ keyturner, from }) => keyturner.tellAdvancedConfig(from)],
    [commands.setAdvancedConfig, ({ keyturner, from, fields }) => keyturner.setAdvancedConfig(from, fields)],
    [commands.verifySecurityPin, ({ keyturner, from }) => keyturner.status(from, statusCodes.complete)],
    [commands.updateTime, ({ keyturner, from, fields }) => keyturner.setClock(from, fields)],
    [commands.requestLogEntries, ({ keyturner, from, fields }) => keyturner.tellLog(from, fields)],
  ]);
  if (hasKeypad) {
    command.set(commands.addKeypadCode, ({ keyturner, from, fields }) => keyturner.addCode(from, fields));
    command.set(commands.updateKeypadCode, ({ keyturner, from, fields }) => keyturner.updateCode(from, fields));
    command.set(commands.removeKeypadCode, ({ keyturner, from, fields }) => keyturner.removeCode(from, fields));
    command.set(commands.requestKeypadCodes, ({ keyturner, from, fields }) => keyturner.tellCodes(from, fields));
  }
  const requestData: Behaviours = new Map([
    [commands.challenge, ({ keyturner, from }) => keyturner.giveChallenge(from)],
    [commands.keyturnerStates, ({ keyturner, from }) => keyturner.tellStates(from)],
  ]);
  return { pairing: pairingBehaviours(), requestData, command };
}

/** The lock behind one connection. */
export interface LockParts {
  readonly behaviours: NukiBehaviours;
  readonly options: {
    readonly clock: Clock;
    readonly randomBytes: (length: number) => Uint8Array;
    readonly generation: 'classic' | 'ultra';
    readonly pin: number;
    readonly name: string;
    readonly keypadCapacity?: number;
  };
  readonly nukiId: number;
  readonly bolt: SimulatedBolt;
  readonly keypad: SimulatedKeypad;
  readonly log: SimulatedLog;
  readonly condition: LockCondition;
  readonly advancedConfig: SimulatedAdvancedConfig;
  readonly misbehaviours: Misbehaviours;
  /** Wrong PINs so far, over all connections. */
  readonly pinAttempts: { count: number };
  wallTime(): number;
  stateWasRead(by: Authorized): void;
  disconnect(): void;
  push(frame: Buffer): void;
}

/** After so many wrong PINs the lock refuses to hear another: Bluetooth API, error 0x28. The number is a guess. */
const PIN_ATTEMPTS = 5;

/** These end with the challenge alone. */
const withoutPin: ReadonlySet<number> = new Set([
  commands.lockAction,
  commands.requestConfig,
  commands.requestAdvancedConfig,
]);

/** What the lock does with encrypted commands, on one connection. */
export class SimulatedKeyturner {
  readonly #lock: LockParts;
  /** The last challenge, until a command used it. */
  #challenge: Uint8Array | undefined;
  /** After a challenge was asked for, only a command that carries it is accepted. */
  #awaitsCommand = false;
  /** It says of a latch under way that the door is unlocked. */
  #keepsWay = false;

  constructor(lock: LockParts) {
    this.#lock = lock;
  }

  /** Does what it is told. */
  take(from: Authorized, command: number, payload: Buffer): void {
    const fields = new ByteReader(payload);
    try {
      if (command === commands.requestData) this.#give(from, fields.u16());
      else this.#obey(from, command, fields);
    } catch (error) {
      if (!(error instanceof TooShort)) throw error;
      this.error(from, errorCodes.badLength, command);
    }
  }

  #give(to: Authorized, wanted: number): void {
    if (wanted === commands.challenge) {
      if (this.#lock.misbehaviours.take('drop_on_challenge')) {
        this.#lock.disconnect();
        return;
      }
      if (this.#lock.misbehaviours.take('hang_on_challenge')) return;
    }
    if (this.#awaitsCommand) {
      this.error(to, errorCodes.unknown, commands.requestData);
      return;
    }
    const behaviour = this.#lock.behaviours.requestData.get(wanted);
    if (behaviour === undefined) this.error(to, errorCodes.unknown, commands.requestData);
    else behaviour({ from: to, command: wanted, fields: new ByteReader(Buffer.alloc(0)), keyturner: this });
  }

  giveChallenge(to: Authorized): void {
    this.#challenge = this.#lock.options.randomBytes(32);
    this.#awaitsCommand = true;
    this.send(to, commands.challenge, Buffer.from(this.#challenge), 'tamper_challenge');
    if (!this.#lock.misbehaviours.take('repeat_old_news')) return;
    this.tellStates(to, lockStates.unlocked);
    this.status(to, statusCodes.complete);
  }

  /** Commands end with the challenge they use, and most of them with the PIN after it. */
  #obey(from: Authorized, command: number, fields: ByteReader): void {
    const pinBytes = this.#lock.options.generation === 'ultra' ? 4 : 2;
    const hasPin = !withoutPin.has(command);
    const own = new ByteReader(fields.bytes(fields.left - 32 - (hasPin ? pinBytes : 0)));
    const nonce = fields.bytes(32);
    const challenge = this.#challenge;
    this.#challenge = undefined;
    this.#awaitsCommand = false;
    if (challenge === undefined || !nonce.equals(challenge) || this.#lock.misbehaviours.take('refuse_nonce')) {
      this.error(from, errorCodes.badNonce, command);
      return;
    }
    if (hasPin && !this.#acceptsPin(pinBytes === 4 ? fields.u32() : fields.u16())) {
      const code = this.#lock.pinAttempts.count > PIN_ATTEMPTS ? errorCodes.tooManyPinAttempts : errorCodes.badPin;
      this.error(from, code, command);
      return;
    }
    const behaviour = this.#lock.behaviours.command.get(command);
    if (behaviour === undefined) this.error(from, errorCodes.unknown, command);
    else behaviour({ from, command, fields: own, keyturner: this });
  }

  tellAdvancedConfig(to: Authorized): void {
    this.send(to, commands.advancedConfig, this.#lock.advancedConfig.told());
  }

  setAdvancedConfig(from: Authorized, fields: ByteReader): void {
    if (this.#lock.misbehaviours.take('refuse_settings'))
      this.error(from, errorCodes.badParameter, commands.setAdvancedConfig);
    else if (this.#lock.advancedConfig.set(fields)) this.status(from, statusCodes.complete);
    else this.error(from, errorCodes.badLength, commands.setAdvancedConfig);
  }

  setClock(from: Authorized, fields: ByteReader): void {
    this.#lock.condition.clockOffsetMs = (fields.time() ?? 0) - this.#lock.options.clock.wallTime();
    this.status(from, statusCodes.complete);
  }

  #acceptsPin(pin: number): boolean {
    if (this.#lock.pinAttempts.count <= PIN_ATTEMPTS && pin === this.#lock.options.pin) {
      this.#lock.pinAttempts.count = 0;
      return true;
    }
    this.#lock.pinAttempts.count += 1;
    return false;
  }

  act(from: Authorized, fields: ByteReader, { tells }: { readonly tells: boolean }): void {
    const action = fields.u8();
    // In the middle of a misbehaviour the nonce was not taken off: what follows the flags does not matter here.
    fields.u32();
    const flags = fields.u8();
    const say = (tell: () => void) => {
      if (tells) tell();
    };
    if (this.#lock.bolt.running) {
      say(() => this.error(from, errorCodes.busy, commands.lockAction));
      return;
    }
    if (this.#lock.condition.battery.empty) {
      say(() => this.error(from, errorCodes.voltageTooLow, commands.lockAction));
      return;
    }
    if (action !== lockActions.lock && action !== lockActions.unlock && action !== lockActions.unlatch) {
      say(() => this.error(from, errorCodes.badParameter, commands.lockAction));
      return;
    }
    if (tells && this.#lock.misbehaviours.take('complete_without_moving')) {
      this.status(from, statusCodes.complete);
      return;
    }
    let told = tells && !this.#lock.misbehaviours.take('silent_on_action');
    if (told) this.status(from, statusCodes.accepted);
    if (tells && this.#lock.misbehaviours.take('accept_without_moving')) {
      this.tellStates(from);
      this.status(from, statusCodes.complete);
      return;
    }
    if (tells && this.#lock.misbehaviours.take('repeat_old_news_late')) {
      this.tellStates(from, lockStates.unlocked, 60_000);
      this.status(from, statusCodes.complete);
      return;
    }
    if (told && this.#lock.misbehaviours.take('old_state_first')) this.tellStates(from);
    if (told && this.#lock.misbehaviours.take('error_about_another'))
      this.error(from, errorCodes.badPin, commands.requestLogEntries);
    this.#keepsWay = this.#lock.misbehaviours.take('keep_the_way_to_itself');
    const completes = !this.#lock.misbehaviours.take('never_complete');
    if (tells && this.#lock.misbehaviours.take('drop_after_accepted')) {
      told = false;
      // What was said leaves before the connection ends.
      this.#lock.options.clock.setTimer(() => this.#lock.disconnect(), 1);
    }
    this.#lock.bolt.run(action, 'command', {
      moved: () => {
        if (told) this.tellStates(from);
      },
      done: (completion) => {
        this.#lock.log.lockAction(from, { action, trigger: triggers.system, flags, completion });
        if (!told || !completes) return;
        if (completion === completions.success) this.status(from, statusCodes.complete);
        else this.error(from, errorCodes.motorBlocked, commands.lockAction);
      },
    });
  }

  addCode(from: Authorized, fields: ByteReader): void {
    const { keypad, misbehaviours } = this.#lock;
    const answer = keypad.add(fields);
    if (typeof answer === 'number') {
      this.error(from, answer, commands.addKeypadCode);
      return;
    }
    if (misbehaviours.take('forget_code')) keypad.codes.pop();
    const newest = keypad.codes.at(-1);
    if (newest !== undefined && misbehaviours.take('lose_limits')) newest.limits = undefined;
    if (misbehaviours.take('drop_after_code')) {
      this.#lock.disconnect();
      return;
    }
    if (!misbehaviours.take('complete_for_code_id')) this.send(from, commands.keypadCodeId, answer);
    this.status(from, statusCodes.complete);
  }

  updateCode(from: Authorized, fields: ByteReader): void {
    this.#changed(from, commands.updateKeypadCode, this.#lock.keypad.update(fields));
  }

  removeCode(from: Authorized, fields: ByteReader): void {
    this.#changed(from, commands.removeKeypadCode, this.#lock.keypad.remove(fields.u16()));
  }

  #changed(from: Authorized, command: number, problem: number | undefined): void {
    if (problem === undefined) this.status(from, statusCodes.complete);
    else this.error(from, problem, command);
  }

  tellCodes(to: Authorized, fields: ByteReader): void {
    const { codes: answer } = this.#lock.condition;
    if (typeof answer === 'number') {
      this.error(to, answer, commands.requestKeypadCodes);
      return;
    }
    const payloads = answer === 'empty' ? [] : this.#lock.keypad.list(fields.u16(), fields.u16());
    if (answer !== 'empty') this.send(to, commands.keypadCodeCount, new ByteWriter().u16(payloads.length).build());
    for (const payload of answer === 'cut' ? payloads.slice(1) : payloads) {
      if (answer === 'withheld') payload.writeUInt32LE(0, 2);
      this.send(to, commands.keypadCode, payload);
    }
    this.status(to, statusCodes.complete);
  }

  tellStates(to: Authorized, state: number = this.#lock.bolt.state, agoMs = 0): void {
    const { percent, critical } = this.#lock.condition.battery;
    const isOnTheWay = state === lockStates.unlatching || state === lockStates.unlatched;
    const door = {
      open: doorSensorStates.open,
      closed: doorSensorStates.closed,
      unknown: doorSensorStates.unavailable,
      'not known': doorSensorStates.unknown,
      uncalibrated: doorSensorStates.uncalibrated,
      tampered: doorSensorStates.tampered,
    };
    const payload = new ByteWriter()
      // Door mode.
      .u8(2, isOnTheWay && this.#keepsWay ? lockStates.unlocked : state, this.#lock.bolt.trigger)
      .time(this.#lock.wallTime() - agoMs)
      .u16(0)
      .u8(((percent >> 1) << 2) | (critical ? 1 : 0), 1, 0)
      .u8(
        this.#lock.bolt.lastAction,
        triggers.system,
        this.#lock.bolt.lastCompletion,
        door[this.#lock.condition.door],
        0,
      )
      .u8((this.#lock.options.keypadCapacity ?? 100) === 0 ? 0 : 1)
      .build();
    this.send(to, commands.keyturnerStates, payload);
    if (!this.#lock.bolt.running) this.#lock.stateWasRead(to);
  }

  tellLog(to: Authorized, fields: ByteReader): void {
    const startIndex = fields.u32();
    const count = fields.u16();
    const newestFirst = fields.u8() === 1;
    const { log: answer } = this.#lock.condition;
    if (typeof answer === 'number') {
      this.error(to, answer, commands.requestLogEntries);
      return;
    }
    const payloads = answer === 'empty' ? [] : this.#lock.log.payloads(startIndex, count, newestFirst);
    const told = answer === 'cut' ? payloads.slice(0, Math.ceil(payloads.length / 2)) : payloads;
    for (const payload of told) this.send(to, commands.logEntry, payload);
    if (answer === 'cut') return;
    this.status(to, statusCodes.complete);
  }

  tellConfig(to: Authorized): void {
    const hasKeypad = (this.#lock.options.keypadCapacity ?? 100) === 0 ? 0 : 1;
    const config = new ByteWriter()
      .u32(this.#lock.nukiId)
      .text(this.#lock.options.name, 32)
      .bytes(Buffer.alloc(29))
      .u8(hasKeypad, 3, 9, 5, 1, 2, 0)
      .u16(0xffff)
      .u8(this.#lock.options.generation === 'ultra' ? 5 : 4, 0)
      .build();
    this.send(to, commands.config, config);
  }

  status(to: Authorized, status: number): void {
    this.send(to, commands.status, Buffer.from([status]), 'tamper_status');
  }

  error(to: Authorized, code: number, command: number): void {
    this.send(to, commands.errorReport, new ByteWriter().u8(code).u16(command).build());
  }

  send(to: Authorized, command: number, payload: Buffer, tamperedBy?: NukiMisbehaviour): void {
    const frame = seal(to.sharedKey, to.authorizationId, this.#lock.options.randomBytes(24), command, payload);
    if (tamperedBy !== undefined && this.#lock.misbehaviours.take(tamperedBy))
      frame.writeUInt8(frame.readUInt8(40) ^ 1, 40);
    this.#lock.push(frame);
  }
}
