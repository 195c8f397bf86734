import type { Clock, Timer } from '../../../src/contract/index.ts';
import type { HeardRequest } from '../modbus/simulated-frames.ts';
import type { SimulatedUnit, UnitAnswer } from '../modbus/simulated-line.ts';

const ILLEGAL_ADDRESS = { exception: 2 } as const;
const ILLEGAL_VALUE = { exception: 3 } as const;

/** The ways in which relay boards disappoint. */
export interface BoardMisbehaviour {
  /** Acknowledges, and the relay does not move. */
  readonly stuck: boolean;
  /** Its timer never ends a pulse. */
  readonly pulseNeverEnds: boolean;
  /** Relays that a pulse moved are not shown as moved. */
  readonly hidesPulses: boolean;
}

const wellBehaved: BoardMisbehaviour = { stuck: false, pulseNeverEnds: false, hidesPulses: false };

export interface RelayChange {
  /** `Clock.now()` */
  readonly at: number;
  /** Counted from 1, as printed on the board. */
  readonly relay: number;
  readonly on: boolean;
  readonly by: 'pulse' | 'pulse_end' | 'write' | 'power';
}

export interface SimulatedRelayBoardOptions {
  readonly clock: Clock;
  readonly unit: number;
  readonly channels?: number;
  /** Digital inputs; 0 for a board without. */
  readonly inputs?: number;
  readonly dialect?: BoardDialect;
  /** Only with `registers`: while a time runs, only "on for 0 s" ends it, as an owner measured on a RYN408F. */
  readonly offIsIgnoredMeanwhile?: boolean;
}

/**
 * - `waveshare`: coils from 0; a pulse is a word on function 5, in tenths of a second.
 * - `lc`: coils from 0; a pulse is two registers on function 16, in tenths of a second.
 * - `registers`: R4D and RYN4 boards; no coils. Registers from 1 take commands on function 6 (1 on, 2 off, 6 on for so
 *   many seconds, in the high byte) and are read as 0 or 1 by function 3.
 */
export type BoardDialect = 'waveshare' | 'lc' | 'registers';

/**
 * A relay board with its own pulse timer. It goes on when the gateway is gone. The rules of real ones that it keeps:
 * a pulse that is ordered again starts anew, a write ends a pulse (but see `offIsIgnoredMeanwhile`), a relay shows as
 * on while its pulse runs, power-up leaves all off, what is not there is answered by an exception.
 */
export class SimulatedRelayBoard implements SimulatedUnit {
  readonly unit: number;
  readonly behaviours: SimulatedUnit['behaviours'];
  readonly #clock: Clock;
  readonly #dialect: BoardDialect;
  readonly #offIsIgnoredMeanwhile: boolean;
  readonly #relays: boolean[];
  readonly #inputs: boolean[];
  readonly #pulses: (Timer | undefined)[];
  readonly #changes: RelayChange[] = [];
  #misbehaviour = wellBehaved;
  readonly #listeners = new Set<(change: RelayChange) => void>();
  #pulseCount = 0;

  constructor(options: SimulatedRelayBoardOptions) {
    const { clock, unit, channels = 8, dialect = 'waveshare', offIsIgnoredMeanwhile = false } = options;
    const { inputs = dialect === 'registers' ? 0 : 8 } = options;
    this.#clock = clock;
    this.unit = unit;
    this.#dialect = dialect;
    this.#offIsIgnoredMeanwhile = offIsIgnoredMeanwhile;
    this.#relays = Array.from({ length: channels }, () => false);
    this.#pulses = Array.from({ length: channels }, () => undefined);
    this.#inputs = Array.from({ length: inputs }, () => false);
    this.behaviours = dialect === 'registers' ? this.#ofRegisters() : this.#ofCoils();
  }

  /** Every movement of a relay, oldest first. */
  get changes(): readonly RelayChange[] {
    return this.#changes;
  }

  /** How often a pulse was ordered, whether or not the relay moved. */
  get pulseCount(): number {
    return this.#pulseCount;
  }

  isOn(relay: number): boolean {
    return this.#relays[relay - 1] ?? false;
  }

  setInput(input: number, on: boolean): void {
    if (input < 1 || input > this.#inputs.length) throw new RangeError(`this board has no input ${input}`);
    this.#inputs[input - 1] = on;
  }

  /** Somebody else switches a relay: a button on the board, another master. */
  switchByHand(relay: number, on: boolean): void {
    this.#move(relay - 1, on, 'write');
  }

  /** The supply fails and comes back: all relays fall off. */
  powerCycle(): void {
    for (let channel = 0; channel < this.#relays.length; channel++) this.#move(channel, false, 'power');
  }

  misbehave(misbehaviour: Partial<BoardMisbehaviour>): void {
    this.#misbehaviour = { ...this.#misbehaviour, ...misbehaviour };
  }

  onChange(listener: (change: RelayChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #ofCoils(): SimulatedUnit['behaviours'] {
    const behaviours: SimulatedUnit['behaviours'] = new Map([
      [1, asked((address, count) => this.#readBits(this.#shownRelays(), address, count))],
      [2, asked((address, count) => this.#readBits(this.#inputs, address, count))],
      [5, asked((address, word, body) => this.#writeCoil(address, word) ?? { body: [...body] })],
      [15, asked((at, count, body) => this.#writeCoils(at, count, body) ?? { body: [...body.subarray(0, 4)] })],
    ]);
    if (this.#dialect === 'lc')
      behaviours.set(
        16,
        asked((at, count, body) => this.#writeRegisters(at, count, body) ?? { body: [...body.subarray(0, 4)] }),
      );
    return behaviours;
  }

  #ofRegisters(): SimulatedUnit['behaviours'] {
    return new Map([
      [3, asked((address, count) => this.#readRegisters(address, count))],
      [6, asked((address, word, body) => this.#writeRegister(address, word) ?? { body: [...body] })],
    ]);
  }

  #readRegisters(address: number, count: number): UnitAnswer {
    const shown = this.#shownRelays();
    if (count < 1 || address < 1 || address + count > shown.length + 1) return ILLEGAL_ADDRESS;
    const words = shown.slice(address - 1, address - 1 + count).flatMap((on) => [0, on ? 1 : 0]);
    return { body: [words.length, ...words] };
  }

  #writeRegister(address: number, word: number): UnitAnswer | undefined {
    const channel = address - 1;
    if (channel < 0 || channel >= this.#relays.length) return ILLEGAL_ADDRESS;
    const [command, seconds] = [word >> 8, word & 0xff];
    const keepsTime = this.#offIsIgnoredMeanwhile && this.#pulses[channel] !== undefined;
    if (command === 6 && seconds > 0) this.#pulse(channel, true, seconds * 1000);
    else if (command === 6) this.#move(channel, false, 'write');
    else if (command !== 1 && command !== 2) return ILLEGAL_VALUE;
    else if (!keepsTime) this.#move(channel, command === 1, 'write');
    return undefined;
  }

  #shownRelays(): readonly boolean[] {
    if (!this.#misbehaviour.hidesPulses) return this.#relays;
    return this.#relays.map((on, channel) => (this.#pulses[channel] === undefined ? on : !on));
  }

  #readBits(bits: readonly boolean[], address: number, count: number) {
    if (count < 1 || address + count > bits.length) return ILLEGAL_ADDRESS;
    const packed = Array.from({ length: Math.ceil(count / 8) }, () => 0);
    for (let index = 0; index < count; index++)
      if (bits[address + index]) packed[index >> 3] = (packed[index >> 3] ?? 0) + 2 ** (index % 8);
    return { body: [packed.length, ...packed] };
  }

  #writeCoil(address: number, word: number) {
    const all = address === 0x00ff;
    if (all || address < this.#relays.length) {
      if (word !== 0xff00 && word !== 0x0000 && word !== 0x5500) return ILLEGAL_VALUE;
      const channels = all ? this.#relays.map((_, channel) => channel) : [address];
      for (const channel of channels)
        this.#move(channel, word === 0x5500 ? !this.#relays[channel] : word === 0xff00, 'write');
      return undefined;
    }
    const channel = address & 0xff;
    const block = address >> 8;
    if (this.#dialect !== 'waveshare' || channel >= this.#relays.length) return ILLEGAL_ADDRESS;
    if (block !== 2 && block !== 4) return ILLEGAL_ADDRESS;
    this.#pulse(channel, block === 2, word * 100);
    return undefined;
  }

  #writeCoils(address: number, count: number, body: Buffer) {
    if (count < 1 || address + count > this.#relays.length) return ILLEGAL_ADDRESS;
    for (let index = 0; index < count; index++)
      this.#move(address + index, ((body[5 + (index >> 3)] ?? 0) >> (index % 8)) % 2 === 1, 'write');
    return undefined;
  }

  /** LC Technology: register 3 + 5 × channel takes what to do and for how long. */
  #writeRegisters(address: number, count: number, body: Buffer) {
    const channel = (address - 3) / 5;
    if (!Number.isInteger(channel) || channel < 0 || channel >= this.#relays.length || count !== 2)
      return ILLEGAL_ADDRESS;
    if (body.length !== 9) return ILLEGAL_VALUE;
    const mode = body.readUInt16BE(5);
    if (mode !== 2 && mode !== 4) return ILLEGAL_VALUE;
    this.#pulse(channel, mode === 2, body.readUInt16BE(7) * 100);
    return undefined;
  }

  #pulse(channel: number, on: boolean, ms: number): void {
    this.#pulseCount += 1;
    this.#move(channel, on, 'pulse');
    if (this.#misbehaviour.stuck || this.#misbehaviour.pulseNeverEnds) return;
    this.#pulses[channel] = this.#clock.setTimer(() => this.#move(channel, !on, 'pulse_end'), ms);
  }

  #move(channel: number, on: boolean, by: RelayChange['by']): void {
    if (this.#misbehaviour.stuck) return;
    this.#pulses[channel]?.cancel();
    this.#pulses[channel] = undefined;
    if (this.#relays[channel] === on) return;
    this.#relays[channel] = on;
    const change: RelayChange = { at: this.#clock.now(), relay: channel + 1, on, by };
    this.#changes.push(change);
    for (const listener of [...this.#listeners]) listener(change);
  }
}

/** Every request begins with two words: where, and how many or what. */
const asked =
  (behaviour: (address: number, second: number, body: Buffer) => UnitAnswer) =>
  ({ body }: HeardRequest): UnitAnswer =>
    body.length < 4 ? ILLEGAL_VALUE : behaviour(body.readUInt16BE(0), body.readUInt16BE(2), body);
