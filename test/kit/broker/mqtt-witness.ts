import { Socket } from 'node:net';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

export interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly retained: boolean;
  /** `performance.now()` at arrival. */
  readonly at: number;
}

/** An MQTT client that stands for a lock: it subscribes, and remembers what it was sent. */
export class MqttWitness {
  readonly client: MqttClient;
  readonly heard: Heard[] = [];
  readonly #waiting = new Set<() => void>();

  static async connect(url: string, filters: readonly string[], options: IClientOptions = {}): Promise<MqttWitness> {
    const client = connect(url, { reconnectPeriod: 100, ...options });
    // Before the connection stands: what a persistent session kept comes with the CONNACK.
    const witness = new MqttWitness(client);
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error) => client.end(true, () => reject(error));
      client.once('error', onError);
      client.once('connect', () => {
        client.off('error', onError);
        client.on('error', () => undefined);
        resolve();
      });
    });
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    if (filters.length > 0) await client.subscribeAsync([...filters], { qos: 1 });
    return witness;
  }

  /** @param client a client that is not connected yet; use {@link MqttWitness.connect} */
  constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload, packet) => {
      this.heard.push({ topic, payload: payload.toString(), retained: packet.retain, at: performance.now() });
      for (const check of [...this.#waiting]) check();
    });
  }

  get payloads(): readonly string[] {
    return this.heard.map(({ payload }) => payload);
  }

  /** Resolves when `count` messages were heard in all. */
  async heardAtLeast(count: number): Promise<void> {
    if (this.heard.length >= count) return;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (this.heard.length < count) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
  }

  async publish(topic: string, payload: string, options: { retain?: boolean } = {}): Promise<void> {
    await this.client.publishAsync(topic, payload, { qos: 1, ...options });
  }

  /** Resolves when everything sent to this client before has arrived: a message to itself came round. */
  async settled(): Promise<void> {
    const topic = `witness/${this.client.options.clientId}/${Math.random()}`;
    const came = new Promise<void>((resolve) => {
      const onMessage = (arrived: string) => {
        if (arrived !== topic) return;
        this.client.off('message', onMessage);
        resolve();
      };
      this.client.on('message', onMessage);
    });
    await this.client.subscribeAsync(topic, { qos: 1 });
    await this.client.publishAsync(topic, '', { qos: 1 });
    await came;
    const index = this.heard.findIndex((heard) => heard.topic === topic);
    if (index >= 0) this.heard.splice(index, 1);
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}
