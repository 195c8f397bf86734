/*
 * A real gateway process, as built, that kills itself at one chosen point of an attempt's life. Started by the tests
 * with a configuration file and the point (see doom-points.ts); without a point it lives on, unless a line on its
 * standard input names one: what was counted begins anew then. Prints its address once it listens.
 */
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { drivers } from '../../../dist/drivers/index.js';
import { startGateway } from '../../../dist/src/composition/gateway.js';
import { loadConfig } from '../../../dist/src/config/load.js';
import { SqliteStore } from '../../../dist/src/store/sqlite-store.js';
import { MqttTransport } from '../../../dist/src/transports/mqtt/index.js';

const [configFile = '', firstPoint] = process.argv.slice(2);
let point = firstPoint;

/** As a power cut would: nothing more runs, nothing is flushed. */
const die = () => process.kill(process.pid, 'SIGKILL');

/** Commits so far that changed an access code, or a grant or anything of it; and commands that a broker has. */
let codeSteps = 0;
let grantSteps = 0;
let commands = 0;

const { commit } = SqliteStore.prototype;
SqliteStore.prototype.commit = async function (changes) {
  const has = (/** @type {string} */ kind) => changes.some((change) => change.kind === kind);
  const takesSlot = changes.some((change) => change.kind === 'access_code_put' && change.code.placements.length > 0);
  const step = has('access_code_put') || has('access_code_removed') ? ++codeSteps : undefined;
  if (step !== undefined && point === `before_code_step_${step}`) die();
  const ofGrant = changes.some(({ kind }) => /^access_(code|grant|method)_/.test(kind));
  const grantStep = ofGrant ? ++grantSteps : undefined;
  if (grantStep !== undefined && point === `before_grant_step_${grantStep}`) die();
  if (point === 'confirmed' && has('attempt_settled')) die();
  await commit.call(this, changes);
  if (point === 'accepted' && has('attempt_accepted')) die();
  if (point === 'intent' && has('attempt_intent')) die();
  if (point === 'settled' && has('attempt_settled')) die();
  if (step !== undefined && point === `after_code_step_${step}`) die();
  if (grantStep !== undefined && point === `after_grant_step_${grantStep}`) die();
  if (point === 'slot' && takesSlot && !has('attempt_settled')) die();
};

const { link } = MqttTransport.prototype;
MqttTransport.prototype.link = function (device) {
  const made = link.call(this, device);
  const command = made.command.bind(made);
  made.command = async (...args) => {
    const acknowledgedAt = await command(...args);
    if (point === 'sent' || point === `command_${++commands}`) die(); // the broker has it
    return acknowledgedAt;
  };
  return made;
};

const config = await loadConfig(configFile, { drivers, simulators: {}, env: {}, now: Date.now() });
const gateway = await startGateway({
  config,
  log: pino({ level: 'error' }, pino.destination(2)),
  onFatal: () => process.exit(70),
});
createInterface({ input: process.stdin }).on('line', (line) => {
  point = line;
  codeSteps = 0;
  grantSteps = 0;
  commands = 0;
});
process.stdout.write(`${gateway.url}\n`);
