// hammer.mjs SECONDS: a door command every 100 ms, and what became of each, in one line of JSON.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const base = 'http://127.0.0.1:8080';
const key = readFileSync('/var/lib/strikeplate/cli.key', 'utf8').trim();
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const { devices } = await (await fetch(`${base}/devices/list`, { headers })).json();
const body = JSON.stringify({ device_id: devices[0].device_id });

/** @type {{ at: number, end: string }[]} */
const commands = [];
const waiting = [];
const until = Date.now() + Number(process.argv[2]) * 1_000;
for (let n = 0; Date.now() < until; n += 1) {
  const at = Date.now();
  const command = fetch(`${base}/locks/${n % 2 ? 'lock' : 'unlock'}_door`, { method: 'POST', headers, body })
    .then((answer) => answer.json())
    .then(({ action_attempt: attempt, error }) => attempt?.error?.type ?? attempt?.status ?? error?.type)
    .catch(() => 'not reached');
  waiting.push(command.then((end) => commands.push({ at, end })));
  await sleep(100);
}
await Promise.all(waiting);
commands.sort((a, b) => a.at - b.at);
/** @type {Record<string, number>} */
const ends = {};
let gapMs = 0;
let gapBegan;
for (const { at, end } of commands) {
  ends[end] = (ends[end] ?? 0) + 1;
  if (end !== 'not reached') gapBegan = undefined;
  else {
    gapBegan ??= at;
    gapMs = Math.max(gapMs, at - gapBegan + 100);
  }
}
console.log(JSON.stringify({ commands: commands.length, ends, longest_gap_ms: gapMs }));
