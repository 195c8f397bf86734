import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, GatewayError, type OnLimit } from '../contract/index.ts';
import { addressGroup } from './address-group.ts';
import { errorAnswer } from './error-envelope.ts';

/** What may be asked without a key from one address: at once, and per second on average. Guesses: a monitor asks once a second. */
const BURST = 60;
const PER_SECOND = 20;
/** Addresses remembered; the one silent for longest is forgotten first. */
const MAX_ADDRESSES = 4_096;
/** What a client is told to wait, in seconds. */
const RETRY_AFTER_S = 1;

interface Bucket {
  left: number;
  at: number;
}

/** Bounds what an address may ask without a key, before any work is done for it. */
export class StrangerRequests {
  readonly #clock: Clock;
  readonly #onLimit: OnLimit;
  readonly #buckets = new Map<string, Bucket>();
  readonly #answer: string;

  constructor(clock: Clock, onLimit: OnLimit) {
    this.#clock = clock;
    this.#onLimit = onLimit;
    const error = new GatewayError('rate_limit_exceeded', 'Too many requests without a key came from this address.');
    this.#answer = JSON.stringify(errorAnswer(error).body);
  }

  /** Whether the address may be answered. */
  admits(address: string): boolean {
    const group = addressGroup(address);
    const now = this.#clock.now();
    const before = this.#buckets.get(group);
    const left = before === undefined ? BURST : Math.min(BURST, before.left + ((now - before.at) * PER_SECOND) / 1_000);
    this.#buckets.delete(group);
    this.#buckets.set(group, { left: left >= 1 ? left - 1 : left, at: now });
    if (this.#buckets.size > MAX_ADDRESSES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    if (left >= 1) return true;
    this.#onLimit({
      limit: 'http_requests',
      source: address,
      message: `More than ${PER_SECOND} requests a second came from ${address} without a key: the rest is refused.`,
    });
    return false;
  }

  /** Says so in as few steps as possible, and hangs up. */
  refuse(_request: IncomingMessage, response: ServerResponse, requestId: string): void {
    response.writeHead(429, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(this.#answer),
      'retry-after': String(RETRY_AFTER_S),
      'seam-request-id': requestId,
      connection: 'close',
    });
    response.end(this.#answer);
  }
}
