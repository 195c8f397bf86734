import {
  GatewayError,
  type LinkState,
  type MqttLink,
  type MqttMessage,
  type SendPermit,
  type Timer,
  type Unsubscribe,
} from '../contract/index.ts';
import type { MemoryClient, MemoryRouter, MemorySubscription } from './memory-mqtt-routing.ts';
import { topicMatches } from './topic-match.ts';
import { Wire } from './wire.ts';

/** What left through a link, whether it arrived or not. */
export interface SentMessage {
  /** `Clock.now()` when it was handed over. */
  readonly at: number;
  readonly kind: 'command' | 'query';
  readonly topic: string;
  readonly payload: string;
  /** The link learnt that nobody received it, and said so. */
  withdrawn: boolean;
}

interface Unacknowledged {
  resolve(): void;
  reject(error: GatewayError): void;
}

/** As in the transport: the broker has this long to acknowledge a command. */
const acknowledgeWithinMs = 1_000;
/** As in the transport: a connection that went silent is noticed by its keepalive. */
const keepaliveMs = 5_000;
/** As in the transport: how long a command may wait in the broker (message expiry, MQTT 5). */
const expiryMs = 5_000;
/** A guess at a quick reconnect after a reset. */
const reconnectMs = 100;

/** A driver's link to the in-memory broker, with the faults of a real one at a test's command. */
export class MemoryMqttLink implements MqttLink, MemoryClient {
  readonly kind = 'mqtt';
  readonly subscriptions = new Set<MemorySubscription>();
  /** Everything that left, in order. */
  readonly sent: SentMessage[] = [];
  /** Topics on which a command was found retained, and cleared. */
  readonly cleared: string[] = [];
  readonly #broker: MemoryRouter;
  readonly #out: Wire;
  readonly #in: Wire;
  readonly #stateListeners = new Set<(state: LinkState) => void>();
  readonly #unacknowledged = new Set<Unacknowledged>();
  readonly #claims = new Set<string>();
  readonly #leaving: (() => void)[] = [];
  #state: LinkState = { status: 'up' };
  /** What happens to what is sent; `undefined` while the way is free. */
  #hole: { readonly deliverAfterMs: number | undefined } | undefined;
  #cut = false;
  #acksToLose = 0;
  #reconnect: Timer | undefined;
  #keepalive: Timer | undefined;

  constructor(broker: MemoryRouter) {
    this.#broker = broker;
    this.#out = new Wire(broker.clock, () => broker.latency());
    this.#in = new Wire(broker.clock, () => broker.latency());
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Listeners that a closed driver must have taken away. */
  get listenerCount(): number {
    return this.subscriptions.size + this.#stateListeners.size + this.#claims.size;
  }

  onStateChange(listener: (state: LinkState) => void): Unsubscribe {
    this.#stateListeners.add(listener);
    return () => {
      this.#stateListeners.delete(listener);
    };
  }

  subscribe(filter: string | readonly string[], listener: (message: MqttMessage) => void): Unsubscribe {
    const filters = typeof filter === 'string' ? [filter] : filter;
    const added = filters.map((one): MemorySubscription => ({ filter: one, listener, active: false }));
    for (const subscription of added) {
      this.subscriptions.add(subscription);
      if (this.#state.status === 'up') this.#announce(subscription);
    }
    return () => {
      for (const subscription of added) this.subscriptions.delete(subscription);
    };
  }

  claimCommandTopic(filter: string): Unsubscribe {
    this.#claims.add(filter);
    if (this.#state.status === 'up') this.#clear(filter);
    return () => {
      this.#claims.delete(filter);
    };
  }

  async query(topic: string, payload: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#requireUp();
    this.#hand('query', topic, payload);
    this.#carry(() => this.#broker.route(topic, Buffer.from(payload)));
  }

  async command(permit: SendPermit, topic: string, payload: string, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    this.#requireUp();
    permit.spend();
    const sent = this.#hand('command', topic, payload);
    const expiresAt = this.#broker.clock.now() + expiryMs;
    return new Promise((resolve, reject) => {
      const done = () => {
        timer.cancel();
        this.#unacknowledged.delete(waiting);
      };
      const waiting: Unacknowledged = {
        resolve: () => {
          done();
          resolve(this.#broker.clock.now());
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      const timer = this.#broker.clock.setTimer(() => this.#reset('no_acknowledgement'), acknowledgeWithinMs);
      this.#unacknowledged.add(waiting);
      this.#carry(() => {
        const subscribed = this.#broker.route(
          topic,
          Buffer.from(payload),
          this.#broker.protocol === 5 ? { expiresAt } : {},
        );
        if (this.#acksToLose > 0) {
          this.#acksToLose -= 1;
          return;
        }
        this.#in.put(() => {
          if (subscribed || this.#broker.protocol === 4) {
            waiting.resolve();
            return;
          }
          permit.withdraw();
          sent.withdrawn = true;
          waiting.reject(
            new GatewayError('link_unavailable', `Nobody is subscribed to ${topic}.`, { delivery: 'not_sent' }),
          );
        });
      });
    });
  }

  deliver(subscription: MemorySubscription, message: MqttMessage): void {
    if (this.#state.status !== 'up' || this.#hole !== undefined) return;
    this.#in.put(() => {
      if (this.subscriptions.has(subscription)) subscription.listener(message);
    });
  }

  /** The connection breaks and stays broken until `restore`. What is on the way is lost, or still arrives. */
  cut(options: { readonly onTheWay?: 'lost' | 'arrives' } = {}): void {
    this.#cut = true;
    this.#reconnect?.cancel();
    if (options.onTheWay !== 'arrives') this.#out.cut();
    this.#close('cut');
  }

  /** The connection is there again: subscriptions are made anew, and retained messages come. */
  restore(): void {
    this.#cut = false;
    this.#hole = undefined;
    this.#keepalive?.cancel();
    this.#reconnect?.cancel();
    if (this.#state.status !== 'up') this.#open();
  }

  /**
   * The network swallows everything without closing the connection. What is sent never arrives, or arrives
   * `deliverAfterMs` later. The link notices by a missing acknowledgement or by its keepalive; `restore` heals it.
   */
  blackHole(options: { readonly deliverAfterMs?: number } = {}): void {
    this.#hole = { deliverAfterMs: options.deliverAfterMs };
    this.#in.cut();
    this.#keepalive?.cancel();
    this.#keepalive = this.#broker.clock.setTimer(() => this.#reset('keepalive'), keepaliveMs);
  }

  /** The next `count` commands arrive at the broker, and their acknowledgements get lost. */
  loseAcknowledgements(count = 1): void {
    this.#acksToLose = count;
  }

  /** Resolves when the next command was handed over, in the moment before it arrives. */
  commandLeaves(): Promise<void> {
    return new Promise((resolve) => this.#leaving.push(resolve));
  }

  /** Takes the link off the broker for good. */
  dispose(): void {
    this.cut();
    this.#keepalive?.cancel();
    this.#broker.remove(this);
  }

  #requireUp(): void {
    if (this.#state.status === 'up') return;
    throw new GatewayError('link_unavailable', 'The MQTT broker is not connected. Check that it runs.', {
      delivery: 'not_sent',
    });
  }

  #hand(kind: SentMessage['kind'], topic: string, payload: string): SentMessage {
    const sent = { at: this.#broker.clock.now(), kind, topic, payload, withdrawn: false };
    this.sent.push(sent);
    if (kind === 'command') for (const resolve of this.#leaving.splice(0)) resolve();
    return sent;
  }

  #carry(arrive: () => void): void {
    if (this.#hole === undefined) this.#out.put(arrive);
    else if (this.#hole.deliverAfterMs !== undefined) this.#broker.clock.setTimer(arrive, this.#hole.deliverAfterMs);
  }

  #announce(subscription: MemorySubscription): void {
    this.#carry(() => {
      if (this.subscriptions.has(subscription)) this.#broker.subscribed(this, subscription);
    });
  }

  #clear(filter: string): void {
    for (const topic of this.#broker.retainedTopics)
      if (topicMatches(filter, topic)) {
        this.cleared.push(topic);
        this.#broker.route(topic, Buffer.alloc(0), { retain: true });
      }
  }

  /** As the transport does when a command was not acknowledged: the socket is reset, then opened again. */
  #reset(reason: string): void {
    this.#out.cut();
    this.#close(reason);
    if (this.#cut || this.#hole !== undefined) return;
    this.#reconnect?.cancel();
    this.#reconnect = this.#broker.clock.setTimer(() => this.#open(), reconnectMs);
  }

  #close(reason: string): void {
    this.#in.cut();
    for (const subscription of this.subscriptions) subscription.active = false;
    for (const waiting of [...this.#unacknowledged])
      waiting.reject(
        new GatewayError('outcome_unknown', 'The MQTT broker did not acknowledge the command.', {
          delivery: 'maybe_sent',
        }),
      );
    this.#become({ status: 'down', reason, hint: 'Check that the MQTT broker runs and can be reached.' });
  }

  #open(): void {
    for (const filter of this.#claims) this.#clear(filter);
    this.#become({ status: 'up' });
    for (const subscription of this.subscriptions) this.#announce(subscription);
  }

  #become(state: LinkState): void {
    if (state.status === 'down' && this.#state.status === 'down') return;
    this.#state = state;
    for (const listener of [...this.#stateListeners]) listener(state);
  }
}
