import {
  attResult,
  type GattPeripheral,
  type GattPeripheralService,
  type GattSubscriber,
  type PeripheralRadio,
  type Timer,
} from '../../../src/contract/index.ts';
import {
  characteristics,
  commands,
  completions,
  errorCodes,
  idTypes,
  lockActions,
  services,
  triggers,
} from './catalogue.ts';
import { SimulatedAdvancedConfig } from './simulator-advanced-config.ts';
import { SimulatedBolt, type Turn } from './simulator-bolt.ts';
import { ByteReader, ByteWriter, plainMessage, unseal } from './simulator-bytes.ts';
import { SimulatedKeypad } from './simulator-keypad.ts';
import { type LockCondition, type NukiBehaviours, nukiBehaviours, SimulatedKeyturner } from './simulator-keyturner.ts';
import { SimulatedLog } from './simulator-log.ts';
import { memoryOf, recall } from './simulator-memory.ts';
import { Misbehaviours, type NukiMisbehaviour, type SimulatedNukiOptions } from './simulator-options.ts';
import { type Authorized, SimulatedPairing } from './simulator-pairing.ts';

export type { NukiMisbehaviour, SimulatedNukiOptions } from './simulator-options.ts';
export type { Authorized } from './simulator-pairing.ts';

interface Connection {
  plain: GattSubscriber | undefined;
  sealed: GattSubscriber | undefined;
  readonly keyturner: SimulatedKeyturner;
  pairing: SimulatedPairing | undefined;
}

/** How long the lock stays in pairing mode after its button was held, in milliseconds. */
const PAIRING_MS = 30_000;

/**
 * A Nuki Smart Lock with a keypad, as it is on the air, with the rules of the device (Bluetooth API 2.1, and what its
 * owners have seen):
 *
 * - Every message is sealed with the key of a known authorization; to others it says in the clear that it does not know
 *   them. Every challenge serves one command, and after it only that command is taken.
 * - Codes, log and clock need the PIN. Wrong ones are counted; after too many even the right one is refused.
 * - The advertised "state changed" bit is set by each change and reset by nothing but a read with the authorization of
 *   a bridge. Options: any read resets it, or none, or it is never set.
 * - It tells where its bolt is on its way, then COMPLETE; also when it stood there already. A latch that was pulled
 *   springs back, and leaves the state that was there before.
 * - Its state has its own clock's time, and what its last action was and how that ended, whoever asked for it.
 * - Its log is a ring with numbers that go on; a reset begins them anew. An answer may be refused, empty or cut.
 * - A keypad's codes are numbered by the lock, each digits once, six from 1 to 9, not beginning with 12.
 * - One central at a time; listeners are forgotten with each connection; no central has to be told that it moved.
 */
export class SimulatedNuki implements GattPeripheral {
  readonly services: readonly GattPeripheralService[];
  readonly bolt: SimulatedBolt;
  readonly keypad: SimulatedKeypad;
  readonly log: SimulatedLog;
  readonly advancedConfig: SimulatedAdvancedConfig;
  readonly behaviours: NukiBehaviours;
  readonly authorizations: Authorized[] = [];
  readonly nukiId: number;
  readonly lockUuid: Buffer;
  /** What arrived and could be read, in order: names of commands. */
  readonly history: string[] = [];
  /** `Clock.now()` of each command that can act, as it arrived. */
  readonly commandsAt: number[] = [];
  #silent: 'no' | 'from the next action on' | 'now' = 'no';
  readonly condition: LockCondition = {
    battery: { percent: 80, critical: false, empty: false },
    door: 'closed',
    clockOffsetMs: 0,
    log: 'told',
    codes: 'told',
  };
  readonly #options: Required<Pick<SimulatedNukiOptions, 'clock' | 'randomBytes' | 'generation' | 'pin' | 'name'>> &
    SimulatedNukiOptions;
  readonly #misbehaviours = new Misbehaviours();
  #radio: PeripheralRadio | undefined;
  #buttonReleased: Timer | undefined;
  #pairingUntil = Number.NEGATIVE_INFINITY;
  #stateChanged = false;
  readonly #pinAttempts = { count: 0 };
  #connection: Connection;

  constructor(options: SimulatedNukiOptions) {
    this.#options = { generation: 'classic', pin: 1234, name: 'Nuki', ...options };
    const { clock, randomBytes } = options;
    this.nukiId = options.nukiId ?? 0x1a2b3c4d;
    this.lockUuid = Buffer.from(randomBytes(16));
    this.advancedConfig = new SimulatedAdvancedConfig(options.oldFirmware !== true);
    this.bolt = new SimulatedBolt({
      clock,
      times: options.times ?? { startMs: 100, moveMs: 1_200 },
      autoLockMs: () => options.autoLockMs ?? this.advancedConfig.autoLockMs,
      onChange: () => this.#setStateChanged(true),
    });
    this.keypad = new SimulatedKeypad(options.keypadCapacity ?? 100, () => this.#wallTime());
    this.log = new SimulatedLog(() => this.#wallTime(), options.logCapacity);
    this.behaviours = nukiBehaviours({ hasKeypad: options.keypadCapacity !== 0 });
    recall(options.memory?.read(), this.authorizations, this.keypad);
    this.services = this.#describe();
    this.#connection = this.#newConnection();
  }

  // ---- what people do to it

  get turns(): readonly Turn[] {
    return this.bolt.turns;
  }

  misbehave(kind: NukiMisbehaviour, times = 1): void {
    this.#misbehaviours.order(kind, times);
  }

  /** Somebody holds the button until the ring lights up. */
  holdButton(): void {
    const { clock } = this.#options;
    this.#pairingUntil = clock.now() + PAIRING_MS;
    this.#radio?.advertise();
    this.#buttonReleased?.cancel();
    this.#buttonReleased = clock.setTimer(() => this.#endPairing(), PAIRING_MS);
  }

  turnByHand(to: 'locked' | 'unlocked'): void {
    this.bolt.turnByHand(to);
    const action = to === 'locked' ? lockActions.lock : lockActions.unlock;
    const what = { action, trigger: triggers.manual, flags: 0, completion: completions.success };
    this.log.lockAction({ authorizationId: 0, name: '' }, what);
  }

  /** Somebody types a code at the keypad. True when the lock opens. */
  typeCode(code: number): boolean {
    const admitted = this.keypad.admits(code, this.#wallTime());
    if (admitted === undefined) {
      this.log.keypad('', lockActions.unlock, completions.invalidCode, 0);
      this.#setStateChanged(true);
      return false;
    }
    this.bolt.run(lockActions.unlock, 'keypad', {
      moved: () => undefined,
      done: (completion) => this.log.keypad(admitted.name, lockActions.unlock, completion, admitted.codeId),
    });
    return true;
  }

  /** The lock knows somebody without having been paired on the air. */
  authorize(applicant: Omit<Authorized, 'authorizationId'>): Authorized {
    const same = this.authorizations.findIndex(({ appId }) => appId === applicant.appId);
    const authorizationId =
      same === -1
        ? Math.max(0, ...this.authorizations.map((one) => one.authorizationId)) + 1
        : (this.authorizations[same]?.authorizationId ?? 0);
    const authorized = { ...applicant, authorizationId };
    if (same === -1) this.authorizations.push(authorized);
    else this.authorizations[same] = authorized;
    this.#remember();
    return authorized;
  }

  /** Somebody removed an authorization with the vendor's app. */
  forget(authorizationId: number): void {
    const at = this.authorizations.findIndex((one) => one.authorizationId === authorizationId);
    if (at !== -1) this.authorizations.splice(at, 1);
    this.#remember();
  }

  #remember(): void {
    this.#options.memory?.write(memoryOf(this.authorizations, this.keypad));
  }

  /** It takes what it is told next, and never says anything again. */
  fallSilent(): void {
    this.#silent = 'from the next action on';
  }

  /** Takes the batteries out. */
  stop(): void {
    this.bolt.stop();
    this.#buttonReleased?.cancel();
  }

  // ---- what its radio asks of it

  advertising(): { readonly data: Buffer; readonly scanResponse: Buffer } {
    const id = Buffer.alloc(4);
    id.writeUInt32BE(this.nukiId);
    const name = Buffer.from(`Nuki_${id.toString('hex').toUpperCase()}`);
    const scanResponse = Buffer.concat([Buffer.from([name.length + 1, 0x09]), name]);
    const flags = Buffer.from([2, 1, 6]);
    if (this.#isPairing) {
      const uuid = this.#options.generation === 'ultra' ? services.ultraPairing : services.classicPairing;
      const serviceData = Buffer.concat([Buffer.from([0x15, 0x21]), Buffer.from(uuid, 'hex').reverse(), id]);
      return { data: Buffer.concat([flags, serviceData]), scanResponse };
    }
    // An iBeacon whose last byte, the transmit power, says in its lowest bit that the state has changed.
    const beacon = Buffer.concat([
      Buffer.from([0x1a, 0xff, 0x4c, 0x00, 0x02, 0x15]),
      Buffer.from(services.keyturner, 'hex'),
      id,
      Buffer.from([this.#stateChanged ? 0xc5 : 0xc4]),
    ]);
    return { data: Buffer.concat([flags, beacon]), scanResponse };
  }

  powered(radio: PeripheralRadio): void {
    this.#radio = radio;
  }

  connected(): void {
    this.#connection = this.#newConnection();
  }

  disconnected(): void {
    this.#connection = this.#newConnection();
  }

  #endPairing(): void {
    this.#pairingUntil = Number.NEGATIVE_INFINITY;
    this.#buttonReleased?.cancel();
    this.#radio?.advertise();
  }

  get #isPairing(): boolean {
    return this.#options.clock.now() < this.#pairingUntil;
  }

  #wallTime(): number {
    return this.#options.clock.wallTime() + this.condition.clockOffsetMs;
  }

  #setStateChanged(changed: boolean): void {
    if (this.#stateChanged === changed || this.#options.announcesChanges === false) return;
    this.#stateChanged = changed;
    this.#radio?.advertise();
  }

  #stateWasRead({ idType }: Authorized): void {
    const { changeBitResetBy = 'bridge' } = this.#options;
    if (changeBitResetBy === 'anybody' || (changeBitResetBy === 'bridge' && idType === idTypes.bridge))
      this.#setStateChanged(false);
  }

  #describe(): readonly GattPeripheralService[] {
    const ultra = this.#options.generation === 'ultra';
    const pairing = ultra ? characteristics.ultraPairing : characteristics.classicPairing;
    return [
      {
        uuid: pairing.service,
        characteristics: [
          {
            uuid: pairing.characteristic,
            properties: ['write', 'indicate'],
            write: (value) => this.#later(() => this.#connection.pairing?.receive(value)),
            subscribed: (subscriber) => {
              this.#connection.pairing = subscriber && this.#makePairing(subscriber);
            },
          },
        ],
      },
      {
        uuid: services.keyturner,
        characteristics: [
          {
            uuid: characteristics.keyturnerPlain.characteristic,
            properties: ['write', 'indicate'],
            write: () => attResult.success,
            subscribed: (subscriber) => {
              this.#connection.plain = subscriber;
            },
          },
          {
            uuid: characteristics.keyturner.characteristic,
            properties: ['write', 'indicate'],
            write: (value) => this.#written(value),
            subscribed: (subscriber) => {
              this.#connection.sealed = subscriber;
            },
          },
        ],
      },
    ];
  }

  #newConnection(): Connection {
    const keyturner = new SimulatedKeyturner({
      options: this.#options,
      behaviours: this.behaviours,
      nukiId: this.nukiId,
      bolt: this.bolt,
      keypad: this.keypad,
      log: this.log,
      advancedConfig: this.advancedConfig,
      condition: this.condition,
      misbehaviours: this.#misbehaviours,
      pinAttempts: this.#pinAttempts,
      wallTime: () => this.#wallTime(),
      stateWasRead: (by) => this.#stateWasRead(by),
      disconnect: () => this.#radio?.disconnect(),
      push: (frame) => this.#push(connection.sealed, frame),
    });
    const connection: Connection = { plain: undefined, sealed: undefined, keyturner, pairing: undefined };
    return connection;
  }

  #makePairing(subscriber: GattSubscriber): SimulatedPairing {
    return new SimulatedPairing({
      behaviours: this.behaviours.pairing,
      generation: this.#options.generation,
      randomBytes: this.#options.randomBytes,
      pin: this.#options.pin,
      isOpen: () => this.#isPairing,
      authorize: (applicant) => this.authorize(applicant),
      lockUuid: this.lockUuid,
      paired: () => this.#endPairing(),
      send: (frame) => this.#push(subscriber, frame),
    });
  }

  /** Confirms the write first, and works afterwards. */
  #later(work: () => void): number {
    queueMicrotask(work);
    return attResult.success;
  }

  #push(subscriber: GattSubscriber | undefined, frame: Buffer): void {
    if (this.#silent === 'now') return;
    const piece = Math.min(subscriber?.maxLength ?? 20, this.#options.cutAt ?? 512);
    for (let at = 0; at < frame.length; at += piece) subscriber?.push(frame.subarray(at, at + piece));
  }

  // ---- encrypted commands

  #written(frame: Buffer): number | Promise<number> {
    const connection = this.#connection;
    const received = this.#open(frame);
    const isAction = received !== undefined && received.command === commands.lockAction;
    if (isAction) {
      if (this.#misbehaviours.take('att_error_on_action')) return attResult.unlikelyError;
      if (this.#misbehaviours.take('hang_on_action')) return new Promise(() => undefined);
      if (this.#misbehaviours.take('ignore_action')) return attResult.success;
      if (this.#misbehaviours.take('drop_on_action')) {
        connection.keyturner.act(received.from, new ByteReader(received.payload), { tells: false });
        this.#radio?.disconnect();
        return new Promise(() => undefined);
      }
    }
    if (received === undefined) return attResult.success;
    if (this.#misbehaviours.take('reply_before_response')) {
      connection.keyturner.take(received.from, received.command, received.payload);
      return attResult.success;
    }
    return this.#later(() => {
      connection.keyturner.take(received.from, received.command, received.payload);
      if (!isAction && acting.has(received.command)) this.#remember();
    });
  }

  #open(frame: Buffer): { readonly from: Authorized; readonly command: number; readonly payload: Buffer } | undefined {
    const id = frame.length < 28 ? undefined : frame.readUInt32LE(24);
    const from = this.authorizations.find(({ authorizationId }) => authorizationId === id);
    const opened = from === undefined ? undefined : unseal(from.sharedKey, frame);
    if (from === undefined || opened === undefined || ('problem' in opened && opened.problem === 'key')) {
      this.#plainError(errorCodes.notAuthorized, 0);
      return undefined;
    }
    if ('problem' in opened) {
      this.#plainError(opened.problem === 'crc' ? errorCodes.badCrc : errorCodes.badLength, 0);
      return undefined;
    }
    this.history.push(nameOf(opened.command));
    if (acting.has(opened.command)) {
      this.commandsAt.push(this.#options.clock.now());
      if (this.#silent !== 'no') this.#silent = 'now';
    }
    return { from, ...opened };
  }

  #plainError(code: number, command: number): void {
    const frame = plainMessage(commands.errorReport, new ByteWriter().u8(code).u16(command).build());
    queueMicrotask(() => this.#push(this.#connection.plain, frame));
  }
}

/** Commands that change something at the door or on the keypad. */
const acting: ReadonlySet<number> = new Set([
  commands.lockAction,
  commands.addKeypadCode,
  commands.updateKeypadCode,
  commands.removeKeypadCode,
  commands.setAdvancedConfig,
]);

const names = new Map(Object.entries(commands).map(([name, command]) => [command as number, name]));

const nameOf = (command: number): string => names.get(command) ?? `0x${command.toString(16)}`;
