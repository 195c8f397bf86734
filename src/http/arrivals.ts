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

/** RFC 8446, section 5.1: type, version, length. */
const RECORD_HEADER_LENGTH = 5;
const HANDSHAKE_RECORD = 22;
/** Section 4: type, length. */
const MESSAGE_HEADER_LENGTH = 4;
const CLIENT_HELLO = 1;

/**
 * Whether TLS can be begun with what a client said first: its ClientHello is there to the last byte, in however many records,
 * so that what it costs to answer it comes when it is begun; or it is none, which costs nothing to refuse.
 */
export function isWholeHello(heard: Buffer): boolean {
  const header: number[] = [];
  /** Bytes of the message that are there, its header included. */
  let message = 0;
  for (let at = 0; at < heard.length; ) {
    if (heard[at] !== HANDSHAKE_RECORD) return true;
    const from = at + RECORD_HEADER_LENGTH;
    if (heard.length < from) return false;
    const end = from + heard.readUInt16BE(at + 3);
    header.push(...heard.subarray(from, Math.min(end, from + MESSAGE_HEADER_LENGTH - header.length)));
    if (header.length > 0 && header[0] !== CLIENT_HELLO) return true;
    message += Math.min(end, heard.length) - from;
    const [, high = 0, middle = 0, low = 0] = header;
    const length = MESSAGE_HEADER_LENGTH + high * 65_536 + middle * 256 + low;
    if (header.length === MESSAGE_HEADER_LENGTH && message >= length) return true;
    at = end;
  }
  return false;
}
