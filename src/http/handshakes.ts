import type { Socket } from 'node:net';
import type { Clock, OnLimit, Timer } from '../contract/index.ts';

/** What handshakes may take of the thread: milliseconds of each second, and half of that at once after a pause. Guesses. */
const KNOWN_MS_PER_SECOND = 500;
const STRANGERS_MS_PER_SECOND = 250;
/**
 * What a handshake counts at least, in milliseconds: what it takes of a fast processor. One that is begun with a key of a group that we do not have is
 * asked for another and costs more later (RFC 8446, section 4.1.4), where it is not measured.
 */
const LEAST_MS = 0.5;
/** Below this it is not worth waking up. Milliseconds. */
const SHORTEST_WAIT_MS = 10;

export interface Newcomer {
  readonly socket: Socket;
  /** Whose share it counts to. */
  readonly group: string;
  /** A valid key came from there before. */
  readonly known: boolean;
}

export interface HandshakesOptions {
  readonly clock: Clock;
  readonly onLimit: OnLimit;
  /** Answers what the client said, which takes most of what a handshake costs; done when the microtasks after it are. */
  readonly begin: (socket: Socket) => void;
}

/**
 * Who is next to have its TLS handshake. Each takes half a millisecond or more of the only thread, key or no key, so that whoever dials
 * again and again would get all of it. Therefore one at a time, with everything else between two of them; a part of
 * each second for addresses that a valid key came from, another for strangers, and in each the addresses take turns.
 */
export class Handshakes {
  readonly #options: HandshakesOptions;
  readonly #known: Line;
  readonly #strangers: Line;
  #turn: NodeJS.Immediate | undefined;
  #timer: Timer | undefined;

  constructor(options: HandshakesOptions) {
    this.#options = options;
    const now = options.clock.now();
    this.#known = new Line(KNOWN_MS_PER_SECOND, now);
    this.#strangers = new Line(STRANGERS_MS_PER_SECOND, now);
  }

  wait(newcomer: Newcomer): void {
    const line = newcomer.known ? this.#known : this.#strangers;
    line.add(newcomer);
    // Who is waited for may be of the other line.
    if (this.#timer !== undefined && line.waitMs(this.#options.clock.now()) === 0) this.#cancelTimer();
    this.#wake();
  }

  /** It is gone. */
  delete(socket: Socket): void {
    this.#known.delete(socket);
    this.#strangers.delete(socket);
    if (this.#known.isEmpty && this.#strangers.isEmpty) this.close();
  }

  /** Nobody has their turn any more. */
  close(): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#cancelTimer();
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** With what else is there to be done before the next one. */
  #wake(): void {
    if (this.#turn !== undefined || this.#timer !== undefined) return;
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      this.#next();
    });
  }

  #next(): void {
    const { clock, begin } = this.#options;
    const from = clock.now();
    const waits: number[] = [];
    for (const line of [this.#known, this.#strangers]) {
      if (line.isEmpty) continue;
      const waitMs = line.waitMs(from);
      if (waitMs > 0) {
        waits.push(waitMs);
        this.#tell(line);
        continue;
      }
      const socket = line.take();
      if (socket === undefined) continue;
      begin(socket);
      // What the client said is read after the present call, and before anything else is.
      process.nextTick(() => line.spend(Math.max(LEAST_MS, clock.now() - from)));
      if (!this.#known.isEmpty || !this.#strangers.isEmpty) this.#wake();
      return;
    }
    if (waits.length === 0) return;
    this.#timer = clock.setTimer(
      () => {
        this.#timer = undefined;
        this.#next();
      },
      Math.max(SHORTEST_WAIT_MS, Math.min(...waits)),
    );
  }

  #tell(line: Line): void {
    const source = line.largest;
    if (source === undefined) return;
    this.#options.onLimit({
      limit: 'tls_handshakes',
      source,
      message:
        `More TLS handshakes are asked for than there is time for, most from ${source}: they wait for their turn. Find ` +
        'out what connects there, and keep it out with a firewall if it is none of yours.',
    });
  }
}

/** Those who wait for the same part of each second. */
class Line {
  readonly #perSecond: number;
  readonly #most: number;
  /** The address whose turn it is comes first; in each the one that came first. */
  readonly #waiting = new Map<string, Set<Socket>>();
  readonly #groups = new Map<Socket, string>();
  #left: number;
  #at: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#most = perSecond / 2;
    this.#left = this.#most;
    this.#at = now;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** The address with most. */
  get largest(): string | undefined {
    let found: string | undefined;
    let most = 0;
    for (const [group, { size }] of this.#waiting) {
      if (size <= most) continue;
      most = size;
      found = group;
    }
    return found;
  }

  add({ socket, group }: Newcomer): void {
    const sockets = this.#waiting.get(group) ?? new Set();
    sockets.add(socket);
    this.#waiting.set(group, sockets);
    this.#groups.set(socket, group);
  }

  delete(socket: Socket): void {
    const group = this.#groups.get(socket);
    if (group === undefined) return;
    this.#groups.delete(socket);
    const sockets = this.#waiting.get(group);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.#waiting.delete(group);
  }

  take(): Socket | undefined {
    for (const [group, sockets] of this.#waiting)
      for (const socket of sockets) {
        this.delete(socket);
        // The other addresses go before its next one.
        this.#waiting.delete(group);
        if (sockets.size > 0) this.#waiting.set(group, sockets);
        return socket;
      }
    return undefined;
  }

  /** Milliseconds until there is time for one more; 0: now. */
  waitMs(now: number): number {
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) * this.#perSecond) / 1_000);
    this.#at = now;
    return this.#left > 0 ? 0 : ((LEAST_MS - this.#left) * 1_000) / this.#perSecond;
  }

  spend(ms: number): void {
    this.#left -= ms;
  }
}
