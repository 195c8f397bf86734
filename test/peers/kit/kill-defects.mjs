/*
 * Defects that are planted in the built gateway, to see that the judge of kills finds them. Loaded before the program;
 * STRIKEPLATE_PLANTED says which.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { connectAsync } from 'mqtt';
import { SqliteStore } from '../../../dist/src/store/sqlite-store.js';
import { MqttTransport } from '../../../dist/src/transports/mqtt/index.js';

/** @typedef {readonly { readonly kind: string }[]} Changes */

const { commit, pendingAttempts, accessCodes, accessGrants, attempts } = SqliteStore.prototype;

/** The commit follows its answer. @param {(changes: Changes) => boolean} of */
const answersFirst = (of) => () => {
  SqliteStore.prototype.commit = async function (changes) {
    if (!of(changes)) return commit.call(this, changes);
    setTimeout(() => commit.call(this, changes).catch(() => undefined), 500);
  };
};
/** @param {RegExp} kinds */
const kindOf = (kinds) => (/** @type {Changes} */ changes) => changes.some(({ kind }) => kinds.test(kind));

/** Notes each door command beside the configuration, as a queue does that outlives its process. */
function sendsAgain() {
  const note = `${process.argv.at(-1)}.last-command`;
  const { link } = MqttTransport.prototype;
  MqttTransport.prototype.link = function (device) {
    const made = link.call(this, device);
    const command = made.command.bind(made);
    made.command = async (permit, topic, payload, signal) => {
      if (payload.includes('"state"')) writeFileSync(note, JSON.stringify({ topic, payload }));
      return command(permit, topic, payload, signal);
    };
    return made;
  };
  try {
    const { topic, payload } = JSON.parse(readFileSync(note, 'utf8'));
    const { url } = JSON.parse(readFileSync(process.argv.at(-1) ?? '', 'utf8')).mqtt.main;
    connectAsync(url).then((client) => client.publish(topic, payload, { qos: 1 }));
  } catch {
    // The first life.
  }
}

/** @type {Record<string, () => void>} */
const defects = {
  door_answered_first: answersFirst(kindOf(/^attempt_accepted$/)),
  code_answered_first: answersFirst(kindOf(/^access_code_put$/)),
  grant_answered_first: answersFirst(kindOf(/^access_grant_put$/)),
  sends_again: sendsAgain,
  /** What was under way when the process died is not looked at again. */
  forgets_pending: () => {
    SqliteStore.prototype.pendingAttempts = function () {
      return pendingAttempts.call(this).slice(0, 0);
    };
  },
  /** Codes that were to go when the process died are taken for gone. */
  forgets_deletions: () => {
    SqliteStore.prototype.accessCodes = function (deviceId) {
      return accessCodes.call(this, deviceId).filter(({ removal }) => removal === undefined);
    };
  },
  forgets_grants: () => {
    SqliteStore.prototype.accessGrants = function () {
      return accessGrants.call(this).slice(1);
    };
  },
  /** Whatever was sent is told as done. */
  believes: () => {
    SqliteStore.prototype.commit = async function (changes) {
      return commit.call(
        this,
        changes.map((change) => {
          if (change.kind !== 'attempt_settled' || change.settlement.status !== 'error') return change;
          return { ...change, settlement: { status: 'success', result: { was_confirmed_by_device: true } } };
        }),
      );
    };
  },
  /** An end is told another way once the process is another one. */
  changes_ends: () => {
    SqliteStore.prototype.attempts = function (query) {
      return attempts
        .call(this, query)
        .map((attempt) =>
          attempt.settlement !== undefined && attempt.acceptedAt < Date.now() - process.uptime() * 1_000
            ? { ...attempt, settlement: { status: 'error', error: { type: 'expired', message: 'x' } } }
            : attempt,
        );
    };
  },
};

const plant = defects[process.env.STRIKEPLATE_PLANTED ?? ''];
if (plant === undefined) throw new Error(`defects: ${Object.keys(defects)}`);
plant();
