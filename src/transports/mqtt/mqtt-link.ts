import {
  type Clock,
  GatewayError,
  type LinkState,
  type MqttLink,
  type MqttMessage,
  type MqttSubscribeOptions,
  type OnLimit,
  type SendPermit,
  type Unsubscribe,
} from '../../contract/index.ts';
import { BoundedListener, HeldMessages, type ListenerHost, USUAL_PAYLOAD } from './bounded-listener.ts';
import type { BrokerConnection } from './broker-connection.ts';
import type { BrokerLoop } from './broker-loop.ts';
import { type CommandSender, type Outgoing, unavailable } from './command-sender.ts';
import type { Claim } from './command-topics.ts';
import { type BrokerIdentity, connectionClosed } from './failures.ts';
import type { Listening } from './subscription-registry.ts';
import { filterProblem } from './topic-filter.ts';

/** What links need of their transport: the same for all of them. */
export interface LinkHost {
  readonly place: BrokerIdentity;
  readonly loop: Pick<BrokerLoop, 'state' | 'connection'>;
  readonly sender: Pick<CommandSender, 'send'>;
  subscribe(listening: Listening): void;
  unsubscribe(listening: Listening): void;
  /** The filter as somebody listens to it already: of thousands that listen to the same one text is kept. */
  known(filter: string): string | undefined;
  readonly safely: ListenerHost['safely'];
  claim(filter: string): Claim;
  /** Told from now on of what a link's state depends on. */
  follow(link: DeviceLink): void;
  unfollow(link: DeviceLink): void;
  readonly clock: Clock;
  readonly onLimit: OnLimit;
  /** Why one of their filters is not listened to for now. */
  shunned(heard: Iterable<Listening>): (LinkState & { readonly status: 'down' }) | undefined;
}

/**
 * A device's link: the broker's state, and down for as long as a command topic of the device is not swept yet, or a
 * topic of the device cannot be listened to.
 */
export class DeviceLink implements MqttLink {
  readonly kind = 'mqtt';
  readonly #device: string;
  readonly #host: LinkHost;
  /**
   * Lists are replaced, never changed: short ones are smaller than sets, and a building has thousands. By `concat`, which
   * keeps no room for more.
   */
  #claims: readonly Claim[] = [];
  #heard: readonly BoundedListener[] = [];
  #listeners: readonly StateListener[] = [];
  readonly #held: HeldMessages;
  readonly #listenerHost: ListenerHost;
  #isFollowing = false;

  constructor(device: string, deviceId: string | undefined, host: LinkHost) {
    this.#device = device;
    this.#host = host;
    const { clock, onLimit, safely } = host;
    this.#held = new HeldMessages(clock);
    this.#listenerHost = { clock, held: this.#held, onLimit, deviceId, device, safely };
  }

  get state(): LinkState {
    const { state } = this.#host.loop;
    if (state.status === 'down') return state;
    const shunned = this.#host.shunned(this.#heard);
    if (shunned !== undefined) return shunned;
    for (const { swept, filter } of this.#claims) {
      if (swept) continue;
      const preparing: LinkState = {
        status: 'down',
        reason: 'preparing',
        hint: `The gateway is looking for commands left retained on ${filter}. This takes one moment.`,
      };
      // A claim while the link is up is no event. Who looks during it must hear when it is over.
      for (const listener of this.#listeners) listener.told = preparing;
      return preparing;
    }
    return state;
  }

  onStateChange(listener: (state: LinkState) => void): Unsubscribe {
    const entry: StateListener = { told: this.state, listener };
    this.#listeners = this.#listeners.concat(entry);
    this.#follow();
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== entry);
      this.#follow();
    };
  }

  subscribe(
    filter: string | readonly string[],
    listener: (message: MqttMessage) => void,
    { maxBytes = USUAL_PAYLOAD }: MqttSubscribeOptions = {},
  ): Unsubscribe {
    const filters = typeof filter === 'string' ? [filter] : filter;
    const added = filters.map((one) => {
      const known = this.#host.known(one);
      if (known === undefined) this.#check(one);
      return new BoundedListener(known ?? one, listener, this.#listenerHost, maxBytes);
    });
    this.#heard = this.#heard.concat(added);
    this.#follow();
    for (const bounded of added) this.#host.subscribe(bounded);
    return () => {
      this.#heard = this.#heard.filter((one) => !added.includes(one));
      for (const bounded of added) {
        bounded.close();
        this.#host.unsubscribe(bounded);
      }
      this.#follow();
    };
  }

  claimCommandTopic(filter: string): Unsubscribe {
    this.#check(filter);
    const claim = this.#host.claim(filter);
    this.#claims = this.#claims.concat(claim);
    return () => {
      this.#claims = this.#claims.filter((other) => other !== claim);
      claim.release();
    };
  }

  async query(topic: string, payload: string, signal: AbortSignal): Promise<void> {
    await this.#host.sender.send(this.#outgoing(topic, payload, signal, undefined));
  }

  command(permit: SendPermit, topic: string, payload: string, signal: AbortSignal): Promise<number> {
    return this.#host.sender.send(this.#outgoing(topic, payload, signal, permit));
  }

  #outgoing(topic: string, payload: string, signal: AbortSignal, permit: SendPermit | undefined): Outgoing {
    return { device: this.#device, topic, payload, signal, permit, connection: () => this.#toSend() };
  }

  /** For whatever is sent: an answer is expected from here on. */
  #toSend(): BrokerConnection {
    this.#held.expectAnswer();
    return this.#connection();
  }

  /** Nothing of a link stays with its broker once its device is closed. */
  #follow(): void {
    const isWanted = this.#heard.length > 0 || this.#listeners.length > 0;
    if (isWanted === this.#isFollowing) return;
    this.#isFollowing = isWanted;
    if (isWanted) this.#host.follow(this);
    else this.#host.unfollow(this);
  }

  /** The connection came or went. */
  connectionChanged(): void {
    // What was heard on a connection must not come after its end was told.
    this.#held.flush();
    this.tell();
  }

  /** Claims, or what is listened to, may have changed. */
  tell(): void {
    if (this.#listeners.length === 0) return;
    let now = this.state;
    for (const entry of this.#listeners) {
      // One that is told may have ended another.
      if (!this.#listeners.includes(entry) || sameState(now, entry.told)) continue;
      entry.told = now;
      entry.listener(now);
      now = this.state;
    }
  }

  #connection(): BrokerConnection {
    const { place, loop } = this.#host;
    const { state } = this;
    if (state.status === 'down') throw unavailable(this.#device, place, state);
    // Its end may be known before it is told.
    if (loop.connection?.open !== true) throw unavailable(this.#device, place, connectionClosed(place));
    return loop.connection;
  }

  #check(filter: string): void {
    const problem = filterProblem(filter);
    if (problem !== undefined)
      throw new GatewayError(
        'misconfigured',
        `${this.#device}: "${filter}" is no MQTT topic filter: ${problem}. Correct its settings.`,
      );
  }
}

interface StateListener {
  readonly listener: (state: LinkState) => void;
  /** What it was told last. */
  told: LinkState;
}

function sameState(a: LinkState, b: LinkState): boolean {
  if (a.status === 'up' || b.status === 'up') return a.status === b.status;
  return a.reason === b.reason && a.hint === b.hint;
}
