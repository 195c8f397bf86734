import { Socket } from 'node:net';
import { connectAsync } from 'mqtt';
import type { MqttMessage, Unsubscribe } from '../contract/index.ts';
import { matches } from '../transports/mqtt/topic-filter.ts';

/** A simulated device's or bridge's own connection to a broker. */
export interface MqttPeer {
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): void;
  subscribe(filter: string, listener: (message: MqttMessage) => void): Unsubscribe;
  close(): Promise<void>;
}

/** Connects a simulated peer. It comes back by itself when the broker does. */
export async function connectMqttPeer(url: string): Promise<MqttPeer> {
  const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 250 });
  const listeners = new Set<{ readonly filter: string; readonly listener: (message: MqttMessage) => void }>();
  // As the gateway does on its side: without it a round trip waits 40 ms for delayed acknowledgements.
  const noDelay = () => {
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
  };
  noDelay();
  client.on('connect', noDelay);
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
    close: () => client.endAsync(true),
  };
}
