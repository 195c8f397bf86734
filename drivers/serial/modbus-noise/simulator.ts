import type { HeardRequest } from '../modbus/simulated-frames.ts';
import type { SimulatedUnit, UnitAnswer } from '../modbus/simulated-line.ts';

const ILLEGAL_ADDRESS = { exception: 2 } as const;
const ILLEGAL_VALUE = { exception: 3 } as const;

export interface SimulatedNoiseTransmitterOptions {
  readonly unit: number;
  /** dB */
  readonly level?: number;
  readonly functionCode?: 3 | 4;
  readonly register?: number;
  /** Steps of the register in one decibel. */
  readonly stepsPerDecibel?: number;
}

/** A transmitter with its level in one register, its address in 0x07D0 and its baud rate's code in 0x07D1. */
export class SimulatedNoiseTransmitter implements SimulatedUnit {
  readonly unit: number;
  readonly behaviours: SimulatedUnit['behaviours'];
  readonly #register: number;
  readonly #stepsPerDecibel: number;
  #word = 0;

  constructor(options: SimulatedNoiseTransmitterOptions) {
    const { unit, level = 42, functionCode = 3, register = 0, stepsPerDecibel = 10 } = options;
    this.unit = unit;
    this.behaviours = new Map([[functionCode, (request) => this.#read(request)]]);
    this.#register = register;
    this.#stepsPerDecibel = stepsPerDecibel;
    this.hear(level);
  }

  /** It is so loud now, in dB. */
  hear(level: number): void {
    this.#word = Math.round(level * this.#stepsPerDecibel);
  }

  /** What the register holds, whatever it means. */
  hold(word: number): void {
    this.#word = word;
  }

  #read({ body }: HeardRequest): UnitAnswer {
    if (body.length !== 4) return ILLEGAL_VALUE;
    const first = body.readUInt16BE(0);
    const count = body.readUInt16BE(2);
    const words: number[] = [];
    for (let address = first; address < first + count; address++) {
      const word = this.#at(address);
      if (word === undefined) return ILLEGAL_ADDRESS;
      words.push(Math.floor(word / 256), word % 256);
    }
    return count === 0 ? ILLEGAL_ADDRESS : { body: [words.length, ...words] };
  }

  #at(address: number): number | undefined {
    if (address === this.#register) return this.#word;
    if (address === 0x07d0) return this.unit;
    return address === 0x07d1 ? 2 : undefined;
  }
}
