// The floor: the least code that takes the request, makes an attempt, commands the lock over MQTT (QoS 1) and answers
// when the lock did. Nothing is durable, checked, timed, logged or remembered.
import Fastify from 'fastify';
import { v7 } from 'uuid';
import { answer, settings } from './helper.mjs';
import { connect } from './mqtt-client.mjs';

const { url, protocolVersion, base, devices, port } = settings();
const client = await connect(url, protocolVersion);
/** @type {Map<string, (() => void)[]>} */
const waiting = new Map(Array.from({ length: devices }, (_, index) => [`${base}/door-${index}`, []]));
client.on('message', (topic, payload) => {
  if (JSON.parse(payload.toString()).lock_state === 'unlocked') waiting.get(topic)?.shift()?.();
});
await client.subscribeAsync(`${base}/+`, { qos: 1 });

const app = Fastify();
app.post('/locks/unlock_door', async (request) => {
  const { device_id } = /** @type {{ device_id: string }} */ (request.body);
  const topic = `${base}/${device_id}`;
  await new Promise((resolve) => {
    waiting.get(topic)?.push(() => resolve(undefined));
    client.publish(`${topic}/set`, '{"state":"UNLOCK"}', { qos: 1 });
  });
  return {
    action_attempt: {
      action_attempt_id: v7(),
      action_type: 'UNLOCK_DOOR',
      status: 'success',
      result: { was_confirmed_by_device: true },
      error: null,
    },
    ok: true,
  };
});
await app.listen({ host: '127.0.0.1', port });
answer({});
