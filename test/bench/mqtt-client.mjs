import { connectAsync } from 'mqtt';

/**
 * A client as it has to be for latencies to mean anything: with TCP_NODELAY.
 * @param {string} url @param {4 | 5} protocolVersion 4 is MQTT 3.1.1, all that the embedded broker speaks
 */
export async function connect(url, protocolVersion) {
  const client = await connectAsync(url, { protocolVersion, clean: true });
  /** @type {import('node:net').Socket} */ (client.stream).setNoDelay(true);
  return client;
}
