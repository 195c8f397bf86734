import { uuid } from '../kit/store/store-records.ts';
import { HelperProcess } from './helper-process.ts';
import { firstSuccess, HttpLoader } from './http-load.ts';
import type { Broker, GatewaySite } from './site.ts';
import { median, percentile } from './statistics.ts';
import { figure, table } from './table.ts';

export interface Running {
  readonly site: GatewaySite;
  readonly url: string;
  readonly process: HelperProcess;
  /** Milliseconds from starting the process until `/health` answered. */
  readonly startMs: number;
}

/** How often each has its turn. */
const ROUNDS = 6;
const SLICE_MS = 3_000;
const CLIENTS = 16;
/** Reads of one turn. */
const READS = 100;
/** The few that many are compared with. */
const FEW_DOORS = 100;
const FEW_ATTEMPTS = 10_000;

/** A load on a gateway with many doors, all of them used, and on one with few, in turns. */
export async function manyDoorsBesideFew(
  broker: Broker,
  many: number,
  start: (base: string, devices: number) => Promise<Running>,
): Promise<void> {
  const sites = [
    { base: 'few', doors: FEW_DOORS },
    { base: 'many', doors: many },
  ];
  const loads: {
    loader: HttpLoader;
    gateway: Running;
    doors: number;
    rates: number[];
    p50: number[];
    cpu: number[];
  }[] = [];
  const locks: HelperProcess[] = [];
  for (const { base, doors } of sites) {
    locks.push(await listeningLocks(broker, base, doors));
    const gateway = await start(base, doors);
    const target = targetOf(gateway);
    await firstSuccess(target);
    loads.push({ loader: new HttpLoader(target), gateway, doors, rates: [], p50: [], cpu: [] });
  }
  for (let round = -1; round < ROUNDS; round++)
    for (const { loader, gateway, doors, rates, p50, cpu } of loads) {
      const before = (await gateway.process.figures()).cpuMicros;
      const { latencies, ms, failures } = await loader.run({ clients: CLIENTS, devices: doors, ms: SLICE_MS });
      if (failures > 0) throw new Error(`${failures} of ${latencies.length} failed with ${doors} doors`);
      // The first turn warms up.
      if (round < 0) continue;
      rates.push((latencies.length / ms) * 1_000);
      p50.push(median(latencies));
      cpu.push(((await gateway.process.figures()).cpuMicros - before) / latencies.length);
    }
  const [few, most] = loads.map(({ rates, p50, cpu }) => [median(rates), median(p50), median(cpu)]);
  compared(['per s', 'p50 ms', 'CPU us an attempt'], few, most, `${FEW_DOORS} doors`, `${many} doors`);
  for (const { loader } of loads) loader.close();
  for (const lock of locks) await lock.stop();
}

/** A command, a get and a list where much is stored and where little is, in turns. */
export async function manyAttemptsBesideFew(
  broker: Broker,
  many: number,
  start: (base: string, stored: number) => Promise<Running>,
): Promise<void> {
  const stores = [
    { base: 'few', stored: FEW_ATTEMPTS },
    { base: 'many', stored: many },
  ];
  const all: { took: number[][]; once: () => Promise<readonly number[]> }[] = [];
  const ends: (() => Promise<void> | void)[] = [];
  for (const { base, stored } of stores) {
    const lock = await listeningLocks(broker, base, FEW_DOORS);
    const gateway = await start(base, stored);
    const target = targetOf(gateway);
    await firstSuccess(target);
    const loader = new HttpLoader(target);
    ends.push(
      () => loader.close(),
      () => lock.stop(),
    );
    let asked = 0;
    const read = async (path: () => string) => {
      const took: number[] = [];
      for (let turn = 0; turn < READS; turn++) {
        const url = gateway.url + path();
        const from = performance.now();
        const answer = await fetch(url, { headers: { authorization: `Bearer ${gateway.site.apiKey}` } });
        await answer.text();
        if (!answer.ok) throw new Error(`${url} was answered with ${answer.status}`);
        took.push(performance.now() - from);
      }
      return median(took);
    };
    // All over what is stored, never twice the same.
    const some = () => uuid(1 + ((asked++ * 7_919) % stored));
    const once = async () => {
      const { latencies } = await loader.runCount({ clients: 1, devices: FEW_DOORS }, READS);
      return [
        percentile(
          [...latencies].sort((a, b) => a - b),
          0.5,
        ),
        await read(() => `/action_attempts/get?action_attempt_id=${some()}`),
        await read(() => '/action_attempts/list?limit=100'),
      ];
    };
    all.push({ took: [[], [], []], once });
  }
  for (let round = -1; round < ROUNDS; round++)
    for (const { took, once } of all)
      for (const [index, ms] of (await once()).entries()) if (round >= 0) took[index]?.push(ms);
  const [few, most] = all.map(({ took }) => took.map(median));
  const heads = ['command p50 ms', 'get p50 ms', 'list of 100 p50 ms'];
  compared(heads, few, most, `${FEW_ATTEMPTS} stored`, `${many} stored`);
  for (const end of ends) await end();
}

async function listeningLocks({ url, protocolVersion }: Broker, base: string, devices: number): Promise<HelperProcess> {
  const lock = new HelperProcess('lock.mjs', { url, protocolVersion, bases: [base], devices });
  await lock.ask('ready');
  return lock;
}

const targetOf = ({ url, site: { deviceIds, apiKey } }: Running) => ({ url, deviceIds, apiKey });

function compared(
  heads: readonly string[],
  few: readonly number[] = [],
  many: readonly number[] = [],
  ...[fewWords, manyWords]: readonly [string, string]
): void {
  const rows = heads.map((head, index) => [
    head,
    figure(few[index]),
    figure(many[index]),
    figure((many[index] ?? Number.NaN) / (few[index] ?? Number.NaN)),
  ]);
  console.log(table([`median of ${ROUNDS} turns`, fewWords, manyWords, 'ratio'], rows));
}
