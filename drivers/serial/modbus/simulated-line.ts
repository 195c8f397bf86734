import type { Clock, Timer } from '../../../src/contract/index.ts';
import { type HeardRequest, heardRequest, sealFrame } from './simulated-frames.ts';

/** The bytes after unit and function code of an answer, or the code of an exception. */
export type UnitAnswer = { readonly body: readonly number[] } | { readonly exception: number };

/** Something with an address on a simulated line. */
export interface SimulatedUnit {
  readonly unit: number;
  /** What it does about each function code: one behaviour each, so that a test can put another in its place. */
  readonly behaviours: Map<number, (request: HeardRequest) => UnitAnswer>;
}

/** Modbus: a function that a unit does not have. */
const illegalFunction = (): UnitAnswer => ({ exception: 1 });

/** What may go wrong between the gateway and a unit. Times are milliseconds. */
export type LineFault =
  /** The unit hears nothing. */
  | { readonly kind: 'request_lost' }
  /** The unit does as it is told and its answer never arrives. */
  | { readonly kind: 'reply_lost' }
  | { readonly kind: 'wrong_unit'; readonly unit: number }
  | { readonly kind: 'wrong_checksum' }
  | { readonly kind: 'noise_before'; readonly bytes: readonly number[] }
  | { readonly kind: 'noise_instead'; readonly bytes: readonly number[] }
  /** The answer arrives in two pieces. */
  | { readonly kind: 'split'; readonly afterBytes: number; readonly pauseMs: number }
  | { readonly kind: 'truncated'; readonly bytes: number }
  /** The byte count says one more than there are, and the checksum fits. */
  | { readonly kind: 'wrong_byte_count' }
  /** The unit acts at once and answers this much later; with `deaf` it hears nothing until it has. */
  | { readonly kind: 'late'; readonly ms: number; readonly deaf?: boolean }
  /** The unit acts, and its answer to a write names another value than it was sent. */
  | { readonly kind: 'wrong_value'; readonly value: number }
  /** The unit says no. */
  | { readonly kind: 'exception'; readonly code: number }
  /** The cable is pulled while the answer is on its way. */
  | { readonly kind: 'unplugged' };

export interface FaultScope {
  /** How often; for ever when not given. */
  readonly times?: number;
  readonly unit?: number;
  readonly functionCodes?: readonly number[];
}

interface PlannedFault {
  readonly fault: LineFault;
  readonly scope: FaultScope;
  left: number;
}

export interface SimulatedLineOptions {
  readonly clock: Clock;
  readonly baudRate: number;
  /** From the end of a request to the beginning of the answer, in milliseconds; 8 was measured on a bench. */
  readonly turnaroundMs?: number;
  /** The adapter hears itself. */
  readonly echo?: boolean;
}

/** A request that reached a unit. */
export interface LineRecord extends HeardRequest {
  /** `Clock.now()` when its last byte arrived. */
  readonly at: number;
}

/**
 * An RS-485 line with its units, at the speed of its wire: what the gateway writes to `receive` comes back through
 * `onBytes`. It plays the hardware below the bus, adapter and cable included, by the rules of the real one:
 *
 * - a frame ends with 3.5 characters of silence; what arrives damaged, or for nobody, is not answered;
 * - an answer names unit and function, never the question: a late one looks like that of the next question;
 * - a write is answered by its own place and value (functions 5 and 6) or place and count (15 and 16);
 * - a unit answers in its own time, and some hear nothing meanwhile (`late`, `deaf`); some answer in another's name
 *   (`wrong_unit`) or with another value (`wrong_value`);
 * - an adapter may hear itself (`echo`), and everybody hears everybody: a second master, noise.
 */
export class SimulatedLine {
  readonly #options: SimulatedLineOptions;
  readonly #units = new Map<number, SimulatedUnit>();
  readonly #listeners = new Set<(bytes: Buffer) => void>();
  readonly #unplugListeners = new Set<() => void>();
  readonly #heard: LineRecord[] = [];
  #faults: PlannedFault[] = [];
  #buffer = Buffer.alloc(0);
  #silence: Timer | undefined;
  #plugged = true;
  /** Units that hear nothing, until `Clock.now()`. */
  readonly #deafUntil = new Map<number, number>();
  /** True makes the adapter hear itself. */
  echo: boolean;

  constructor(options: SimulatedLineOptions) {
    this.#options = options;
    this.echo = options.echo ?? false;
  }

  get plugged(): boolean {
    return this.#plugged;
  }

  /** Every request that a unit on this line took for its own, oldest first. */
  get heard(): readonly LineRecord[] {
    return this.#heard;
  }

  add(unit: SimulatedUnit): void {
    this.#units.set(unit.unit, unit);
  }

  /** Takes a unit off the line: nobody answers for it. */
  remove(unit: number): void {
    this.#units.delete(unit);
  }

  misbehave(fault: LineFault, scope: FaultScope = {}): void {
    this.#faults.push({ fault, scope, left: scope.times ?? Number.POSITIVE_INFINITY });
  }

  behave(): void {
    this.#faults = [];
  }

  unplug(): void {
    this.#plugged = false;
    for (const listener of [...this.#unplugListeners]) listener();
  }

  plug(): void {
    this.#plugged = true;
  }

  onBytes(listener: (bytes: Buffer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onUnplugged(listener: () => void): () => void {
    this.#unplugListeners.add(listener);
    return () => this.#unplugListeners.delete(listener);
  }

  /** Bytes of the gateway have arrived at the units. */
  receive(bytes: Buffer): void {
    if (!this.#plugged) return;
    if (this.echo) this.#transmit(bytes);
    this.#hear(bytes);
  }

  /** Another master asks a unit: the gateway hears question and answer. */
  askAsAnotherMaster(request: readonly number[]): void {
    const frame = sealFrame(request);
    this.#after(this.#wireMs(frame.length), () => {
      this.#transmit(frame);
      this.#hear(frame);
    });
  }

  /** Noise, or somebody who talks without being asked. */
  babble(bytes: readonly number[]): void {
    this.#transmit(Buffer.from(bytes));
  }

  /** A frame ends with 3.5 characters of silence. */
  #hear(bytes: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    this.#silence?.cancel();
    this.#silence = this.#after(this.#wireMs(3.5), () => {
      const frame = this.#buffer;
      this.#buffer = Buffer.alloc(0);
      this.#take(frame);
    });
  }

  #take(frame: Buffer): void {
    const request = heardRequest(frame);
    const unit = request && this.#units.get(request.unit);
    const now = this.#options.clock.now();
    if (!request || !unit || now < (this.#deafUntil.get(request.unit) ?? 0)) return;
    const fault = this.#faultFor(request);
    if (fault?.kind === 'request_lost') return;
    this.#heard.push({ ...request, at: now });
    if (fault?.kind === 'late' && fault.deaf) this.#deafUntil.set(request.unit, now + fault.ms);
    const behaviour = unit.behaviours.get(request.functionCode) ?? illegalFunction;
    const answer = fault?.kind === 'exception' ? { exception: fault.code } : behaviour(request);
    const body =
      'body' in answer
        ? [request.unit, request.functionCode, ...answer.body]
        : [request.unit, request.functionCode + 0x80, answer.exception];
    this.#reply(body, fault);
  }

  #reply(body: readonly number[], fault: LineFault | undefined): void {
    const turnaround = (this.#options.turnaroundMs ?? 8) + (fault?.kind === 'late' ? fault.ms : 0);
    const send = (bytes: Buffer, delay = 0) =>
      this.#after(turnaround + delay + this.#wireMs(bytes.length), () => this.#transmit(bytes));
    const frame = sealFrame(body);
    switch (fault?.kind) {
      case 'reply_lost':
        return;
      case 'unplugged':
        this.#after(turnaround, () => this.unplug());
        return;
      case 'wrong_unit':
        send(sealFrame([fault.unit, ...body.slice(1)]));
        return;
      case 'wrong_value':
        send(sealFrame([...body.slice(0, -2), (fault.value >> 8) & 0xff, fault.value & 0xff]));
        return;
      case 'wrong_checksum': {
        const damaged = Buffer.from(frame);
        damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 0x01, damaged.length - 1);
        send(damaged);
        return;
      }
      case 'noise_before':
        send(Buffer.concat([Buffer.from(fault.bytes), frame]));
        return;
      case 'noise_instead':
        send(Buffer.from(fault.bytes));
        return;
      case 'split':
        send(frame.subarray(0, fault.afterBytes));
        send(frame.subarray(fault.afterBytes), fault.pauseMs);
        return;
      case 'truncated':
        send(frame.subarray(0, fault.bytes));
        return;
      case 'wrong_byte_count':
        send(sealFrame([...body.slice(0, 2), (body[2] ?? 0) + 1, ...body.slice(3)]));
        return;
      default:
        send(frame);
    }
  }

  #faultFor(request: HeardRequest): LineFault | undefined {
    const planned = this.#faults.find(
      ({ scope, left }) =>
        left > 0 &&
        (scope.unit === undefined || scope.unit === request.unit) &&
        (scope.functionCodes === undefined || scope.functionCodes.includes(request.functionCode)),
    );
    if (planned) planned.left -= 1;
    return planned?.fault;
  }

  #transmit(bytes: Buffer): void {
    if (!this.#plugged) return;
    for (const listener of [...this.#listeners]) listener(bytes);
  }

  /** Ten bits a character: eight data bits, no parity, one stop bit. */
  #wireMs(characters: number): number {
    return (characters * 10_000) / this.#options.baudRate;
  }

  #after(ms: number, action: () => void): Timer {
    return this.#options.clock.setTimer(action, ms);
  }
}
