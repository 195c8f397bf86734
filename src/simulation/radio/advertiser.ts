import type { Clock, Timer } from '../../contract/index.ts';
import { type Answer, complete, refused } from './command-answers.ts';
import { opcodes, status } from './hci.ts';

/** Advertising types of the legacy commands: Vol 4 Part E, section 7.8.5. */
const CONNECTABLE_UNDIRECTED = 0;
const SCANNABLE_UNDIRECTED = 2;

const NO_BYTES: Buffer = Buffer.alloc(0);

export interface AdvertiserSurroundings {
  readonly clock: Clock;
  readonly random: () => number;
  /** Milliseconds; undefined: as the host asks. */
  readonly intervalMs: number | undefined;
  /** One advertising event. */
  readonly event: () => void;
}

/** The advertising state of a controller: legacy advertising, one set. */
export class Advertiser {
  readonly #surroundings: AdvertiserSurroundings;
  #timer: Timer | undefined;
  #intervalMs = 100;
  type = CONNECTABLE_UNDIRECTED;
  ownAddressType = 0;
  data: Buffer = NO_BYTES;
  scanResponse: Buffer = NO_BYTES;

  constructor(surroundings: AdvertiserSurroundings) {
    this.#surroundings = surroundings;
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  get scannable(): boolean {
    return this.type === CONNECTABLE_UNDIRECTED || this.type === SCANNABLE_UNDIRECTED;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  reset(): void {
    this.stop();
    this.type = CONNECTABLE_UNDIRECTED;
    this.ownAddressType = 0;
    this.data = NO_BYTES;
    this.scanResponse = NO_BYTES;
  }

  answer(opcode: number, parameters: Buffer): Answer | undefined {
    switch (opcode) {
      case opcodes.leSetAdvertisingParameters:
        if (this.running) return refused(status.commandDisallowed);
        this.#intervalMs = Math.max(20, parameters.readUInt16LE(0) * 0.625);
        this.type = parameters.readUInt8(4);
        this.ownAddressType = parameters.readUInt8(5);
        return complete();
      case opcodes.leSetAdvertisingData:
        this.data = Buffer.from(parameters.subarray(1, 1 + parameters.readUInt8(0)));
        return complete();
      case opcodes.leSetScanResponse:
        this.scanResponse = Buffer.from(parameters.subarray(1, 1 + parameters.readUInt8(0)));
        return complete();
      case opcodes.leSetAdvertisingEnable:
        this.stop();
        if (parameters.readUInt8(0) === 1) this.#schedule(0);
        return complete();
      default:
        return undefined;
    }
  }

  #schedule(delayMs: number): void {
    const { clock, random, intervalMs, event } = this.#surroundings;
    this.#timer = clock.setTimer(() => {
      // Up to 10 ms of random delay keep two advertisers from colliding for ever: Vol 6 Part B, section 4.4.2.2.
      this.#schedule((intervalMs ?? this.#intervalMs) + random() * 10);
      event();
    }, delayMs);
  }
}
