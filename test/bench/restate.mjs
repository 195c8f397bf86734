// Restate, which makes what its handlers do durable: its server as it comes, and a service in this process whose handler
// commands the lock in one durable step. What both processes use is counted.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { answer, settings } from './helper.mjs';
import { connect } from './mqtt-client.mjs';

const { folder, sdk, stateDir, url, protocolVersion, base, devices, port, adminPort, nodePort, servicePort } =
  settings();
const require = createRequire(`${folder}/package.json`);
const restate = await import(pathToFileURL(require.resolve(sdk)).href);
const client = await connect(url, protocolVersion);
/** @type {Map<string, { bolt: string, done: () => void }[]>} */
const waiting = new Map(Array.from({ length: devices }, (_, index) => [`${base}/door-${index}`, []]));
client.on('message', (topic, payload) => {
  const { lock_state } = JSON.parse(payload.toString());
  const line = waiting.get(topic);
  if (line?.[0]?.bolt === lock_state) line?.shift()?.done();
});
await client.subscribeAsync(`${base}/+`, { qos: 1 });

/** @param {'lock' | 'unlock'} word */
const handler =
  (word) =>
  async (/** @type {any} */ ctx, /** @type {{ device_id: string }} */ { device_id }) => {
    await ctx.run('command', async () => {
      const topic = `${base}/${device_id}`;
      await new Promise((resolve) => {
        waiting.get(topic)?.push({ bolt: `${word}ed`, done: () => resolve(undefined) });
        client.publish(`${topic}/set`, JSON.stringify({ state: word.toUpperCase() }), { qos: 1 });
      });
    });
    return {
      action_attempt: {
        action_attempt_id: ctx.request().id.toString(),
        action_type: `${word.toUpperCase()}_DOOR`,
        status: 'success',
        result: { was_confirmed_by_device: true },
        error: null,
      },
      ok: true,
    };
  };
const locks = restate.service({
  name: 'locks',
  handlers: { lock_door: handler('lock'), unlock_door: handler('unlock') },
});
createServer(restate.createEndpointHandler({ services: [locks], logger: () => undefined })).listen(
  servicePort,
  '127.0.0.1',
);

const server = spawn(`${folder}/node_modules/@restatedev/restate-server-linux-x64/bin/restate-server`, [], {
  cwd: stateDir,
  stdio: 'ignore',
  env: {
    ...process.env,
    RESTATE_BASE_DIR: stateDir,
    RESTATE_BIND_ADDRESS: `127.0.0.1:${nodePort}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${nodePort}`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${port}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${adminPort}`,
    RESTATE_DISABLE_TELEMETRY: 'true',
  },
});
process.once('exit', () => server.kill('SIGKILL'));
server.once('exit', () => process.exit(1));

/** Until the server takes it. */
async function register() {
  for (;;) {
    try {
      const registered = await fetch(`http://127.0.0.1:${adminPort}/deployments`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ uri: `http://127.0.0.1:${servicePort}` }),
      });
      if (registered.ok) return;
    } catch {
      // Not up yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
await register();

/** Clock ticks, as proc(5) counts a process's time: 100 a second everywhere that Linux shows them. */
const tickMicros = 10_000;

/** What the server used: proc(5), `/proc/pid/stat`, fields 14 and 15, and `/proc/pid/statm`, field 2. */
function ofServer() {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const pages = Number(readFileSync(`/proc/${server.pid}/statm`, 'utf8').split(' ')[1]);
  return { cpuMicros: (Number(fields[11]) + Number(fields[12])) * tickMicros, rssBytes: pages * 4_096 };
}

answer({
  moreFigures: () => {
    const { cpuMicros, rssBytes } = ofServer();
    const { user, system } = process.cpuUsage();
    return { cpuMicros: cpuMicros + user + system, rssBytes: rssBytes + process.memoryUsage().rss };
  },
});
