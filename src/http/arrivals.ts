import type { Socket } from 'node:net';
import type { Clock, Timer } from '../contract/index.ts';

/** Of whoever waits. What a TLS client says first has one or two thousand, with a ticket some more. Bytes. */
const MOST_HEARD = 16_384;

export interface ArrivalsOptions {
  readonly clock: Clock;
  /** For how long a client may say nothing, or not enough, and how often that is looked at. Milliseconds. */
  readonly patienceMs: number;
  readonly lookMs: number;
  /** Whether what a client said so far is enough to begin with. */
  readonly isEnough: (heard: Buffer) => boolean;
  /** It is. */
  readonly onReady: (socket: Socket) => void;
}

interface Arrival {
  readonly until: number;
  heard: Buffer | undefined;
  isReady: boolean;
}

/**
 * Where a connection waits until its client has said something, and for its turn. Most of what a connection costs, a parser, its listeners
 * and timers, and all that TLS keeps, is spent on those who speak: whoever dials and is silent gets none of it.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** In the order in which they came. */
  readonly #waiting = new Map<Socket, Arrival>();
  readonly #onReadable: (this: Socket) => void;
  #timer: Timer | undefined;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
    const spoke = (socket: Socket) => this.#spoke(socket);
    // One for all: a function for each connection would be work that a stranger's rate sets.
    this.#onReadable = function () {
      spoke(this);
    };
  }

  /** It came, and nothing was read from it. */
  add(socket: Socket): void {
    const { clock, patienceMs } = this.#options;
    this.#waiting.set(socket, { until: clock.now() + patienceMs, heard: undefined, isReady: false });
    socket.on('readable', this.#onReadable);
    this.#timer ??= clock.setTimer(() => this.#look(), this.#options.lookMs);
  }

  /** What it said can be read from the socket from now on. */
  release(socket: Socket): void {
    const heard = this.#waiting.get(socket)?.heard;
    this.delete(socket);
    socket.removeListener('readable', this.#onReadable);
    if (heard !== undefined) socket.unshift(heard);
  }

  /** It is gone. */
  delete(socket: Socket): void {
    this.#waiting.delete(socket);
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Hangs up on all of them. */
  close(): void {
    for (const socket of [...this.#waiting.keys()]) {
      this.delete(socket);
      socket.destroy();
    }
  }

  #spoke(socket: Socket): void {
    const arrival = this.#waiting.get(socket);
    if (arrival === undefined) return;
    const said: Buffer | null = socket.read();
    // It closed its side before it had said enough.
    if (said === null) {
      socket.destroy();
      return;
    }
    arrival.heard = arrival.heard === undefined ? said : Buffer.concat([arrival.heard, said]);
    if (!arrival.isReady && this.#options.isEnough(arrival.heard)) {
      arrival.isReady = true;
      this.#options.onReady(socket);
    }
    if (this.#waiting.has(socket) && arrival.heard.length > MOST_HEARD) socket.destroy();
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, lookMs } = this.#options;
    const now = clock.now();
    for (const [socket, { until }] of this.#waiting) {
      if (until > now) break;
      this.#waiting.delete(socket);
      socket.destroy();
    }
    if (this.#waiting.size > 0) this.#timer ??= clock.setTimer(() => this.#look(), lookMs);
  }
}
