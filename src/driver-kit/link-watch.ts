import type { Clock, Health, Link, MqttLink, OpenContext, Timer, Unsubscribe } from '../contract/index.ts';

export interface LinkWatchOptions {
  readonly link: Link;
  readonly clock: Clock;
  /** Told that what was heard before and what is heard later do not join up, and when the way is open again. */
  readonly book: { gap(): void; reachable(): void };
  /** What is there says so within this time, in milliseconds. */
  readonly patienceMs: number;
  onChange(): void;
}

/** Whether the way to a device is open, and whether it has been for so long that the device should have been heard. */
export class LinkWatch {
  readonly #options: LinkWatchOptions;
  readonly #unsubscribe: Unsubscribe;
  #patience: Timer | undefined;
  #isOverdue = false;

  constructor(options: LinkWatchOptions) {
    this.#options = options;
    this.#unsubscribe = options.link.onStateChange(() => this.#changed());
    if (options.link.state.status === 'up') this.#wait();
  }

  /** The way was open for all of the patience. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  close(): void {
    this.#unsubscribe();
    this.#patience?.cancel();
  }

  #changed(): void {
    const { link, book, onChange } = this.#options;
    this.#patience?.cancel();
    this.#isOverdue = false;
    if (link.state.status === 'up') {
      book.reachable();
      this.#wait();
    } else book.gap();
    onChange();
  }

  #wait(): void {
    const { clock, patienceMs, onChange } = this.#options;
    this.#patience = clock.setTimer(() => {
      this.#isOverdue = true;
      onChange();
    }, patienceMs);
  }
}

/** Tells the gateway a device's health, each time it is another one. */
export function healthTeller(ctx: Pick<OpenContext, 'report'>): (health: Health) => void {
  let last: string | undefined;
  return (health) => {
    const text = JSON.stringify(health);
    if (text === last) return;
    last = text;
    ctx.report({ kind: 'health', health });
  };
}

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
