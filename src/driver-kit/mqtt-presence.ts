import type { Clock, MqttLink, Unsubscribe } from '../contract/index.ts';

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

/** A device that says regularly that it is there is as regular as this. A guess. */
const BEAT_TOLERANCE = 0.2;

interface Beat {
  /** `Clock.now()` */
  readonly at: number;
  /** Milliseconds since the one before. */
  readonly everyMs: number | undefined;
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
  readonly #beats = new Map<string, Beat>();
  readonly #clock: Clock;
  readonly #subscriptions: readonly Unsubscribe[];

  /**
   * @param mode `all`: one topic that says that it is away is enough. `any`: all have to. `latest`: the newest word.
   * @param around.book told of gaps: of going away, and of whoever comes, or starts anew, and says first what it
   * remembers; not of whoever merely says again and again that he is there
   */
  constructor(
    { link, clock, book }: { readonly link: MqttLink; readonly clock: Clock; readonly book: PresenceListener },
    topics: readonly PresenceTopic[],
    mode: 'latest' | 'any' | 'all',
    onChange: () => void,
  ) {
    this.#clock = clock;
    this.#mode = mode;
    this.#topics = topics.map(({ topic }) => topic);
    this.#subscriptions = [
      // What is retained is told anew with the next connection.
      link.onStateChange(({ status }) => {
        if (status === 'up') return;
        this.#said.clear();
        this.#beats.clear();
      }),
      ...topics.map(({ topic, read }) =>
        link.subscribe(topic, ({ payload, retained }) => {
          const isHere = read(payload);
          if (isHere === undefined) return;
          const isBeat = isHere && !retained && this.#isBeat(topic);
          if (!isHere || (!retained && !isBeat && this.#said.get(topic) === true)) book.gap();
          if (!isHere) this.#beats.delete(topic);
          else if (!isBeat) book.reachable();
          this.#said.delete(topic);
          this.#said.set(topic, isHere);
          onChange();
        }),
      ),
    ];
  }

  /** It says so as often as it did before: it is still there. One that starts anew says so at its own moment. */
  #isBeat(topic: string): boolean {
    const before = this.#beats.get(topic);
    const at = this.#clock.now();
    const everyMs = before && at - before.at;
    this.#beats.set(topic, { at, everyMs });
    if (before?.everyMs === undefined || everyMs === undefined) return false;
    return Math.abs(everyMs - before.everyMs) <= before.everyMs * BEAT_TOLERANCE;
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
