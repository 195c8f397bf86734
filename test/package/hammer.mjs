// hammer.mjs FILE: a door command every 100 ms, spread over all doors, until FILE is there, and what became of each, in one
// line of JSON.
// Each is sent as a careful client sends it: a connection that is refused or lost is told by the connection, and the same
// command is sent again under its Idempotency-Key. What the bridge was told is read from the broker, beside the gateway.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const everyMs = 100;
/** No byte of an MQTT door's command leaves after it: `send_by`, docs/architecture.md. */
const sendByMs = 5_000;
/** How far two clocks of one machine, and a broker between, may lie apart. */
const slackMs = 250;

const base = 'http://127.0.0.1:8080';
const key = readFileSync('/var/lib/strikeplate/cli.key', 'utf8').trim();
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const { devices } = await (await fetch(`${base}/devices/list`, { headers })).json();

/** @type {{ at: number, door: string, way: string }[]} */
const told = [];
const broker = spawn('mosquitto_sub', ['-q', '1', '-t', 'zigbee2mqtt/+/set', '-F', '%U %t %p']);
broker.stdout.setEncoding('utf8').on('data', (text) => {
  for (const [, at, door = '', way = ''] of text.matchAll(/^(\S+) zigbee2mqtt\/(.+)\/set .*"(LOCK|UNLOCK)"/gm))
    told.push({ at: Number(at) * 1_000, door, way });
});
await sleep(500);

/**
 * @typedef {{ door: string, way: string, first: number, sent: number, id: string, end: string }} Command
 * @type {Command[]}
 */
const commands = [];
/** @type {Record<string, number>} */
const refusals = {};

/** Sends until something answers. @param {() => Promise<Response>} send */
async function untilAnswered(send) {
  for (;;) {
    const sent = Date.now();
    try {
      const answer = await send();
      return { sent, body: await answer.json() };
    } catch (error) {
      const why = /** @type {any} */ (error).cause?.code ?? String(error);
      refusals[why] = (refusals[why] ?? 0) + 1;
      await sleep(everyMs);
    }
  }
}

/** @param {{ device_id: string, display_name: string }} device @param {string} way */
async function command({ device_id, display_name }, way) {
  const idempotent = { ...headers, 'idempotency-key': randomUUID() };
  const body = JSON.stringify({ device_id });
  const first = Date.now();
  const { sent, ...reply } = await untilAnswered(() =>
    fetch(`${base}/locks/${way.toLowerCase()}_door`, { method: 'POST', headers: idempotent, body }),
  );
  let attempt = reply.body.action_attempt;
  const id = attempt?.action_attempt_id ?? '';
  while (attempt?.status === 'pending') {
    await sleep(200);
    const look = await untilAnswered(() => fetch(`${base}/action_attempts/get?action_attempt_id=${id}`, { headers }));
    attempt = look.body.action_attempt;
  }
  const end = attempt?.error?.type ?? attempt?.status ?? reply.body.error?.type ?? 'lost';
  commands.push({ door: display_name, way, first, sent, id, end });
}

const under = [];
const began = Date.now();
for (let n = 0; !existsSync(process.argv[2] ?? ''); n += 1) {
  const way = Math.floor(n / devices.length) % 2 ? 'LOCK' : 'UNLOCK';
  under.push(command(devices[n % devices.length], way));
  // By the clock, so that a slow machine is asked as often.
  await sleep(Math.max(0, began + (n + 1) * everyMs - Date.now()));
}
await Promise.all(under);
await sleep(1_000);
broker.kill();

/** @type {Record<string, number>} */
const ends = {};
for (const { end } of commands) ends[end] = (ends[end] ?? 0) + 1;

// Each message on the broker belongs to one command, and each door that moved to a message. A lane keeps the order in which
// commands were accepted, which is that of their ids.
/** @type {string[]} */
const broken = [];
const moved = new Set(['success', 'outcome_unknown', 'state_not_reached']);
for (const { display_name: door } of devices) {
  const asked = commands
    .filter((one) => one.door === door && moved.has(one.end))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const { at, way } of told.filter((one) => one.door === door)) {
    let own = asked.shift();
    // Nobody knows whether these were told.
    while (own !== undefined && own.end !== 'success' && own.way !== way) own = asked.shift();
    if (own?.way !== way) broken.push(`${door} was told ${way}, and nobody had asked that then`);
    else if (at - own.sent > sendByMs + slackMs)
      broken.push(`${door} was told ${way} ${at - own.sent} ms after it was asked`);
  }
  for (const { way, end } of asked)
    if (end === 'success') broken.push(`${door}: success of a ${way} that it was never told`);
}
for (const { id, door, way, end } of commands)
  if (id === '' || end === 'lost' || end.endsWith('not_found')) broken.push(`${door}: a ${way} was lost: ${end}`);
const waits = commands.map(({ first, sent }) => sent - first);
const outOfReachMs = Math.max(...waits);
console.log(
  JSON.stringify({
    commands: commands.length,
    doors: devices.length,
    ends,
    refused: refusals,
    sent_again: waits.filter((wait) => wait > 0).length,
    out_of_reach_ms: outOfReachMs,
    told_to_doors: told.length,
    broken,
  }),
);
process.exitCode = broken.length === 0 ? 0 : 1;
