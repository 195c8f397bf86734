// The gateway as built, with a way to ask what it costs.
import { EventEmitter } from 'node:events';
import { readdirSync } from 'node:fs';
import { writeHeapSnapshot } from 'node:v8';
import { pino } from 'pino';
import { answer, settings } from './helper.mjs';

const { root, configFile, logFile } = settings();
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
/** After each step of the start: milliseconds since the process began, and those that its threads spent on a processor. */
const steps = { "Node's own start": { at: performance.nodeTiming.bootstrapComplete, cpu: Number.NaN } };
const step = (/** @type {string} */ name) => Object.assign(steps, { [name]: { at: performance.now(), cpu: cpuMs() } });
step('bench');
// As the command line does it; a gateway of another checkout may not know it.
const ahead = await import(`${root}/dist/src/store/writer-ahead.js`).catch(() => undefined);
const writerAhead = ahead && new ahead.WriterAhead();
const [{ drivers }, { loadConfig }, { processMemory, startGateway }, { SqliteStore }] = await Promise.all(
  ['drivers/index.js', 'src/config/load.js', 'src/composition/gateway.js', 'src/store/sqlite-store.js'].map(
    (file) => import(`${root}/dist/${file}`),
  ),
);

step('imports');

/** @type {{ readonly stats: { readonly batches: number } } | undefined} */
let store;
const { open } = SqliteStore;
SqliteStore.open = async (/** @type {unknown} */ options) => {
  step('parts before the store');
  store = await open.call(SqliteStore, options);
  step('store');
  return store;
};

const load = () => loadConfig(configFile, { drivers, simulators: {}, env: {}, now: Date.now() });
const config = await load();
step('configuration');
const gateway = await startGateway({
  config,
  loadAgain: load,
  writerAhead,
  // A gateway of another checkout may know none of it.
  memory: processMemory?.(),
  log: pino({ level: config.logLevel }, pino.destination({ dest: logFile, sync: true })),
  onFatal: (/** @type {Error} */ error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(70);
  },
});

step('devices, doors, HTTP');

/**
 * What stays when nothing is under way. The heap is what is still reachable where the process was started with
 * --expose-gc; listeners are those on whatever keeps the process alive, and on the process.
 */
function residue() {
  globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  /** @type {readonly unknown[]} */
  const handles = Reflect.get(process, '_getActiveHandles').call(process);
  /** @param {unknown} emitter */
  const listenersOf = (emitter) => {
    if (!(emitter instanceof EventEmitter)) return 0;
    return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
  };
  const listeners = [process, ...handles].reduce((/** @type {number} */ sum, one) => sum + listenersOf(one), 0);
  return {
    keptBytes: heapUsed,
    externalBytes: external,
    bufferBytes: arrayBuffers,
    handles: handles.length,
    listeners,
    descriptors: readdirSync('/proc/self/fd').length,
    timers: process.getActiveResourcesInfo().filter((what) => what === 'Timeout' || what === 'Immediate').length,
  };
}

answer(
  {
    moreFigures: () => ({ batches: store?.stats.batches }),
    residue,
    steps: () => ({ began: performance.timeOrigin, steps }),
    reload: () => gateway.reload({ kind: 'cli' }),
    url: () => gateway.url,
    snapshot: ({ file }) => writeHeapSnapshot(file),
  },
  () => gateway.close(),
);
