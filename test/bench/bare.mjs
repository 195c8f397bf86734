// Nothing but mqtt.js: a command out, the lock's state back.
import { answer, settings } from './helper.mjs';
import { connect } from './mqtt-client.mjs';

const { url, protocolVersion, base, devices } = settings();
const client = await connect(url, protocolVersion);
/** @type {Map<string, (() => void)[]>} */
const waiting = new Map();
client.on('message', (topic) => waiting.get(topic)?.shift()?.());
await client.subscribeAsync(`${base}/+`, { qos: 1 });

/** @param {string} topic */
const roundTrip = (topic) =>
  new Promise((resolve) => {
    const line = waiting.get(topic) ?? [];
    waiting.set(topic, line);
    line.push(() => resolve(undefined));
    client.publish(`${topic}/set`, '{"state":"UNLOCK"}', { qos: 1 });
  });

answer({
  ready: () => true,
  load: async (/** @type {{ clients: number, devices: number, ms: number }} */ load) => {
    const latencies = /** @type {number[]} */ ([]);
    const from = performance.now();
    let turn = 0;
    await Promise.all(
      Array.from({ length: load.clients }, async () => {
        while (performance.now() - from < load.ms) {
          const topic = `${base}/door-${turn++ % Math.min(load.devices, devices)}`;
          const start = performance.now();
          await roundTrip(topic);
          latencies.push(performance.now() - start);
        }
      }),
    );
    return { latencies, ms: performance.now() - from, failures: 0 };
  },
});
