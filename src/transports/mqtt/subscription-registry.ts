import type { Logger } from 'pino';
import type { MqttMessage } from '../../contract/index.ts';
import { hasWildcard, matches } from './topic-filter.ts';

/** One who listens to a filter. Kept as it is: a building has thousands, and nothing is made for each beside it. */
export interface Listening {
  readonly filter: string;
  /** Over MQTT 5 a message is `retained` when its sender wished so, also one that was just sent. */
  readonly asPublished: boolean;
  /** What it throws, the registry logs: one that throws disturbs nobody else. */
  hear(message: MqttMessage): void;
  /** The registry’s: whether the retained message of a topic that is the filter was handed over on this connection. */
  hadOwn: boolean;
  /** The registry’s: topics below a wildcard of which it was. */
  hadBelow: Set<string> | undefined;
}

export interface SubscriptionChanges {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
}

/**
 * Who listens to what, and what the broker was told of it. One SUBSCRIBE serves all listeners of a filter. A listener
 * that joins a filter makes it be subscribed again, because only a SUBSCRIBE brings retained messages; the others are
 * spared the repetition.
 */
export class SubscriptionRegistry {
  /** To most topics one alone listens, and no set is made for it. */
  readonly #entries = new Map<string, Listening | Set<Listening>>();
  readonly #wildcards = new Set<string>();
  readonly #told = new Set<string>();
  readonly #toTell = new Set<string>();
  /** Filters that are not listened to for now. */
  #shuns: (filter: string) => boolean = () => false;
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  add(listening: Listening): void {
    const { filter } = listening;
    const before = this.#entries.get(filter);
    if (before === undefined) this.#entries.set(filter, listening);
    else if (before instanceof Set) before.add(listening);
    else if (before !== listening) this.#entries.set(filter, new Set([before, listening]));
    if (hasWildcard(filter)) this.#wildcards.add(filter);
    this.#toTell.add(filter);
  }

  /** Leaves out filters on which there is more than can be read, from the next {@link takeChanges} on. */
  shunWhere(shuns: (filter: string) => boolean): void {
    this.#shuns = shuns;
  }

  /** A filter that was shunned is listened to again. */
  tellAgain(filter: string): void {
    if (this.#entries.has(filter)) this.#toTell.add(filter);
  }

  /** The text of a filter to which somebody listens. */
  known(filter: string): string | undefined {
    for (const entry of this.#of(filter)) return entry.filter;
    return undefined;
  }

  #of(filter: string): Iterable<Listening> {
    const entries = this.#entries.get(filter);
    if (entries === undefined) return [];
    return entries instanceof Set ? entries : [entries];
  }

  get filters(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** Whether whoever listens to it wants messages as they were published. */
  wantsAsPublished(filter: string): boolean {
    return [...this.#of(filter)].some(({ asPublished }) => asPublished);
  }

  has(filter: string): boolean {
    return this.#entries.has(filter);
  }

  /** A new connection, to which nothing was told yet. */
  restart(): void {
    this.#told.clear();
    this.#toTell.clear();
    for (const filter of this.#entries.keys()) {
      this.#toTell.add(filter);
      for (const entry of this.#of(filter)) {
        entry.hadOwn = false;
        entry.hadBelow = undefined;
      }
    }
  }

  /** What the broker is to be told now; afterwards it counts as told. */
  takeChanges(): SubscriptionChanges {
    const subscribe = [...this.#toTell].filter((filter) => !this.#shuns(filter));
    const unsubscribe = [...this.#told].filter((filter) => !this.#entries.has(filter) || this.#shuns(filter));
    for (const filter of subscribe) this.#told.add(filter);
    for (const filter of unsubscribe) this.#told.delete(filter);
    this.#toTell.clear();
    return { subscribe, unsubscribe };
  }

  deliver(message: MqttMessage): void {
    const { topic } = message;
    this.#handAll(topic, message);
    if (this.#wildcards.size === 0) return;
    for (const filter of [...this.#wildcards]) if (matches(filter, topic)) this.#handAll(filter, message);
  }

  /** To those who listen now, whoever comes or goes meanwhile; nearly always to one. */
  #handAll(filter: string, message: MqttMessage): void {
    const entries = this.#entries.get(filter);
    if (entries === undefined) return;
    if (entries instanceof Set) for (const entry of [...entries]) this.#hand(entry, message);
    else this.#hand(entries, message);
  }

  #hand(entry: Listening, message: MqttMessage): void {
    if (message.retained && !entry.asPublished && this.#had(entry, message.topic)) return;
    try {
      entry.hear(message);
    } catch (error) {
      this.#failed(error, message);
    }
  }

  /** Whether it has had it already; from now on it has. */
  #had(entry: Listening, topic: string): boolean {
    if (topic === entry.filter) {
      const had = entry.hadOwn;
      entry.hadOwn = true;
      return had;
    }
    entry.hadBelow ??= new Set();
    if (entry.hadBelow.has(topic)) return true;
    entry.hadBelow.add(topic);
    return false;
  }

  /** One that throws disturbs nobody else. */
  safely(listener: (message: MqttMessage) => void, message: MqttMessage): void {
    try {
      listener(message);
    } catch (error) {
      this.#failed(error, message);
    }
  }

  #failed(error: unknown, { topic }: MqttMessage): void {
    // The error's text may quote the payload (JSON.parse does), and a payload may hold a PIN.
    const where = error instanceof Error ? error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) : undefined;
    const name = error instanceof Error ? error.name : typeof error;
    this.#log.error({ error: name, where, topic }, 'A listener for MQTT messages failed');
  }

  remove(entry: Listening): void {
    const entries = this.#entries.get(entry.filter);
    if (entries instanceof Set) {
      entries.delete(entry);
      if (entries.size > 0) return;
    } else if (entries !== entry) return;
    this.#entries.delete(entry.filter);
    this.#wildcards.delete(entry.filter);
    this.#toTell.delete(entry.filter);
  }
}
