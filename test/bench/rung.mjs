// One rung of the ladder: the gateway with some of its layers taken out. Nobody runs such a thing.
import { setMaxListeners } from 'node:events';
import Fastify from 'fastify';
import { pino } from 'pino';
import { v7 } from 'uuid';
import { answer, settings } from './helper.mjs';

/** @type {{ root: string, configFile: string, logFile: string, port: number, without: readonly string[] }} */
const { root, configFile, logFile, port, without } = settings();
const has = (/** @type {string} */ layer) => !without.includes(layer);
const load = (/** @type {string} */ file) => import(`${root}/${file}`);
const [{ drivers }, { loadConfig }, { processMemory, startGateway }, { SqliteStore }] = await Promise.all(
  ['drivers/index.js', 'src/config/load.js', 'src/composition/gateway.js', 'src/store/sqlite-store.js'].map(load),
);
const [{ Dispatcher }, { AttemptRegistry }, { DeviceRegistry }, { systemClock }] = await Promise.all(
  [
    'src/attempts/dispatcher.js',
    'src/attempts/attempt-registry.js',
    'src/devices/device-registry.js',
    'src/clock/system-clock.js',
  ].map(load),
);

/** @type {any} */
let registry;
const { open } = DeviceRegistry.prototype;
DeviceRegistry.prototype.open = function () {
  registry = this;
  return open.call(this);
};

/** What a driver is given of an attempt, of which there is none. */
const nobodys = {
  attemptId: '',
  sendBy: Number.MAX_SAFE_INTEGER,
  deadline: Number.MAX_SAFE_INTEGER,
  signal: new AbortController().signal,
  letDoorsPass: async () => undefined,
  pointOfNoReturn: async () => ({
    sendBy: Number.MAX_SAFE_INTEGER,
    spend: () => undefined,
    withdraw: () => undefined,
  }),
};

setMaxListeners(0, nobodys.signal);

/** Commands the lock and takes the next word that fits for its answer, as the floor does. */
async function plainDriver() {
  const real = await drivers['mqtt/zigbee2mqtt']();
  return {
    ...real,
    open: async (/** @type {any} */ link, /** @type {any} */ { base_topic, friendly_name }, /** @type {any} */ ctx) => {
      const topic = `${base_topic}/${friendly_name}`;
      /** @type {{ bolt: string, done: () => void }[]} */
      const waiting = [];
      link.subscribe(topic, (/** @type {any} */ { payload }) => {
        const { lock_state } = JSON.parse(payload.toString());
        if (waiting[0]?.bolt === lock_state) waiting.shift()?.done();
        if (has('events')) ctx.report({ kind: 'lock_state', state: lock_state });
      });
      ctx.report({ kind: 'health', health: { status: 'online' } });
      const move = (/** @type {string} */ word, /** @type {string} */ bolt) => async (/** @type {any} */ command) => {
        const permit = await command.pointOfNoReturn();
        const heard = new Promise((done) => waiting.push({ bolt, done: () => done(undefined) }));
        await link.command(permit, `${topic}/set`, JSON.stringify({ state: word }), command.signal);
        await heard;
        return { wasConfirmedByDevice: true };
      };
      return {
        lock: { observes: 'bolt', lock: move('LOCK', 'locked'), unlock: move('UNLOCK', 'unlocked') },
        close: async () => undefined,
      };
    },
  };
}

const left = { audit: 'audit_put', events: 'event_put' };
const leftOut = Object.entries(left).flatMap(([layer, kind]) => (has(layer) ? [] : [kind]));
const { commit } = SqliteStore.prototype;
let isUp = false;
SqliteStore.prototype.commit = function (/** @type {readonly { kind: string }[]} */ changes) {
  if (!isUp) return commit.call(this, changes);
  const kept = leftOut.length === 0 ? changes : changes.filter(({ kind }) => !leftOut.includes(kind));
  return has('store') && kept.length > 0 ? commit.call(this, kept) : Promise.resolve();
};

if (!has('attempts')) {
  Dispatcher.prototype.accept = async (/** @type {any} */ command, /** @type {any} */ { actor }) => {
    const result = await command.work(registry.require(command.deviceId).device, nobodys);
    const { actionType, deviceId } = command;
    const at = Date.now();
    const settlement = { status: 'success', result };
    const ended = { actionAttemptId: v7(), actionType, deviceId, actor, acceptedAt: at, settledAt: at };
    return { ...ended, seq: 0, intent: true, subject: undefined, settlement, history: [] };
  };
  AttemptRegistry.prototype.get = () => undefined;
}

const catalogue = has('driver') ? drivers : { ...drivers, 'mqtt/zigbee2mqtt': plainDriver };
const config = await loadConfig(configFile, { drivers: catalogue, simulators: {}, env: {}, now: Date.now() });
const level = has('log') ? config.logLevel : 'silent';
const gateway = await startGateway({
  config: has('http') ? config : { ...config, http: { ...config.http, port: 0 } },
  clock: systemClock,
  memory: processMemory(),
  log: pino({ level }, pino.destination({ dest: logFile, sync: true })),
  onFatal: (/** @type {Error} */ error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(70);
  },
});
isUp = true;

/** As the floor answers. */
async function serveBare() {
  const app = Fastify();
  for (const word of ['lock', 'unlock'])
    app.post(`/locks/${word}_door`, async (request) => {
      const { device_id } = /** @type {{ device_id: string }} */ (request.body);
      await registry.require(device_id).device.lock[word](nobodys);
      return {
        action_attempt: {
          action_attempt_id: v7(),
          action_type: `${word.toUpperCase()}_DOOR`,
          status: 'success',
          result: { was_confirmed_by_device: true },
          error: null,
        },
        ok: true,
      };
    });
  await app.listen({ host: '127.0.0.1', port });
}
if (!has('http')) await serveBare();

answer({}, () => gateway.close());
