import { constants, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock, OnLimit } from '../contract/index.ts';
import { Arrivals, isWholeHello } from './arrivals.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { Handshakes } from './handshakes.ts';
import { MAX_HEADERS } from './plain-request.ts';
import { brokenRequestAnswer } from './request-faults.ts';
import { StrangerRequests } from './stranger-requests.ts';
import { Tarpit } from './tarpit.ts';

/** Bytes of request line and headers: clients put lists of ids into the query. Node's own default is 16 KiB. */
const HEADER_LIMIT = 65_536;
/** Longer than the clients' usual pauses between polls; fastify's default. */
const KEEP_ALIVE_MS = 72_000;

/** How long a client is waited for, in milliseconds. */
export interface Patience {
  /** A TLS handshake is two round trips; Node's own default is 120 s. */
  readonly handshakeMs: number;
  /** A request that is not complete by then is dropped: nothing here is larger than a second of a slow link. */
  readonly requestMs: number;
  /** How often requests are looked at for that. Node's own default is 30 s, which would make 10 s 40 s. */
  readonly checkMs: number;
  /**
   * A connection on which no byte moves for so long is dropped: a client that does not read its answer. Longer than a
   * command is held (25 s) and than the silence between two heartbeats of an event stream (15 s).
   */
  readonly stuckMs: number;
}

const usualPatience: Patience = { handshakeMs: 10_000, requestMs: 10_000, checkMs: 2_000, stuckMs: 60_000 };
/** How long a client whose request was refused may take to read why. A guess. */
const GOODBYE_MS = 2_000;

/**
 * TLS 1.3, and of TLS 1.2 what has forward secrecy and authenticates what it encrypts: no CBC, no RSA key exchange
 * (BSI TR-02102-2, sections 3.3 and 3.4).
 */
export const tlsRules = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
  honorCipherOrder: true,
  // Under TLS 1.2 a client may ask for one handshake after another on the same connection.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const;

/** PEM. */
export interface ServerCertificate {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

interface EntranceOptions {
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly onLimit: OnLimit;
  readonly tls: ServerCertificate | undefined;
  /** Whether a request belongs to somebody who signed in before. */
  readonly isSignedIn: (request: IncomingMessage) => boolean;
  readonly patience?: Patience | undefined;
}

/**
 * What stands between the network and the routes: who may connect, how long a request may take to arrive, and how much
 * may be asked without a key. Doors need none of what is spent here.
 */
export class Entrance {
  readonly #clock: Clock;
  readonly #onLimit: OnLimit;
  readonly #keyHolders: KeyHolders;
  readonly #connections: Connections;
  readonly #strangers: StrangerRequests;
  readonly #tarpit: Tarpit;
  readonly #isSignedIn: (request: IncomingMessage) => boolean;
  readonly #tls: ServerCertificate | undefined;
  readonly #patience: Patience;
  #server: http.Server | https.Server | undefined;
  #arrivals: Arrivals | undefined;
  #handshakes: Handshakes | undefined;

  constructor({ clock, limits, onLimit, tls, isSignedIn, patience = usualPatience }: EntranceOptions) {
    this.#clock = clock;
    this.#onLimit = onLimit;
    this.#keyHolders = new KeyHolders(clock);
    this.#connections = new Connections(limits, onLimit);
    this.#strangers = new StrangerRequests(clock, onLimit);
    this.#tarpit = new Tarpit(clock, this.#connections);
    this.#isSignedIn = isSignedIn;
    this.#tls = tls;
    this.#patience = patience;
  }

  /** How many are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  server(handler: RequestListener): http.Server {
    const listener: RequestListener = (request, response) => this.#requested(request, response, handler);
    const { handshakeMs, requestMs, checkMs, stuckMs } = this.#patience;
    const limits = {
      maxHeaderSize: HEADER_LIMIT,
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
      // Whoever leaves it out is told as all others are, and counted.
      requireHostHeader: false,
    };
    const server =
      this.#tls === undefined
        ? http.createServer(limits, listener)
        : https.createServer({ ...limits, ...tlsRules, ...this.#tls, handshakeTimeout: handshakeMs }, listener);
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    // One more than there may be, for it to be seen that there are more.
    server.maxHeadersCount = MAX_HEADERS + 1;
    // Else Node.js answers by itself, as often as it is asked.
    server.on('checkExpectation', listener);
    server.setTimeout(stuckMs);
    server.prependListener('secureConnection', (socket: TLSSocket) => this.#connections.secured(socket));
    this.#receive(server);
    this.#server = server;
    return server;
  }

  /** What the server would do with a connection when it comes is done when its client has said something. */
  #receive(server: http.Server): void {
    const serve = server.listeners('connection') as ((this: http.Server, socket: Socket) => void)[];
    const begin = (socket: Socket) => {
      for (const listener of serve) listener.call(server, socket);
    };
    const isPlain = this.#tls === undefined;
    const handshakes = new Handshakes({
      clock: this.#clock,
      onLimit: this.#onLimit,
      begin: (socket) => {
        this.#connections.securing(socket);
        arrivals.release(socket);
        begin(socket);
      },
    });
    const { handshakeMs, requestMs, checkMs } = this.#patience;
    const arrivals = new Arrivals({
      clock: this.#clock,
      patienceMs: isPlain ? requestMs : handshakeMs,
      lookMs: checkMs,
      isEnough: isPlain ? () => true : isWholeHello,
      onReady: (socket) => {
        if (isPlain) {
          this.#connections.opened(socket);
          arrivals.release(socket);
          begin(socket);
        } else {
          const group = this.#connections.groupOf(socket);
          handshakes.wait({ socket, group, known: this.#keyHolders.has(group) });
        }
      },
    });
    const connections = this.#connections;
    // One for all: functions for each connection would be work that a stranger's rate sets.
    const onClose = function (this: Socket) {
      arrivals.delete(this);
      if (!isPlain) handshakes.delete(this);
      connections.gone(this);
    };
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      socket.on('error', ignore);
      socket.on('close', onClose);
      if (connections.came(socket)) arrivals.add(socket);
    });
    this.#arrivals = arrivals;
    this.#handshakes = handshakes;
  }

  /** From now on connections are made with this certificate; those that are open stay as they are. */
  renew(certificate: ServerCertificate): void {
    if (this.#server instanceof https.Server) this.#server.setSecureContext({ ...tlsRules, ...certificate });
  }

  /** A valid key came with the request. */
  recognised(request: IncomingMessage): void {
    this.#connections.recognised(request);
    const group = this.#connections.groupOf(request.socket);
    if (group !== '') this.#keyHolders.remember(group);
    this.#tarpit.letGo(request.socket);
  }

  /** Whether somebody without a valid key may be answered. */
  admits(request: IncomingMessage): boolean {
    return this.#connections.isKnown(request) || this.#strangers.admits(request.socket.remoteAddress ?? '');
  }

  /**
   * Refuses: at once as long as the address was not refused too often, and then later, since whoever is refused at once
   * asks again at once. Who sent a valid key on this connection before is answered at once, always.
   */
  turnAway({ socket }: IncomingMessage, refuse: () => void): void {
    if (this.#isPatientWith(socket) || !this.#tarpit.hold(socket, refuse)) refuse();
  }

  /**
   * Answers what is not HTTP, or came too slowly or with too much before the body, and hangs up. A connection that
   * cannot be written to, or whose other end does not hang up in its turn, is let go all the same.
   */
  answerBroken(error: Error & { readonly code?: string }, socket: Socket): void {
    const silent = error.code === 'ECONNRESET' || socket.destroyed || !socket.writable;
    if (silent || !this.#connections.isOpen(socket)) {
      socket.destroy();
      return;
    }
    if (!this.#isPatientWith(socket) && this.#tarpit.hold(socket)) return;
    const patience = this.#clock.setTimer(() => socket.destroy(), GOODBYE_MS);
    socket.once('close', () => patience.cancel());
    socket.end(brokenRequestAnswer(error));
  }

  /** Hangs up on those that no goodbye can reach, and on those that wait for theirs. */
  closeUnfinished(): void {
    this.#tarpit.close();
    this.#handshakes?.close();
    this.#arrivals?.close();
    this.#connections.closeUnfinished();
  }

  closeAll(): void {
    this.#connections.closeAll();
  }

  #isPatientWith(socket: Socket): boolean {
    return this.#connections.isKnown({ socket }) || this.#strangers.tellsAtOnce(socket.remoteAddress ?? '');
  }

  #requested(request: IncomingMessage, response: ServerResponse, handler: RequestListener): void {
    if (!this.#connections.requested(request)) return;
    response.once('close', () => this.#connections.answered(request));
    // What comes with a key is judged by the key.
    if (request.headers.authorization !== undefined || this.#isSignedIn(request) || this.admits(request))
      handler(request, response);
    else this.turnAway(request, () => this.#strangers.refuse(response, randomUUID()));
  }
}

/** Whoever cannot be reached any more is destroyed by Node.js, and noticed when it is closed. */
const ignore = () => undefined;

/** A phone that opens one door a day comes back within this. Milliseconds; a guess. */
const REMEMBERED_MS = 48 * 3_600_000;
/** Addresses remembered; the one silent for longest is forgotten first. */
const MAX_ADDRESSES = 1_024;

/** Addresses from which a valid key came: those who are behind them are served apart from strangers. */
class KeyHolders {
  readonly #clock: Clock;
  /** When the last one came. The one that is silent for longest is the first. */
  readonly #seen = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(group: string): boolean {
    const at = this.#seen.get(group);
    return at !== undefined && this.#clock.now() - at < REMEMBERED_MS;
  }

  remember(group: string): void {
    this.#seen.delete(group);
    this.#seen.set(group, this.#clock.now());
    if (this.#seen.size <= MAX_ADDRESSES) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      return;
    }
  }
}
