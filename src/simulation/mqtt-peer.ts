import { Socket } from 'node:net';
import { connectAsync, type IClientOptions } from 'mqtt';
import type { MqttMessage, Unsubscribe } from '../contract/index.ts';
import { matches } from '../transports/mqtt/topic-filter.ts';

/** A simulated device's or bridge's own connection to a broker. */
export interface MqttPeer {
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): void;
  subscribe(filter: string, listener: (message: MqttMessage) => void): Unsubscribe;
  /** Calls back each time the connection was lost and is there again. */
  onReconnect(listener: () => void): void;
  close(): Promise<void>;
}

export interface MqttPeerOptions {
  readonly credentials?: Pick<IClientOptions, 'username' | 'password' | 'ca' | 'cert' | 'key'>;
  /** Published, retained, when the peer goes without saying so. */
  readonly will?: { readonly topic: string; readonly payload: string };
}

/**
 * Connects a simulated peer. It comes back by itself when the broker does.
 * @throws Error when nothing answers, or the broker refuses
 */
export async function connectMqttPeer(url: string, { credentials, will }: MqttPeerOptions = {}): Promise<MqttPeer> {
  const client = await connectAsync(url, {
    ...credentials,
    protocolVersion: 4,
    reconnectPeriod: 250,
    ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
  });
  const listeners = new Set<{ readonly filter: string; readonly listener: (message: MqttMessage) => void }>();
  // As the gateway does on its side: without it a round trip waits 40 ms for delayed acknowledgements.
  const noDelay = () => {
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
  };
  noDelay();
  client.on('connect', noDelay);
  client.on('error', () => undefined);
  client.on('message', (topic, payload, packet) => {
    for (const { filter, listener } of listeners) {
      if (matches(filter, topic)) listener({ topic, payload, retained: packet.retain });
    }
  });
  return {
    publish: (topic, payload, options = {}) => {
      client.publish(topic, payload, { qos: 1, retain: options.retain ?? false });
    },
    subscribe: (filter, listener) => {
      const entry = { filter, listener };
      listeners.add(entry);
      client.subscribe(filter, { qos: 1 });
      return () => listeners.delete(entry);
    },
    onReconnect: (listener) => {
      client.on('connect', listener);
    },
    // Not forced while connected: what was published last, that the peer is going, is still to arrive.
    close: () => client.endAsync(!client.connected),
  };
}
