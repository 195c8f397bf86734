import type { ServerResponse } from 'node:http';
import { type Clock, GatewayError, type OnLimit } from '../contract/index.ts';
import { AddressBuckets } from './address-buckets.ts';
import { errorAnswer } from './error-envelope.ts';

/** What may be asked without a key from one address: at once, and per second on average. Guesses: a monitor asks once a second. */
const BURST = 60;
const PER_SECOND = 20;
/** What a client without a valid key is told to wait, in seconds. */
export const RETRY_AFTER_S = 1;

/** Bounds what an address may ask without a key, before any work is done for it. */
export class StrangerRequests {
  readonly #onLimit: OnLimit;
  readonly #asked: AddressBuckets;
  readonly #refused: AddressBuckets;
  readonly #answer: string;

  constructor(clock: Clock, onLimit: OnLimit) {
    this.#onLimit = onLimit;
    this.#asked = new AddressBuckets(clock, { burst: BURST, perSecond: PER_SECOND });
    this.#refused = new AddressBuckets(clock, { burst: BURST, perSecond: PER_SECOND });
    const error = new GatewayError('rate_limit_exceeded', 'Too many requests without a key came from this address.');
    this.#answer = JSON.stringify(errorAnswer(error).body);
  }

  /** Whether the address may be answered. */
  admits(address: string): boolean {
    if (this.#asked.take(address) === 0) return true;
    this.#tell(address, `More than ${PER_SECOND} requests a second came from ${address} without a key`);
    return false;
  }

  /**
   * Whether a refusal may be told at once. Beyond as many again as may be asked, whoever is told asks on without having
   * heard it: it is told later.
   */
  tellsAtOnce(address: string): boolean {
    if (this.#refused.take(address) === 0) return true;
    this.#tell(address, `More than ${PER_SECOND} requests a second from ${address} had to be refused`);
    return false;
  }

  /** Says so in as few steps as possible, and hangs up. */
  refuse(response: ServerResponse, requestId: string): void {
    response.writeHead(429, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(this.#answer),
      'retry-after': String(RETRY_AFTER_S),
      'seam-request-id': requestId,
      connection: 'close',
    });
    response.end(this.#answer);
  }

  #tell(source: string, what: string): void {
    this.#onLimit({ limit: 'http_requests', source, message: `${what}: the rest is refused, and later.` });
  }
}
