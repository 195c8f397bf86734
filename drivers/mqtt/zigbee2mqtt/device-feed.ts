import { isDeepStrictEqual } from 'node:util';
import type { Clock, MqttLink, MqttMessage, Unsubscribe } from '../../../src/contract/index.ts';
import { type BridgeComplaint, complaintAbout } from './bridge-complaint.ts';
import { type Bolt, isRead, type LockEvent, parseOnline, parseState, type StateMessage, slotKey } from './codec.ts';
import type { DeviceBinding } from './device-binding.ts';
import type { OwnTraffic } from './own-traffic.ts';
import { type SlotStatus, ToldSlots } from './slot-status.ts';

/** Where a device and its bridge speak and listen. */
interface Topics {
  readonly device: string;
  readonly set: string;
  readonly get: string;
  readonly availability: string;
}

function topicsOf(baseTopic: string, friendlyName: string): Topics {
  const device = `${baseTopic}/${friendlyName}`;
  return { device, set: `${device}/set`, get: `${device}/get`, availability: `${device}/availability` };
}

/** Everything that commands the device under one of its names, also one attribute at a time (`…/set/state`). */
const commandsOf = (baseTopic: string, alias: string): string => `${baseTopic}/${alias}/set/#`;

/** A message of the device, with what sets it apart from the one before. */
export interface HeardMessage {
  readonly kind: 'message';
  readonly message: StateMessage;
  /** As in the message; `unknown` also where a lock that tells its `lock_state` left it out beside `state`. */
  readonly bolt: Bolt | 'unknown' | undefined;
  /** `Clock.now()` when it came; whoever takes it from an mailbox may do so later. */
  readonly at: number;
  /** Lasting keys that are new or differ; undefined when there is nothing to compare with. */
  readonly changed: ReadonlySet<string> | undefined;
  /** The slots among them. */
  readonly changedSlots: ReadonlySet<number>;
  /** The broker kept it: it tells of the past. */
  readonly retained: boolean;
  /** It tells of an operation over the air, and none but our last command can be meant. */
  readonly isOfLastCommand: boolean;
  /** The device spoke: the message is not one that the broker kept, or the bridge made up from what it remembers. */
  readonly isOwnWord: boolean;
  /** What the bridge itself may say after a command of ours: where the bolt should be now. */
  readonly isEcho: boolean;
  /** It tells of an operation, or of something else than the message before did. */
  readonly isNews: boolean;
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
export type Interruption = 'link' | 'bridge';

/** Keys of a device that are kept to be compared; a keypad with all its slots has some hundreds. A guess with room. */
const mostKept = 2_000;

const noSlots: ReadonlySet<number> = new Set();
const nothingTold: ReadonlyMap<number, SlotStatus> = new Map();

/** Everything that MQTT tells of one device, in order. */
export class DeviceFeed {
  readonly #link: MqttLink;
  readonly #clock: Clock;
  /** Replaced, never changed. */
  #listeners: readonly ((event: FeedEvent) => void)[] = [];
  readonly #baseTopic: string;
  readonly #binding: DeviceBinding;
  readonly #own: OwnTraffic;
  readonly #subscriptions: Unsubscribe[];
  #topics: Topics;
  /** Undefined while the name is not the device's. */
  #ownSubscriptions: Unsubscribe | undefined;
  readonly #commandTopics = new Map<string, Unsubscribe>();
  /** The names for which they were claimed. */
  #claimed: readonly string[] | undefined;
  /** Made when something is heard. */
  #kept: Map<string, unknown> | undefined;
  #heardSomething = false;
  /** The lock has told its `lock_state`: where it is missing from now on, the lock does not know. */
  #tellsLockState = false;
  /** The lock has only `state`: one with a `lock_state` tells it beside LOCK. */
  #hasOnlyState = false;
  #lastSeen: string | number | undefined;
  #linkQuality: number | undefined;
  /** The bridge publishes what it remembers when it starts, and when it renames a device. */
  #remembers = false;
  /** Made when one is told. */
  #slots: Map<number, SlotStatus> | undefined;
  readonly #toldSlots = new ToldSlots();
  /** Of the message before. */
  #slotsBefore: ReadonlyMap<number, SlotStatus> | undefined;
  #bridge: Known = 'unknown';
  #availability: Known = 'unknown';
  #reachable: boolean;

  constructor(link: MqttLink, baseTopic: string, binding: DeviceBinding, own: OwnTraffic, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
    this.#baseTopic = baseTopic;
    this.#binding = binding;
    this.#own = own;
    this.#topics = topicsOf(baseTopic, binding.name);
    this.#reachable = link.state.status === 'up';
    this.#subscriptions = [
      link.onStateChange(({ status }) => this.#linkChanged(status)),
      link.subscribe([`${baseTopic}/bridge/state`, `${baseTopic}/bridge/logging`], (message) => {
        if (message.topic.endsWith('/state')) this.#bridgeChanged(message);
        else this.#bridgeLogged(message);
      }),
      binding.onChange(() => this.#follow()),
    ];
    this.#follow();
  }

  /** Where the device speaks and listens now. */
  get topics(): Topics {
    return this.#topics;
  }

  get availability(): Known {
    return this.#availability;
  }

  /** What the bridge last said of the code slots, read or remembered, since the last gap. */
  get slots(): ReadonlyMap<number, SlotStatus> {
    return this.#slots ?? nothingTold;
  }

  get bridge(): Known {
    return this.#bridge;
  }

  get interruption(): Interruption | undefined {
    // Without a connection nothing is known of the bridge.
    if (this.#bridge === 'offline') return 'bridge';
    return this.#link.state.status === 'up' ? undefined : 'link';
  }

  listen(listener: (event: FeedEvent) => void): Unsubscribe {
    this.#listeners = this.#listeners.concat(listener);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    this.#ownSubscriptions?.();
    for (const release of this.#commandTopics.values()) release();
    this.#listeners = [];
  }

  /** Listens where the device speaks, and claims every topic that commands it. */
  #follow(): void {
    const { name, problem, aliases } = this.#binding;
    const isOurs = problem === undefined || problem.kind === 'no_json';
    const topics = topicsOf(this.#baseTopic, name);
    const moved = topics.device !== this.#topics.device;
    if (this.#ownSubscriptions !== undefined && (moved || !isOurs)) {
      this.#ownSubscriptions();
      this.#ownSubscriptions = undefined;
      this.#availability = 'unknown';
      this.#remembers = true;
      this.#gap();
    }
    this.#topics = topics;
    if (isOurs)
      this.#ownSubscriptions ??= this.#link.subscribe([topics.availability, topics.device], (message) => {
        // The name may hold what the topic of another one's availability ends with: it is told by the whole topic.
        if (message.topic === topics.device) this.#heard(message);
        else this.#availabilityChanged(message);
      });
    if (aliases !== this.#claimed) {
      this.#claimed = aliases;
      this.#claim(aliases.map((alias) => commandsOf(this.#baseTopic, alias)));
    }
    this.#judge();
  }

  #availabilityChanged({ payload }: MqttMessage): void {
    const before = this.#availability;
    this.#availability = parseOnline(payload) ?? before;
    this.#judge();
    if (before === 'offline' && this.#availability === 'online') this.#tell({ kind: 'reachable' });
  }

  #claim(filters: readonly string[]): void {
    for (const [filter, release] of this.#commandTopics) {
      if (filters.includes(filter)) continue;
      release();
      this.#commandTopics.delete(filter);
    }
    for (const filter of filters)
      if (!this.#commandTopics.has(filter)) this.#commandTopics.set(filter, this.#link.claimCommandTopic(filter));
  }

  #tell(event: FeedEvent): void {
    for (const listener of this.#listeners) listener(event);
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
    if (!retained) this.#remembers = true;
    if (before !== 'unknown') {
      this.#claimAnew();
      this.#gap();
    }
    this.#judge();
  }

  #bridgeLogged({ payload, retained }: MqttMessage): void {
    const complaint = retained ? undefined : complaintAbout(this.#binding.name, payload);
    if (complaint === undefined) return;
    if (complaint.reason === 'unknown_device') this.#binding.refuted();
    this.#tell({ kind: 'complaint', ...complaint });
  }

  /**
   * Looks for commands left retained. A bridge that comes back carries them out again: so when it goes or comes, and
   * when a bolt moved that nobody here told to, which may have been by such a message.
   */
  #claimAnew(): void {
    for (const [filter, before] of this.#commandTopics) {
      this.#commandTopics.set(filter, this.#link.claimCommandTopic(filter));
      before();
    }
  }

  #gap(): void {
    this.#kept = undefined;
    this.#heardSomething = false;
    this.#slots = undefined;
    this.#slotsBefore = undefined;
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
    const message = parseState(payload, this.#toldSlots);
    if (message === undefined) {
      // An empty message clears what the bridge retained: it does so when the device is renamed or removed.
      if (payload.length === 0 && !retained && this.#binding.isUnchecked) this.#tell({ kind: 'reachable' });
      return;
    }
    const { ieeeAddress } = this.#binding;
    if (message.ieeeAddress !== undefined && ieeeAddress !== undefined && message.ieeeAddress !== ieeeAddress) return;
    this.#binding.heard();
    const at = this.#clock.now();
    const bolt = this.#boltIn(message);
    const changedSlots = this.#takeSlots(message);
    const changed = this.#compare(message, changedSlots);
    const isOwnWord = !retained && this.#isOwnWord(message, changed);
    const isEcho = !retained && message.isBare && this.#isEcho(bolt, changed);
    const isOfLastCommand = !retained && message.event !== undefined && this.#isOfLastCommand(message.event);
    const isNews = message.event !== undefined || (changed !== undefined && changed.size > 0);
    this.#tell({
      kind: 'message',
      message,
      bolt,
      at,
      retained,
      changed,
      changedSlots,
      isOfLastCommand,
      isOwnWord,
      isEcho,
      isNews,
    });
  }

  /**
   * A lock that does not know where its bolt is makes the bridge leave `lock_state` out, and say UNLOCK all the same. So
   * UNLOCK alone counts only of a lock that is known to have no `lock_state`.
   */
  #boltIn({ bolt, isBare }: StateMessage): Bolt | 'unknown' | undefined {
    if (bolt === undefined) return undefined;
    if (!isBare) {
      this.#tellsLockState = true;
      return bolt;
    }
    if (this.#tellsLockState) return 'unknown';
    const { properties } = this.#binding.listed ?? {};
    const isListedWithout = properties?.has('state') === true && !properties.has('lock_state');
    this.#hasOnlyState ||= bolt === 'locked' || isListedWithout;
    return this.#hasOnlyState ? bolt : 'unknown';
  }

  /**
   * The bridge may publish after a command what should be, before the lock said anything (its option `optimistic`, on
   * unless it is switched off): `state`, and never `lock_state`.
   */
  #isEcho(bolt: HeardMessage['bolt'], changed: HeardMessage['changed']): boolean {
    if (this.#binding.isOptimistic === false || changed?.has('state') === false) return false;
    return (bolt === 'locked' || bolt === 'unlocked') && this.#own.takeEcho(bolt);
  }

  /** @returns the slots that are new or differ; none when there is nothing to compare with */
  #takeSlots({ slots }: StateMessage): ReadonlySet<number> {
    if (slots === this.#slotsBefore) return noSlots;
    const changed = new Set<number>();
    this.#slotsBefore = slots;
    if (slots.size > 0) this.#slots ??= new Map();
    for (const [slot, status] of slots) {
      if (this.#heardSomething && this.#slots?.get(slot) !== status) changed.add(slot);
      this.#slots?.set(slot, status);
    }
    return changed;
  }

  /** @returns the lasting keys that are new, differ or are gone; undefined when there is nothing to compare with */
  #compare({ kept, isBare, bolt }: StateMessage, changedSlots: ReadonlySet<number>): ReadonlySet<string> | undefined {
    const changed = this.#heardSomething ? new Set<string>() : undefined;
    this.#heardSomething = true;
    for (const slot of changedSlots) changed?.add(slotKey(slot));
    this.#kept ??= new Map();
    for (const [key, value] of kept) {
      // Whoever makes up new keys for ever fills no memory, and tells of nothing.
      if (!this.#kept.has(key) && this.#kept.size >= mostKept && !isRead(key)) continue;
      const before = this.#kept.get(key);
      // Most values are words and numbers, and most are as before.
      if (before === value && value !== undefined) continue;
      if (typeof value !== 'object' || !isDeepStrictEqual(before, value)) changed?.add(key);
      this.#kept.set(key, value);
    }
    if (isBare && bolt !== undefined && this.#kept.delete('lock_state')) changed?.add('lock_state');
    return changed;
  }

  #isOwnWord(message: StateMessage, changed: ReadonlySet<string> | undefined): boolean {
    const { event, lastSeen, linkQuality } = message;
    const seenBefore = this.#lastSeen;
    const qualityBefore = this.#linkQuality;
    const remembers = this.#remembers;
    this.#lastSeen = lastSeen;
    this.#linkQuality = linkQuality;
    this.#remembers = false;
    if (event !== undefined) return true;
    if (lastSeen !== undefined && seenBefore !== undefined) return lastSeen !== seenBefore;
    if (remembers) return false;
    return changed === undefined || changed.size > 0 || linkQuality !== qualityBefore;
  }

  /** @returns whether only our last command can have caused what the message tells */
  #isOfLastCommand(event: LockEvent): boolean {
    if (event.kind !== 'operated' || event.method !== 'remote') return false;
    if (event.operation !== 'locked' && event.operation !== 'unlocked') return false;
    const whose = this.#own.whoseOperation(event.operation);
    if (whose === 'nobody') this.#claimAnew();
    return whose === 'last';
  }
}
