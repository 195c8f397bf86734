import { connectAsync, type MqttClient } from 'mqtt';
import type { SimulatorMqtt } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { matches } from '../../../src/transports/mqtt/topic-filter.ts';

type Listener = Parameters<SimulatorMqtt['subscribe']>[1];

/**
 * A bridge's connection with a persistent session: while it is away the broker keeps what is sent to it, and it says to
 * nobody that it goes.
 */
export class SleepyPeer implements SimulatorMqtt {
  readonly #client: MqttClient;
  readonly #listeners = new Set<{ readonly filter: string; readonly listener: Listener }>();

  static async connect(url: string): Promise<SleepyPeer> {
    const session = { clientId: 'bridge', clean: false, reconnectPeriod: 0 } as const;
    return new SleepyPeer(
      await connectAsync(url, { ...session, protocolVersion: 5, properties: { sessionExpiryInterval: 600 } }),
    );
  }

  /** Use {@link SleepyPeer.connect}. */
  constructor(client: MqttClient) {
    this.#client = client;
    client.on('error', () => undefined);
    client.on('message', (topic, payload, { retain }) => {
      for (const { filter, listener } of [...this.#listeners])
        if (matches(filter, topic)) listener({ topic, payload, retained: retain });
    });
  }

  publish(topic: string, payload: string, options: { readonly retain?: boolean } = {}): void {
    this.#client.publish(topic, payload, { qos: 1, retain: options.retain ?? false });
  }

  subscribe(filter: string, listener: Listener): () => void {
    const entry = { filter, listener };
    this.#listeners.add(entry);
    this.#client.subscribe(filter, { qos: 1 });
    return () => this.#listeners.delete(entry);
  }

  /** The connection breaks; the session stays. */
  async leave(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#client.once('close', () => resolve()));
    this.#client.stream.destroy();
    await closed;
  }

  async comeBack(): Promise<void> {
    const connected = new Promise<void>((resolve) => void this.#client.once('connect', () => resolve()));
    this.#client.reconnect();
    await connected;
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
