import { isDeepStrictEqual } from 'node:util';
import type { Clock, MqttLink, MqttMessage, Unsubscribe } from '../../../src/contract/index.ts';
import { type BridgeComplaint, complaintAbout } from './bridge-complaint.ts';
import { type Bolt, parseOnline, parseState, type SlotStatus, type StateMessage } from './codec.ts';
import type { Topics } from './topics.ts';

/** A message of the device, with what sets it apart from the one before. */
export interface HeardMessage {
  readonly kind: 'message';
  readonly message: StateMessage;
  /** `Clock.now()` when it came; whoever takes it from an inbox may do so later. */
  readonly at: number;
  /** Lasting keys that are new or differ; undefined when there is nothing to compare with. */
  readonly changed: ReadonlySet<string> | undefined;
  /** The broker kept it: it tells of the past. */
  readonly retained: boolean;
  /** The event in it can be that of a command before the last one. */
  readonly ofEarlierCommand: boolean;
}

export type FeedEvent =
  | HeardMessage
  | ({ readonly kind: 'complaint' } & BridgeComplaint)
  /** The link broke or the bridge went: what was heard before and what is heard later do not join up. */
  | { readonly kind: 'gap' }
  /** Something about link, bridge or availability is known that was not. */
  | { readonly kind: 'presence' }
  /** Link, bridge and availability, as far as they are known, let the device be reached again. */
  | { readonly kind: 'reachable' };

export type Known = 'online' | 'offline' | 'unknown';

/** Where the way to the device is interrupted, as far as it is known. */
export type Interruption = 'link' | 'bridge' | 'device';

/** A change of the bolt that was heard. */
export interface BoltNews {
  readonly bolt: Bolt;
  /** `Clock.now()` */
  readonly at: number;
}

/** Keys of a device that are kept to be compared; a keypad with all its slots has some hundreds. A guess with room. */
const mostKept = 2_000;
const newsLastMs = 1_000;
/** An event that a lock owes for a command is no longer waited for after this. A guess at the sleepiest of locks. */
const eventOwedMs = 30_000;

interface OwedEvent {
  readonly operation: 'locked' | 'unlocked';
  /** `Clock.now()` when the command left. */
  readonly since: number;
}

/** Everything that MQTT tells of one device, in order. */
export class DeviceFeed {
  readonly #link: MqttLink;
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: FeedEvent) => void>();
  readonly #topics: Topics;
  readonly #subscriptions: Unsubscribe[];
  #commandTopic: Unsubscribe;
  readonly #kept = new Map<string, unknown>();
  #heardSomething = false;
  #bolt: Bolt | undefined;
  #news: BoltNews[] = [];
  #slots: ReadonlyMap<number, SlotStatus> = new Map();
  #owed: OwedEvent[] = [];
  #bridge: Known = 'unknown';
  #availability: Known = 'unknown';
  #reachable: boolean;

  constructor(link: MqttLink, topics: Topics, friendlyName: string, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
    this.#topics = topics;
    this.#reachable = link.state.status === 'up';
    this.#commandTopic = link.claimCommandTopic(topics.commands);
    this.#subscriptions = [
      link.onStateChange(({ status }) => this.#linkChanged(status)),
      link.subscribe(topics.bridgeState, (message) => this.#bridgeChanged(message)),
      link.subscribe(topics.availability, ({ payload }) => {
        this.#availability = parseOnline(payload) ?? this.#availability;
        this.#judge();
      }),
      link.subscribe(topics.device, (message) => this.#heard(message)),
      link.subscribe(topics.bridgeLogging, ({ payload, retained }) => {
        const complaint = retained ? undefined : complaintAbout(friendlyName, payload);
        if (complaint !== undefined) this.#tell({ kind: 'complaint', ...complaint });
      }),
    ];
  }

  /** Where the bridge last said the bolt is, since the last gap. */
  get bolt(): Bolt | undefined {
    return this.#bolt;
  }

  /** What the bridge last said of the code slots, read or remembered, since the last gap. */
  get slots(): ReadonlyMap<number, SlotStatus> {
    return this.#slots;
  }

  /** The changes of the last second, oldest first. */
  get news(): readonly BoltNews[] {
    return this.#news.filter(({ at }) => at > this.#clock.now() - newsLastMs);
  }

  get bridge(): Known {
    return this.#bridge;
  }

  get interruption(): Interruption | undefined {
    // Without a connection nothing is known of the bridge.
    if (this.#bridge === 'offline') return 'bridge';
    if (this.#link.state.status !== 'up') return 'link';
    return this.#availability === 'offline' ? 'device' : undefined;
  }

  /**
   * A door command left: the lock owes its event. MQTT has no correlation id, so events are matched with commands in
   * order.
   * @returns takes it back when the command did not arrive
   */
  commandLeft(operation: 'locked' | 'unlocked'): () => void {
    const owed: OwedEvent = { operation, since: this.#clock.now() };
    this.#owed.push(owed);
    return () => {
      this.#owed = this.#owed.filter((other) => other !== owed);
    };
  }

  listen(listener: (event: FeedEvent) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    this.#commandTopic();
    this.#listeners.clear();
  }

  #tell(event: FeedEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #linkChanged(status: 'up' | 'down'): void {
    if (status === 'down') {
      // Both are retained: the next connection tells them anew.
      this.#bridge = 'unknown';
      this.#availability = 'unknown';
      this.#gap();
    }
    this.#judge();
  }

  #bridgeChanged({ payload, retained }: MqttMessage): void {
    const before = this.#bridge;
    const now = parseOnline(payload) ?? before;
    // A bridge says that it is online when it starts. One that was away may have missed what the lock did, and
    // publishes a cache from before.
    const restarted = now === 'online' && before === 'online' && !retained;
    if (now === before && !restarted) return;
    this.#bridge = now;
    if (before !== 'unknown') this.#claimAnew();
    if (before !== 'unknown') this.#gap();
    this.#judge();
  }

  /**
   * Looks for commands left retained. A bridge that comes back carries them out again: so when it goes or comes, and
   * when a bolt moved that nobody here told to, which may have been by such a message.
   */
  #claimAnew(): void {
    const before = this.#commandTopic;
    this.#commandTopic = this.#link.claimCommandTopic(this.#topics.commands);
    before();
  }

  #gap(): void {
    this.#kept.clear();
    this.#heardSomething = false;
    this.#bolt = undefined;
    this.#news = [];
    this.#slots = new Map();
    this.#tell({ kind: 'gap' });
  }

  #judge(): void {
    this.#tell({ kind: 'presence' });
    const reachable = this.interruption === undefined;
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    if (reachable) this.#tell({ kind: 'reachable' });
  }

  #heard({ payload, retained }: MqttMessage): void {
    const message = parseState(payload);
    if (message === undefined) return;
    const at = this.#clock.now();
    const changed = this.#heardSomething ? new Set<string>() : undefined;
    for (const [key, value] of message.kept) {
      // Whoever makes up new keys for ever fills no memory, and tells of nothing.
      if (!this.#kept.has(key) && this.#kept.size >= mostKept) continue;
      if (!alike(this.#kept.get(key), value)) changed?.add(key);
      this.#kept.set(key, value);
    }
    if (this.#bolt !== undefined && message.bolt !== undefined && message.bolt !== this.#bolt)
      this.#news = [...this.news, { bolt: message.bolt, at }];
    this.#bolt = message.bolt ?? this.#bolt;
    if (message.slots.size > 0) this.#slots = new Map([...this.#slots, ...message.slots]);
    this.#heardSomething = true;
    const ofEarlierCommand = !retained && this.#settle(message);
    this.#tell({ kind: 'message', message, at, retained, changed, ofEarlierCommand });
  }

  #stillOwed(): OwedEvent[] {
    return this.#owed.filter(({ since }) => since > this.#clock.now() - eventOwedMs);
  }

  /** @returns whether the event may be owed for a command before the last */
  #settle({ event }: StateMessage): boolean {
    if (event?.kind !== 'operated' || event.method !== 'remote') return false;
    this.#owed = this.#stillOwed();
    const alike = this.#owed.filter(({ operation }) => operation === event.operation);
    if (alike.length === 0) this.#claimAnew();
    this.#owed = this.#owed.filter((owed) => owed !== alike[0]);
    return alike.length > 1;
  }
}

/** Most values are words and numbers, and most are as before. */
const alike = (a: unknown, b: unknown): boolean =>
  Object.is(a, b) || (typeof a === 'object' && isDeepStrictEqual(a, b));

/**
 * Whether a message can be the answer to a read of certain keys.
 *
 * - `fresh`: one of them differs from before, so it is no repetition from the cache.
 * - `same`: nothing differs. Most likely the answer; a report of something else that did not change looks alike.
 * - `other`: it tells of something else, and carries the keys along from the cache.
 */
export function answersRead(heard: HeardMessage, asked: (key: string) => boolean): 'fresh' | 'same' | 'other' {
  const { changed, message, retained } = heard;
  if (retained || message.event !== undefined) return 'other';
  if (changed === undefined) return 'same';
  if ([...changed].some(asked)) return 'fresh';
  return changed.size > 0 ? 'other' : 'same';
}
