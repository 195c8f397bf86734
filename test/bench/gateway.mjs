// The gateway as built, with a way to ask what it costs.
import { pino } from 'pino';
import { answer, settings } from './helper.mjs';

const { root, configFile, logFile } = settings();
const [{ drivers }, { loadConfig }, { startGateway }, { SqliteStore }] = await Promise.all(
  ['drivers/index.js', 'src/config/load.js', 'src/composition/gateway.js', 'src/store/sqlite-store.js'].map(
    (file) => import(`${root}/dist/${file}`),
  ),
);

/** @type {{ readonly stats: { readonly batches: number } } | undefined} */
let store;
const { open } = SqliteStore;
SqliteStore.open = async (/** @type {unknown} */ options) => {
  store = await open.call(SqliteStore, options);
  return store;
};

const config = await loadConfig(configFile, { drivers, simulators: {}, env: {}, now: Date.now() });
const gateway = await startGateway({
  config,
  log: pino({ level: config.logLevel }, pino.destination(logFile)),
  onFatal: (/** @type {Error} */ error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(70);
  },
});
answer({ moreFigures: () => ({ batches: store?.stats.batches }) }, () => gateway.close());
