import {
  type Clock,
  GatewayError,
  type MqttLink,
  type MqttMessage,
  sleep,
  type Unsubscribe,
} from '../contract/index.ts';
import { boundedJson } from '../driver-kit/index.ts';

/** How long Zigbee2MQTT may take to answer a request, in milliseconds. A guess; it answers within one. */
const ANSWER_MS = 10_000;

type Entry = Readonly<Record<string, unknown>>;
export const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What a message says; undefined for anything that is no JSON. */
export const jsonOf = ({ payload }: MqttMessage): unknown => boundedJson(payload);

/**
 * Zigbee2MQTT's own requests and answers (its documentation, "MQTT topics and messages", `bridge/request/…`): told apart
 * by their `transaction`.
 */
export class BridgeTalk {
  readonly #link: MqttLink;
  readonly #base: string;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, (answer: Entry) => void>();
  readonly #stop: Unsubscribe;
  #last = 0;
  readonly #own: string;

  /** @param own told apart from other programs' requests by it */
  constructor(link: MqttLink, base: string, clock: Clock, own: string) {
    this.#link = link;
    this.#base = base;
    this.#clock = clock;
    this.#own = own;
    this.#stop = link.subscribe(`${base}/bridge/response/#`, (message) => {
      const answer = jsonOf(message);
      if (message.retained || !isEntry(answer)) return;
      this.#waiting.get(String(answer.transaction))?.(answer);
    });
  }

  /** @throws GatewayError `device_rejected` with what the bridge said, `device_offline` when it said nothing */
  async ask(request: string, payload: Entry, signal: AbortSignal): Promise<void> {
    this.#last += 1;
    const transaction = `${this.#own}-${this.#last}`;
    const enough = new AbortController();
    const end = () => enough.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    const answered = new Promise<Entry>((resolve) => this.#waiting.set(transaction, resolve));
    try {
      const body = JSON.stringify({ ...payload, transaction });
      await this.#link.query(`${this.#base}/bridge/request/${request}`, body, enough.signal);
      const late = sleep(this.#clock, ANSWER_MS, enough.signal).then(() => undefined);
      late.catch(() => undefined);
      const answer = await Promise.race([answered, late]);
      if (answer === undefined)
        throw new GatewayError(
          'device_offline',
          `Zigbee2MQTT did not answer on ${this.#base}/bridge/response/${request}. Check that it runs, its base topic, and that the broker lets the gateway write there.`,
        );
      if (answer.status !== 'ok')
        throw new GatewayError(
          'device_rejected',
          `Zigbee2MQTT refused ${request}: ${textOf(answer.error) ?? 'it gave no reason'}.`,
        );
    } finally {
      this.#waiting.delete(transaction);
      signal.removeEventListener('abort', end);
      enough.abort();
    }
  }

  close(): void {
    this.#stop();
  }
}
