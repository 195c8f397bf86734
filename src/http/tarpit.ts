import type { Socket } from 'node:net';
import type { Clock, Timer } from '../contract/index.ts';
import type { Connections } from './connections.ts';

/** For how long somebody who asks too much waits for the refusal, in milliseconds. A guess: below any client's patience. */
const HOLD_MS = 5_000;
/** How often it is looked who has waited long enough, and how many are let go at once: a hundred a second in all. */
const LOOK_MS = 100;
const AT_A_LOOK = 10;
/** Requests held at a time: each keeps its headers, up to 64 KiB. A guess. */
const MOST_REQUESTS = 512;

interface Held {
  readonly until: number;
  readonly answers: (() => void)[];
}

/**
 * Where those wait who ask more than they may. Whoever is refused at once asks again at once, thousands of times a
 * second; held, a connection costs its descriptor until it goes or anybody else needs that. It is read until it asks
 * once more: so it is noticed that it went, or that it sent a valid key after all. Nobody who ever sent one on that
 * connection is held.
 */
export class Tarpit {
  readonly #clock: Clock;
  readonly #connections: Connections;
  /** In the order in which they are let go. */
  readonly #held = new Map<Socket, Held>();
  #requests = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, connections: Connections) {
    this.#clock = clock;
    this.#connections = connections;
  }

  get size(): number {
    return this.#held.size;
  }

  /**
   * @param answer called when it has waited; without one the connection is then closed
   * @returns false: there is no room for it, or it must not be held
   */
  hold(socket: Socket, answer?: () => void): boolean {
    const before = this.#held.get(socket);
    if (answer !== undefined && this.#requests >= MOST_REQUESTS) return false;
    if (before === undefined && !this.#connections.hold(socket)) return false;
    if (answer !== undefined) this.#requests += 1;
    if (before !== undefined) {
      // Whoever goes on while they wait is not read any more, and not seen to go.
      socket.pause();
      if (answer !== undefined) before.answers.push(answer);
      return true;
    }
    this.#held.set(socket, { until: this.#clock.now() + HOLD_MS, answers: answer === undefined ? [] : [answer] });
    socket.once('close', () => this.#take(socket));
    this.#timer ??= this.#clock.setTimer(() => this.#look(), LOOK_MS);
    return true;
  }

  /** It sent a valid key after all. */
  letGo(socket: Socket): void {
    const held = this.#take(socket);
    if (held === undefined) return;
    this.#connections.release(socket);
    socket.resume();
    for (const answer of held.answers) answer();
  }

  /** Hangs up on all of them. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const socket of [...this.#held.keys()]) {
      this.#take(socket);
      this.#connections.close(socket);
    }
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    let left = AT_A_LOOK;
    for (const [socket, { until, answers }] of this.#held) {
      if (until > now || left === 0) break;
      left -= 1;
      if (answers.length > 0) this.letGo(socket);
      else {
        this.#take(socket);
        this.#connections.close(socket);
      }
    }
    if (this.#held.size > 0) this.#timer ??= this.#clock.setTimer(() => this.#look(), LOOK_MS);
  }

  #take(socket: Socket): Held | undefined {
    const held = this.#held.get(socket);
    if (held === undefined) return undefined;
    this.#held.delete(socket);
    this.#requests -= held.answers.length;
    return held;
  }
}
