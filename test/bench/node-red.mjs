// Node-RED, with the flow that somebody would wire up for it: HTTP in, a message to the lock, the lock's state, HTTP out.
// At QoS 0, which is its usual, and in its own process as `node-red` starts it. Nothing it does is durable.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { answer, settings } from './helper.mjs';

const { folder, library, webServer, userDir, url, protocolVersion, base, port } = settings();
const require = createRequire(`${folder}/package.json`);
const express = require(webServer);
const RED = require(library);
const { hostname, port: brokerPort } = new URL(url);

const ask = `
const unlocks = msg.req.path === '/locks/unlock_door';
const topic = '${base}/' + msg.payload.device_id;
const waiting = flow.get('waiting') ?? new Map();
flow.set('waiting', waiting);
const line = waiting.get(topic) ?? [];
waiting.set(topic, line);
line.push({ bolt: unlocks ? 'unlocked' : 'locked', msg });
return { topic: topic + '/set', payload: { state: unlocks ? 'UNLOCK' : 'LOCK' } };`;
const tell = `
const line = flow.get('waiting')?.get(msg.topic);
if (line?.[0]?.bolt !== msg.payload.lock_state) return null;
const { bolt, msg: asked } = line.shift();
asked.payload = {
  action_attempt: {
    action_attempt_id: asked._msgid,
    action_type: bolt === 'locked' ? 'LOCK_DOOR' : 'UNLOCK_DOOR',
    status: 'success',
    result: { was_confirmed_by_device: true },
    error: null,
  },
  ok: true,
};
return asked;`;
/** @param {string} id @param {string} type @param {string[]} next @param {object} more */
const node = (id, type, next, more) => ({ id, type, z: 'flow', x: 0, y: 0, wires: [next], ...more });
const flows = [
  { id: 'flow', type: 'tab', label: 'doors' },
  {
    id: 'broker',
    type: 'mqtt-broker',
    broker: hostname,
    port: brokerPort,
    protocolVersion: String(protocolVersion),
    keepalive: '60',
    cleansession: true,
    autoConnect: true,
  },
  ...['lock', 'unlock'].map((word) => node(word, 'http in', ['ask'], { url: `/locks/${word}_door`, method: 'post' })),
  node('ask', 'function', ['set'], { func: ask, outputs: 1 }),
  node('set', 'mqtt out', [], { broker: 'broker', qos: '0', retain: 'false' }),
  node('state', 'mqtt in', ['tell'], { broker: 'broker', topic: `${base}/+`, qos: '0', datatype: 'json' }),
  node('tell', 'function', ['reply'], { func: tell, outputs: 1 }),
  node('reply', 'http response', [], { statusCode: '200' }),
];

writeFileSync(`${userDir}/flows.json`, JSON.stringify(flows));
const app = express();
const server = createServer(app);
RED.init(server, {
  userDir,
  flowFile: 'flows.json',
  credentialSecret: false,
  httpAdminRoot: false,
  httpNodeRoot: '/',
  logging: { console: { level: 'off' } },
});
app.use('/', RED.httpNode);
server.listen(port, '127.0.0.1');
await RED.start();
answer({}, () => RED.stop());
