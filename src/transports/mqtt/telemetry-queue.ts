import type { Clock } from '../../contract/index.ts';

export interface TelemetryMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** `Clock.now()` after which nobody wants it any more. */
  readonly expiresAt: number | undefined;
  readonly contentType: string;
  readonly userProperties: Readonly<Record<string, string>>;
  /** On how many connections it was sent and not acknowledged. */
  readonly tries: number;
}

/** A message that so many connections did not survive is itself the reason, for example too large. A guess. */
const MOST_TRIES = 5;

/**
 * What waits to be told, in order. It is bounded: when it is full, the oldest QoS 0 message goes, and the oldest of all
 * when there is none.
 */
export class TelemetryQueue {
  readonly #limit: number;
  readonly #clock: Clock;
  #waiting: TelemetryMessage[] = [];
  #dropped = 0;

  constructor(limit: number, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** How many messages were given up so far, for the limit or after too many tries. Expired ones are not counted. */
  get dropped(): number {
    return this.#dropped;
  }

  push(message: TelemetryMessage): void {
    this.#waiting.push(message);
    this.#trim();
  }

  /** Puts back what was sent and not acknowledged, in front, in its order. */
  putBack(messages: readonly TelemetryMessage[]): void {
    const again = messages.filter(({ tries }) => tries + 1 < MOST_TRIES);
    this.#dropped += messages.length - again.length;
    this.#waiting = [...again.map((message) => ({ ...message, tries: message.tries + 1 })), ...this.#waiting];
    this.#trim();
  }

  /** Takes the next message that has not expired. */
  shift(): TelemetryMessage | undefined {
    for (;;) {
      const message = this.#waiting.shift();
      if (message?.expiresAt === undefined || message.expiresAt > this.#clock.now()) return message;
    }
  }

  #trim(): void {
    while (this.#waiting.length > this.#limit) {
      const oldest = this.#waiting.findIndex(({ qos }) => qos === 0);
      this.#waiting.splice(Math.max(0, oldest), 1);
      this.#dropped++;
    }
  }
}
