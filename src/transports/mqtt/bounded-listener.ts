import type { Clock, MqttMessage, OnLimit, Timer } from '../../contract/index.ts';

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
  readonly #holding = new Set<BoundedListener>();
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
    this.#holding.add(listener);
  }

  delete(listener: BoundedListener): void {
    this.#holding.delete(listener);
  }

  /** Hands over what waits. */
  flush(): void {
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

export interface ListenerOptions {
  readonly clock: Clock;
  readonly held: HeldMessages;
  readonly onLimit: OnLimit;
  readonly deviceId: string | undefined;
  /** The device's name, for messages. */
  readonly device: string;
  /** Bytes of payload; what is larger is not looked at. */
  readonly maxBytes: number;
}

/**
 * One subscription's listener, with a bound on the work that whoever publishes there can cause. While more comes than
 * is looked at, of each topic the newest message is, ten times a second, and fifty times while an answer is expected:
 * what a device was says nothing any more once it said what it is. What was passed over is counted, and told.
 */
export class BoundedListener {
  readonly #options: ListenerOptions;
  readonly #listener: (message: MqttMessage) => void;
  readonly #held = new Map<string, MqttMessage>();
  #left = BURST;
  #countedAt: number;
  #timer: Timer | undefined;
  #passedOver = 0;
  #lastTopic = '';

  constructor(listener: (message: MqttMessage) => void, options: ListenerOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#countedAt = options.clock.now();
  }

  hear(message: MqttMessage): void {
    const { topic, payload } = message;
    const { maxBytes, onLimit, deviceId, device } = this.#options;
    if (payload.length > maxBytes) {
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
    if (this.#timer === undefined && this.#takesOne()) {
      this.#listener(message);
      return;
    }
    const place = this.#placeOf(topic, payload.length);
    const isNew = !this.#held.has(place);
    if (!isNew || this.#held.size >= MAX_HELD) {
      this.#passedOver += 1;
      this.#lastTopic = topic;
    }
    if (!isNew || this.#held.size < MAX_HELD) {
      // In the order in which they came.
      this.#held.delete(place);
      this.#held.set(place, message);
    }
    if (this.#timer !== undefined) return;
    const { clock, held } = this.#options;
    held.add(this);
    this.#timer = clock.setTimer(() => this.flush(), held.isAnswerExpected ? ANSWER_HELD_MS : HELD_MS);
  }

  /** Hands over what waits. */
  flush(): void {
    if (this.#timer === undefined) return;
    this.#stopHolding();
    const held = [...this.#held.values()];
    this.#held.clear();
    this.#refill();
    this.#left = Math.max(0, this.#left - held.length);
    this.#tell();
    for (const message of held) this.#listener(message);
  }

  close(): void {
    this.#stopHolding();
    this.#held.clear();
  }

  #stopHolding(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#options.held.delete(this);
  }

  #placeOf(topic: string, length: number): string {
    return this.#options.held.isAnswerExpected && this.#held.size < MAX_LENGTHS ? `${topic}\0${length}` : topic;
  }

  #tell(): void {
    if (this.#passedOver === 0) return;
    const { onLimit, deviceId, device } = this.#options;
    const count = this.#passedOver;
    this.#passedOver = 0;
    onLimit({
      limit: 'device_messages',
      source: this.#lastTopic,
      deviceId,
      count,
      message:
        `${device}: more than ${PER_SECOND} messages a second come on ${this.#lastTopic}; of those the newest are ` +
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
    const now = this.#options.clock.now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#countedAt) * PER_SECOND) / 1_000);
    this.#countedAt = now;
  }
}
