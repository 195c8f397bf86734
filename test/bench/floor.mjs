// The floor: the least code that takes the request, makes an attempt, commands the lock over MQTT (QoS 1) and answers
// when the lock did. Nothing is durable, checked, timed, logged or remembered.
import Fastify from 'fastify';
import { v7 } from 'uuid';
import { answer, settings } from './helper.mjs';
import { connect } from './mqtt-client.mjs';

const { url, protocolVersion, base, devices, port } = settings();
const client = await connect(url, protocolVersion);
/** @type {Map<string, { bolt: string, done: () => void }[]>} */
const waiting = new Map(Array.from({ length: devices }, (_, index) => [`${base}/door-${index}`, []]));
client.on('message', (topic, payload) => {
  const { lock_state } = JSON.parse(payload.toString());
  const line = waiting.get(topic);
  if (line?.[0]?.bolt === lock_state) line?.shift()?.done();
});
await client.subscribeAsync(`${base}/+`, { qos: 1 });

const app = Fastify();
for (const [word, bolt] of [
  ['lock', 'locked'],
  ['unlock', 'unlocked'],
])
  app.post(`/locks/${word}_door`, async (request) => {
    const { device_id } = /** @type {{ device_id: string }} */ (request.body);
    const topic = `${base}/${device_id}`;
    await new Promise((resolve) => {
      waiting.get(topic)?.push({ bolt: bolt ?? '', done: () => resolve(undefined) });
      client.publish(`${topic}/set`, JSON.stringify({ state: word?.toUpperCase() }), { qos: 1 });
    });
    return {
      action_attempt: {
        action_attempt_id: v7(),
        action_type: `${word?.toUpperCase()}_DOOR`,
        status: 'success',
        result: { was_confirmed_by_device: true },
        error: null,
      },
      ok: true,
    };
  });
await app.listen({ host: '127.0.0.1', port });
answer({});
