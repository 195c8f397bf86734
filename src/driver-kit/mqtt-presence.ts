import type { MqttLink, Unsubscribe } from '../contract/index.ts';

/** A topic on which somebody says whether a device can be reached. */
export interface PresenceTopic {
  readonly topic: string;
  /** Undefined for a message that says nothing of it. */
  readonly read: (payload: Buffer) => boolean | undefined;
}

/** Who is told, so that what was heard before and what is heard later are not joined up. */
export interface PresenceListener {
  gap(): void;
  reachable(): void;
}

/**
 * What is said of a device's presence. It is somebody's guess about the past: a command may go out all the same, and only
 * its silence bears the guess out.
 */
export class MqttPresence {
  readonly #mode: 'latest' | 'any' | 'all';
  readonly #topics: readonly string[];
  /** What each topic said last, the newest last. */
  readonly #said = new Map<string, boolean>();
  readonly #subscriptions: readonly Unsubscribe[];

  /**
   * @param mode `all`: one topic that says that it is away is enough. `any`: all have to. `latest`: the newest word.
   * @param book told of gaps: of going away, and of whoever comes, or starts anew, and says first what it remembers
   */
  constructor(
    link: MqttLink,
    topics: readonly PresenceTopic[],
    mode: 'latest' | 'any' | 'all',
    book: PresenceListener,
    onChange: () => void,
  ) {
    this.#mode = mode;
    this.#topics = topics.map(({ topic }) => topic);
    this.#subscriptions = [
      // What is retained is told anew with the next connection.
      link.onStateChange(({ status }) => status === 'down' && this.#said.clear()),
      ...topics.map(({ topic, read }) =>
        link.subscribe(topic, ({ payload, retained }) => {
          const isHere = read(payload);
          if (isHere === undefined) return;
          if (!isHere || (!retained && this.#said.get(topic) === true)) book.gap();
          if (isHere) book.reachable();
          this.#said.delete(topic);
          this.#said.set(topic, isHere);
          onChange();
        }),
      ),
    ];
  }

  get isAway(): boolean {
    const said = this.#topics.map((topic) => this.#said.get(topic));
    if (this.#mode === 'latest') return [...this.#said.values()].at(-1) === false;
    if (this.#mode === 'all') return said.includes(false);
    return said.length > 0 && said.every((isHere) => isHere === false);
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }
}
