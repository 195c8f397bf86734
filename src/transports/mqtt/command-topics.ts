import type { Logger } from 'pino';
import type { BrokerConnection } from './broker-connection.ts';
import { hasWildcard, matches } from './topic-filter.ts';

/** A command that somebody left retained on a topic of ours. Its payload is not kept: it may hold a PIN. */
export interface RetainedCommand {
  readonly topic: string;
  /** False when it is still there: the broker does not let the gateway clear it. */
  readonly cleared: boolean;
}

/** One device's claim on a topic or filter. */
export interface Claim {
  readonly filter: string;
  /** Whether it was swept since the connection came, or since something retained was heard there. */
  readonly swept: boolean;
  release(): void;
}

class ClaimState implements Claim {
  readonly filter: string;
  swept = false;
  readonly #topics: CommandTopics;

  constructor(filter: string, topics: CommandTopics) {
    this.filter = filter;
    this.#topics = topics;
  }

  release(): void {
    this.#topics.release(this);
  }
}

/** How often clearing a topic is tried before it counts as impossible. */
const TRIES = 2;

/**
 * The topics on which our devices take commands, and the search for commands left there retained: the device would
 * carry them out again at each of its reconnects (seen with Zigbee2MQTT: 94 ms after a broker's restart).
 */
export class CommandTopics {
  readonly #log: Logger;
  readonly #claims = new Set<ClaimState>();
  /** Those whose filter can be looked up: a topic, or all below one (`a/b/#`). */
  readonly #byFilter = new Map<string, ClaimState | Set<ClaimState>>();
  /** Those whose filter has other wildcards. */
  readonly #others = new Set<ClaimState>();
  readonly #found = new Set<string>();
  readonly #stuck = new Set<string>();
  readonly #refused = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  claim(filter: string): Claim {
    const claim = new ClaimState(filter, this);
    this.#claims.add(claim);
    if (hasWildcard(filter.replace(/\/#$/, ''))) this.#others.add(claim);
    else {
      const before = this.#byFilter.get(filter);
      // Of most topics one device takes commands, and no set is made for it.
      if (before instanceof Set) before.add(claim);
      else this.#byFilter.set(filter, before === undefined ? claim : new Set([before, claim]));
    }
    return claim;
  }

  /** @internal */
  release(claim: ClaimState): void {
    this.#claims.delete(claim);
    this.#others.delete(claim);
    const others = this.#byFilter.get(claim.filter);
    if (others instanceof Set) others.delete(claim);
    if (others === claim || (others instanceof Set && others.size === 0)) this.#byFilter.delete(claim.filter);
  }

  /** Those that cover a topic, found without looking at all of them: a building has thousands. */
  *#covering(topic: string): Iterable<ClaimState> {
    yield* this.#of(topic);
    yield* this.#of(`${topic}/#`);
    for (let end = topic.lastIndexOf('/'); end >= 0; end = topic.lastIndexOf('/', end - 1)) {
      yield* this.#of(`${topic.slice(0, end)}/#`);
      if (end === 0) break;
    }
    for (const claim of this.#others) if (matches(claim.filter, topic)) yield claim;
  }

  #of(filter: string): Iterable<ClaimState> {
    const claims = this.#byFilter.get(filter) ?? [];
    return claims instanceof ClaimState ? [claims] : claims;
  }

  get unswept(): boolean {
    for (const { swept } of this.#claims) if (!swept) return true;
    return false;
  }

  /** A new connection: somebody may have left something meanwhile. */
  restart(): void {
    this.#found.clear();
    this.#stuck.clear();
    this.#refused.clear();
    for (const claim of this.#claims) claim.swept = false;
  }

  /** Takes note of a retained message. True when it lies on a topic of ours that is now to be swept. */
  heard(topic: string): boolean {
    if (this.#stuck.has(topic)) return false;
    let ours = false;
    for (const claim of this.#covering(topic)) {
      claim.swept = false;
      ours = true;
    }
    if (ours) this.#found.add(topic);
    return ours;
  }

  /**
   * Looks for retained commands on the topics not swept yet and clears them.
   * @param clear publishes an empty retained message and resolves when the broker has it
   * @param keep tells which filters somebody else listens to: they stay subscribed
   * @throws BrokerFailure when the connection was lost
   */
  async sweep(
    connection: BrokerConnection,
    clear: (topic: string) => Promise<void>,
    keep: (filter: string) => boolean,
  ): Promise<readonly RetainedCommand[]> {
    const claims = [...this.#claims].filter(({ swept }) => !swept);
    const filters = [...new Set(claims.map(({ filter }) => filter))];
    const tries = new Map<string, number>();
    for (;;) {
      await this.#look(connection, filters, keep);
      if (this.#found.size === 0) break;
      const found = [...this.#found];
      this.#found.clear();
      for (const topic of found) {
        const tried = tries.get(topic) ?? 0;
        tries.set(topic, tried + 1);
        if (tried < TRIES) await clear(topic);
        else this.#stuck.add(topic);
      }
    }
    for (const claim of claims) claim.swept = true;
    return [...tries.keys()].map((topic) => ({ topic, cleared: !this.#stuck.has(topic) }));
  }

  /**
   * Looks at every topic once more. No link goes down for it: only what is found makes its topic one to be swept.
   * @throws BrokerFailure when the connection was lost
   */
  async lookAgain(connection: BrokerConnection, keep: (filter: string) => boolean): Promise<void> {
    const filters = new Set([...this.#claims].map(({ filter }) => filter));
    const readable = [...filters].filter((filter) => !this.#refused.has(filter));
    if (readable.length > 0) await this.#look(connection, readable, keep);
  }

  /** The UNSUBACK comes after the retained messages the SUBSCRIBE brought. Where it does not, `heard` starts anew. */
  async #look(connection: BrokerConnection, filters: string[], keep: (filter: string) => boolean): Promise<void> {
    const codes = await connection.subscribe(filters, 0);
    const refused = filters.filter((_, index) => (codes[index] ?? 0) >= 0x80);
    for (const filter of refused) this.#refused.add(filter);
    if (refused.length > 0)
      this.#log.warn(
        { topics: refused },
        'The broker does not let the gateway look for retained commands on these topics. Allow its user to read them.',
      );
    const transient = filters.filter((filter) => !keep(filter));
    if (transient.length > 0) await connection.unsubscribe(transient);
  }
}
