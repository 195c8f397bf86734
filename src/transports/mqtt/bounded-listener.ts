import type { Clock, MqttMessage, OnLimit, Timer } from '../../contract/index.ts';
import type { Listening } from './subscription-registry.ts';

/** Bytes. A device tells of itself in some hundred; a keypad with all its slots in some thousand. A guess with room. */
export const USUAL_PAYLOAD = 65_536;

/** How many messages are looked at at once, and per second for as long as they come. Guesses: a busy lock sends three. */
const BURST = 200;
const PER_SECOND = 20;
/** How long a message may wait for its turn, in milliseconds, while more come than are looked at. */
const HELD_MS = 100;
/** How long the answer to a command is waited for, in milliseconds: a door's deadline. */
const ANSWER_MS = 10_000;
/** How long a message may wait for its turn meanwhile, in milliseconds. A guess: less than a door takes. */
const ANSWER_HELD_MS = 20;
/** Lengths of which the newest may wait meanwhile. */
const MAX_LENGTHS = 16;
/** Topics of one subscription whose newest message may wait. */
const MAX_HELD = 1_000;

/** What the listeners of one device share: whether an answer is expected, and which of them hold messages back. */
export class HeldMessages {
  readonly #clock: Clock;
  /** Made when there is one. */
  #holding: Set<BoundedListener> | undefined;
  /** `Clock.now()` */
  #expectsUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isAnswerExpected(): boolean {
    return this.#expectsUntil !== Number.NEGATIVE_INFINITY && this.#clock.now() < this.#expectsUntil;
  }

  /** The listener holds messages back from now on, until it is flushed. */
  add(listener: BoundedListener): void {
    this.#holding ??= new Set();
    this.#holding.add(listener);
  }

  delete(listener: BoundedListener): void {
    this.#holding?.delete(listener);
  }

  /** Hands over what waits. */
  flush(): void {
    if (this.#holding !== undefined && this.#holding.size > 0)
      for (const listener of [...this.#holding]) listener.flush();
  }

  /**
   * A command leaves: what was heard before it must not count as heard after it. Its answer may be one of many messages, and
   * the newest of them need not be it: for a while the newest of each length is looked at, for those that a device sends
   * without end are alike.
   */
  expectAnswer(): void {
    this.flush();
    this.#expectsUntil = this.#clock.now() + ANSWER_MS;
  }
}

/** Whose listener it is: the same object for all listeners of a device. */
export interface ListenerHost {
  readonly clock: Clock;
  readonly held: HeldMessages;
  readonly onLimit: OnLimit;
  readonly deviceId: string | undefined;
  /** The device's name, for messages. */
  readonly device: string;
  /** Hands a message over that was held back; what the listener throws is logged. */
  readonly safely: (listener: (message: MqttMessage) => void, message: MqttMessage) => void;
}

/**
 * One subscription's listener, with a bound on the work that whoever publishes there can cause. While more comes than
 * is looked at, of each topic the newest message is, ten times a second, and fifty times while an answer is expected:
 * what a device was says nothing any more once it said what it is. What was passed over is counted, and told.
 */
export class BoundedListener implements Listening {
  readonly filter: string;
  hadOwn = false;
  hadBelow: Set<string> | undefined = undefined;
  readonly #host: ListenerHost;
  readonly #listener: (message: MqttMessage) => void;
  /** Bytes of payload; what is larger is not looked at. */
  readonly #maxBytes: number;
  /** Made when there is something to hold: a building has thousands of listeners that never have. */
  #waiting: HeldBack | undefined;
  #left = BURST;
  /** Undefined until there was something to count. */
  #countedAt: number | undefined;

  constructor(filter: string, listener: (message: MqttMessage) => void, host: ListenerHost, maxBytes: number) {
    this.filter = filter;
    this.#listener = listener;
    this.#host = host;
    this.#maxBytes = maxBytes;
  }

  get asPublished(): boolean {
    return false;
  }

  hear(message: MqttMessage): void {
    const { topic, payload } = message;
    const maxBytes = this.#maxBytes;
    if (payload.length > maxBytes) {
      const { onLimit, deviceId, device } = this.#host;
      onLimit({
        limit: 'message_size',
        source: topic,
        deviceId,
        message:
          `${device}: a message of ${payload.length} bytes on ${topic} was not read; ${maxBytes} are the most. ` +
          'Find out who publishes there.',
      });
      return;
    }
    if (this.#waiting === undefined && this.#takesOne()) {
      this.#listener(message);
      return;
    }
    const waiting = this.#waiting ?? this.#hold();
    const { messages } = waiting;
    const place = this.#placeOf(topic, payload.length, messages.size);
    const isNew = !messages.has(place);
    if (!isNew || messages.size >= MAX_HELD) {
      waiting.passedOver += 1;
      waiting.lastTopic = topic;
    }
    if (!isNew || messages.size < MAX_HELD) {
      // In the order in which they came.
      messages.delete(place);
      messages.set(place, message);
    }
  }

  /** Hands over what waits. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.close();
    const held = [...waiting.messages.values()];
    this.#refill();
    this.#left = Math.max(0, this.#left - held.length);
    this.#tell(waiting);
    for (const message of held) this.#host.safely(this.#listener, message);
  }

  close(): void {
    this.#waiting?.timer.cancel();
    this.#waiting = undefined;
    this.#host.held.delete(this);
  }

  #hold(): HeldBack {
    const { clock, held } = this.#host;
    held.add(this);
    const timer = clock.setTimer(() => this.flush(), held.isAnswerExpected ? ANSWER_HELD_MS : HELD_MS);
    this.#waiting = { messages: new Map(), timer, passedOver: 0, lastTopic: '' };
    return this.#waiting;
  }

  #placeOf(topic: string, length: number, places: number): string {
    return this.#host.held.isAnswerExpected && places < MAX_LENGTHS ? `${topic}\0${length}` : topic;
  }

  #tell({ passedOver: count, lastTopic }: HeldBack): void {
    if (count === 0) return;
    const { onLimit, deviceId, device } = this.#host;
    onLimit({
      limit: 'device_messages',
      source: lastTopic,
      deviceId,
      count,
      message:
        `${device}: more than ${PER_SECOND} messages a second come on ${lastTopic}; of those the newest are ` +
        'looked at, ten times a second, or fifty after a command. Find out why it sends so many.',
    });
  }

  #takesOne(): boolean {
    this.#refill();
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  #refill(): void {
    const now = this.#host.clock.now();
    this.#left = Math.min(BURST, this.#left + ((now - (this.#countedAt ?? now)) * PER_SECOND) / 1_000);
    this.#countedAt = now;
  }
}

/** What is held back of one subscription, until the timer. */
interface HeldBack {
  readonly messages: Map<string, MqttMessage>;
  readonly timer: Timer;
  passedOver: number;
  lastTopic: string;
}
