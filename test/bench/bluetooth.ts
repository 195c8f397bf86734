import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from '../../scripts/build.mjs';
import { deviceIdOf } from '../../src/config/identity.ts';
import { temporaryFolder } from './site.ts';
import { percentile } from './statistics.ts';
import { figure, table } from './table.ts';

/*
 * npx tsx test/bench/bluetooth.ts [ROUNDS]
 *
 * From an HTTP POST, held for the outcome, to `success` seen in its answer: a Bluetooth lock whose motor takes no time,
 * over the emulated radio with its connection events 15 ms apart. Gateway, both Bluetooth stacks and the radio are one
 * process: what they compute is in the figure.
 */

const rounds = Number(process.argv[2] ?? 100);
const address = '54:D2:72:00:00:01';
const slug = 'front';
const port = 18_970;

await ensureBuilt();
const folder = temporaryFolder();
const config = join(folder.path, 'gateway.yaml');
writeFileSync(
  config,
  JSON.stringify({
    ...{ state_dir: 'var', gateway: { id: 'bench', name: 'Bench', time_zone: 'UTC' }, log: { level: 'error' } },
    http: { port, demo_key_file: 'demo.key', hold_ms: 20_000 },
    ble: { radio: { simulated: true } },
    devices: [{ id: slug, name: 'Front', driver: 'ble/nuki', link: { ble: 'radio', address } }],
    simulation: [
      {
        simulator: 'ble/radio',
        link: { ble: 'radio' },
        settings: { devices: [{ kind: 'nuki', address, motor_ms: 0 }] },
      },
    ],
  }),
);
const cli = fileURLToPath(new URL('../../dist/src/cli.js', import.meta.url));
const gateway = spawn(process.execPath, [cli, 'run', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  let printed = '';
  for await (const text of gateway.stdout) {
    printed += String(text);
    if (printed.includes('Stop with Ctrl-C.')) break;
  }
  const key = readFileSync(join(folder.path, 'var/demo.key'), 'utf8').trim();
  // The lock is read once soon after the start; nothing else is on the radio afterwards.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await measure(key);
} finally {
  gateway.kill();
  await once(gateway, 'exit');
  folder.remove();
}

async function measure(key: string): Promise<void> {
  const [loadBefore, cpuBefore] = [loadavg()[0], cpuMs()];
  const took: number[] = [];
  let failed = 0;
  for (let round = 0; round < rounds; round++) {
    // The lock advertises every 100 ms; commands come at all moments between.
    await new Promise((resolve) => setTimeout(resolve, (round * 37) % 100));
    const began = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/locks/${round % 2 === 0 ? 'unlock' : 'lock'}_door`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ device_id: deviceIdOf('bench', slug) }),
    });
    const { action_attempt: attempt } = (await answer.json()) as {
      readonly action_attempt?: {
        readonly status: string;
        readonly result: { readonly was_confirmed_by_device?: boolean };
      };
    };
    took.push(performance.now() - began);
    if (attempt?.status !== 'success' || attempt.result.was_confirmed_by_device !== true) failed += 1;
  }
  const sorted = took.sort((a, b) => a - b);
  console.log(
    `${cpus().length} cores, Node ${process.versions.node}, load average ${figure(loadBefore)} to ${figure(loadavg()[0])}\n`,
  );
  console.log(
    table(
      ['commands', 'p50 ms', 'p90 ms', 'p99 ms', 'least ms', 'CPU ms each', 'failed'],
      [
        [
          String(rounds),
          ...[percentile(sorted, 0.5), percentile(sorted, 0.9), percentile(sorted, 0.99), sorted[0]].map((ms) =>
            figure(ms),
          ),
          figure((cpuMs() - cpuBefore) / rounds),
          String(failed),
        ],
      ],
    ),
  );
}

/** User and system time of the gateway, in milliseconds: proc(5), fields 14 and 15 of stat, in ticks of 10 ms. */
function cpuMs(): number {
  const fields = readFileSync(`/proc/${gateway.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
