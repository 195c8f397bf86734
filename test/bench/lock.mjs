// Locks behind Zigbee2MQTT that answer at once, in a process of their own. One message tells what a real bridge tells
// in two, 10 ms apart: where the bolt is, and that a remote command moved it.
import { answer, settings } from './helper.mjs';
import { connect } from './mqtt-client.mjs';

const { url, protocolVersion, bases, devices = 100 } = settings();
const client = await connect(url, protocolVersion);
/** @type {Map<string, 'LOCK' | 'UNLOCK'>} */
const bolts = new Map();
/** @param {string} topic @param {object} [operation] */
const tell = (topic, operation) => {
  const state = bolts.get(topic) ?? 'LOCK';
  const lock_state = state === 'LOCK' ? 'locked' : 'unlocked';
  client.publish(topic, JSON.stringify({ state, lock_state, battery: 87, linkquality: 120, ...operation }), { qos: 1 });
};
let deaf = false;
client.on('message', (topic, payload) => {
  if (deaf) return;
  const lock = topic.slice(0, -'/set'.length);
  // A command that changes nothing is not told apart from an earlier one: then it is asked where the bolt is.
  if (topic.endsWith('/get')) tell(lock);
  if (!topic.endsWith('/set')) return;
  const { state } = JSON.parse(payload.toString());
  bolts.set(lock, state);
  tell(lock, { action: state === 'LOCK' ? 'lock' : 'unlock', action_source_name: 'rf', action_user: 0 });
});
const listed = Array.from({ length: devices }, (_, index) => ({
  ieee_address: `0x${index.toString(16).padStart(16, '0')}`,
  friendly_name: `door-${index}`,
  supported: true,
  disabled: false,
}));
for (const base of bases) {
  await client.publishAsync(`${base}/bridge/devices`, JSON.stringify(listed), { qos: 1, retain: true });
  await client.publishAsync(`${base}/bridge/state`, '{"state":"online"}', { qos: 1, retain: true });
  await client.subscribeAsync([`${base}/+/set`, `${base}/+/get`], { qos: 1 });
}
answer({
  ready: () => true,
  hear: (/** @type {{ deaf: boolean }} */ wish) => {
    deaf = wish.deaf;
  },
});
