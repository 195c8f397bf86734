import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { OnLimit } from '../contract/index.ts';
import { addressGroup } from './address-group.ts';

/** How many connections there may be. */
export interface ConnectionLimits {
  /** Of everybody. */
  readonly total: number;
  /** Of those that no valid key was sent on. */
  readonly strangers: number;
}

/** Descriptors that HTTP leaves to brokers, serial lines, radios, the store, its backup and the log. A guess. */
const RESERVED_DESCRIPTORS = 256;
/** Beyond this, more connections cost memory and serve nobody. A guess. */
const USUAL_TOTAL = 2_048;
/** What a client may ask ahead on one connection, before the answer to the first (RFC 9112, section 9.3.2). */
const MOST_AHEAD = 16;

/** @param wanted `http.max_connections`; undefined: as many as the descriptors and memory of a small machine allow */
export function connectionLimits(wanted: number | undefined, descriptors = descriptorLimit()): ConnectionLimits {
  const room = Math.max(16, descriptors - Math.min(RESERVED_DESCRIPTORS, Math.floor(descriptors / 2)));
  const total = Math.min(wanted ?? USUAL_TOTAL, room);
  return { total, strangers: Math.max(8, Math.floor((total * 3) / 4)) };
}

/** How many descriptors this process may have: Node.js raises its own soft limit to the hard one (proc(5)). */
function descriptorLimit(): number {
  try {
    const found = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return found === undefined || found === 'unlimited' ? 4_096 : Number(found);
  } catch {
    return 4_096;
  }
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  readonly group: string;
  /** While TLS is spoken on it: where its handshake is told of. */
  peer: string | undefined;
  /** What TLS made of it. */
  secured: Socket | undefined;
  /** Requests can be answered on it: past the TLS handshake, where there is one. */
  open: boolean;
  /** A valid key was sent on it. */
  known: boolean;
  /** Requests without their answer. */
  underWay: number;
}

/**
 * Everybody who is connected, and who has to go when there are too many: who is held because they ask too much, then of
 * the address with most strangers the one that was there longest. Short of that nobody has to: one that is closed
 * dials again at once, and one that is kept costs its descriptor. Who sent a valid key goes last, and never with a request under way. A newcomer is let in for
 * that, since an honest one asks at once and is no stranger afterwards.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #onLimit: OnLimit;
  /** In the order of arrival. */
  readonly #all = new Set<Connection>();
  /** Also by what TLS made of it. */
  readonly #bySocket = new Map<Socket, Connection>();
  /** Those whose TLS handshake was begun, by peer address and port. */
  readonly #byPeer = new Map<string, Connection>();
  readonly #strangers = new StrangersByAddress<Connection>();
  /** Of those, the ones whose answer is kept back; in the order in which it was. */
  readonly #held = new Set<Connection>();

  constructor(limits: ConnectionLimits, onLimit: OnLimit) {
    this.#limits = limits;
    this.#onLimit = onLimit;
  }

  get size(): number {
    return this.#all.size;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  /** A TCP connection came. `gone` is to be called when it is closed. False: it has gone already. */
  came(socket: Socket): boolean {
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy();
      return false;
    }
    const connection: Connection = {
      socket,
      address,
      group: addressGroup(address),
      peer: undefined,
      secured: undefined,
      open: false,
      known: false,
      underWay: 0,
    };
    this.#all.add(connection);
    this.#bySocket.set(socket, connection);
    this.#strangers.add(connection.group, connection);
    this.#makeRoom(connection);
    return this.#all.has(connection);
  }

  gone(socket: Socket): void {
    const connection = this.#bySocket.get(socket);
    if (connection !== undefined) this.#forget(connection);
  }

  /** Whose share it counts to. */
  groupOf(socket: Socket): string {
    return this.#bySocket.get(socket)?.group ?? '';
  }

  /** HTTP is spoken on it from now on. */
  opened(socket: Socket): void {
    const connection = this.#bySocket.get(socket);
    if (connection !== undefined) connection.open = true;
  }

  /** Its TLS handshake begins. */
  securing(socket: Socket): void {
    const connection = this.#bySocket.get(socket);
    const peer = peerOf(socket);
    if (connection === undefined || peer === undefined) return;
    connection.peer = peer;
    this.#byPeer.set(peer, connection);
  }

  /** Its TLS handshake is over. @param socket what TLS made of it */
  secured(socket: Socket): void {
    const peer = peerOf(socket);
    const connection = peer === undefined ? undefined : this.#byPeer.get(peer);
    if (connection === undefined) return;
    connection.open = true;
    connection.secured = socket;
    this.#bySocket.set(socket, connection);
  }

  /** False while its TLS handshake has not ended: nothing can be said on it. */
  isOpen(socket: Socket): boolean {
    return this.#bySocket.get(socket)?.open ?? false;
  }

  /** A request came. False when it is one too many on its connection, which is then closed. */
  requested({ socket }: IncomingMessage): boolean {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined) return true;
    connection.underWay += 1;
    if (connection.underWay <= MOST_AHEAD) return true;
    if (connection.underWay === MOST_AHEAD + 1) {
      this.#tell(connection, `A client at ${connection.address} sent more requests ahead than are answered.`);
      this.#close(connection);
    }
    return false;
  }

  answered({ socket }: IncomingMessage): void {
    const connection = this.#bySocket.get(socket);
    if (connection !== undefined) connection.underWay = Math.max(0, connection.underWay - 1);
  }

  /** Whether a valid key was sent on it before. */
  isKnown({ socket }: Pick<IncomingMessage, 'socket'>): boolean {
    return this.#bySocket.get(socket)?.known ?? false;
  }

  /** A valid key was sent on it. */
  recognised({ socket }: IncomingMessage): void {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined || connection.known) return;
    connection.known = true;
    this.#strangers.delete(connection.group, connection);
  }

  /** Its answer is kept back: it is the first to go. False: a valid key was sent on it, or it is none of ours. */
  hold(socket: Socket): boolean {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined || connection.known) return false;
    this.#held.add(connection);
    return true;
  }

  release(socket: Socket): void {
    const connection = this.#bySocket.get(socket);
    if (connection !== undefined) this.#held.delete(connection);
  }

  close(socket: Socket): void {
    const connection = this.#bySocket.get(socket);
    if (connection !== undefined) this.#forget(connection);
    socket.destroy();
  }

  /** Hangs up on those that cannot be answered: their handshake has not ended. */
  closeUnfinished(): void {
    for (const connection of this.#all) if (!connection.open) this.#close(connection);
  }

  closeAll(): void {
    for (const connection of this.#all) this.#close(connection);
  }

  #makeRoom(newcomer: Connection): void {
    const { total, strangers } = this.#limits;
    if (this.#strangers.size > strangers) {
      this.#tell(
        newcomer,
        `More than ${strangers} connections without a valid key are open, ${this.#strangers.of(newcomer.group)} ` +
          `of them from ${newcomer.address}: the oldest of whoever has most are closed. Find out what connects there, ` +
          'and keep it out with a firewall if it is none of yours.',
      );
      this.#close(this.#oldestStranger() ?? newcomer);
    }
    if (this.#all.size <= total) return;
    this.#tell(
      newcomer,
      `More than ${total} connections are open: idle ones are closed. Raise http.max_connections and the unit's ` +
        'LimitNOFILE if so many clients are yours.',
    );
    this.#close(this.#oldestStranger(newcomer) ?? this.#longestIdle() ?? newcomer);
  }

  #oldestStranger(except?: Connection): Connection | undefined {
    const held = first(this.#held);
    if (held !== undefined) return held;
    const oldest = this.#strangers.oldestOfMost();
    return oldest === except ? undefined : oldest;
  }

  #longestIdle(): Connection | undefined {
    for (const connection of this.#all) if (connection.known && connection.underWay === 0) return connection;
    return undefined;
  }

  /** At once: it counts no more, whenever its close is told. */
  #close(connection: Connection): void {
    this.#forget(connection);
    connection.socket.destroy();
  }

  #forget(connection: Connection): void {
    this.#all.delete(connection);
    this.#bySocket.delete(connection.socket);
    if (connection.secured !== undefined) this.#bySocket.delete(connection.secured);
    // A later connection may have come from the same port.
    if (connection.peer !== undefined && this.#byPeer.get(connection.peer) === connection)
      this.#byPeer.delete(connection.peer);
    this.#held.delete(connection);
    this.#strangers.delete(connection.group, connection);
  }

  #tell({ address }: Connection, message: string): void {
    this.#onLimit({ limit: 'http_connections', source: address, message });
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string | undefined =>
  remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;

function first(connections: ReadonlySet<Connection>): Connection | undefined {
  for (const connection of connections) return connection;
  return undefined;
}

/** Those of one address. */
interface Crowd<Member> {
  readonly address: string;
  /** In the order of arrival. */
  readonly members: Set<Member>;
}

/** Who came from which address. Whoever is one of most is found without looking at all of them. */
export class StrangersByAddress<Member> {
  readonly #crowds = new Map<string, Crowd<Member>>();
  /** By how many they are: at index 3 all addresses with three. The last one is never empty. */
  readonly #bySize: Set<Crowd<Member>>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  of(address: string): number {
    return this.#crowds.get(address)?.members.size ?? 0;
  }

  add(address: string, member: Member): void {
    let crowd = this.#crowds.get(address);
    if (crowd === undefined) {
      crowd = { address, members: new Set() };
      this.#crowds.set(address, crowd);
    }
    const { members } = crowd;
    const before = members.size;
    members.add(member);
    if (members.size > before) this.#resized(crowd, before);
  }

  delete(address: string, member: Member): void {
    const crowd = this.#crowds.get(address);
    if (crowd?.members.delete(member) !== true) return;
    this.#resized(crowd, crowd.members.size + 1);
    if (crowd.members.size === 0) this.#crowds.delete(address);
  }

  /** Of the address with most the one that came first. */
  oldestOfMost(): Member | undefined {
    for (const { members } of this.#bySize.at(-1) ?? []) for (const member of members) return member;
    return undefined;
  }

  #resized(crowd: Crowd<Member>, before: number): void {
    const now = crowd.members.size;
    this.#size += now - before;
    this.#bySize[before]?.delete(crowd);
    while (this.#bySize.length <= now) this.#bySize.push(new Set());
    if (now > 0) this.#bySize[now]?.add(crowd);
    while (this.#bySize.length > 0 && this.#bySize.at(-1)?.size === 0) this.#bySize.pop();
  }
}
