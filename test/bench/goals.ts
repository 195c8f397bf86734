import type { Row } from './round-trips.ts';
import { figure } from './table.ts';

/** What a process cost beside its round trips. */
export interface ProcessCost {
  readonly coldStartMs: number | undefined;
  readonly idleBytes: number;
}

export interface Measured {
  readonly rows: readonly Row[];
  readonly gateway: ProcessCost | undefined;
  readonly nodeMajor: number;
}

/** A goal, what was measured, and whether it was reached; cells of a table. */
export type Judged = readonly [goal: string, measured: string, verdict: string];

const notMeasured = '–';

/** Every goal of docs/performance.md that one run of the bench can judge. */
export function judge({ rows, gateway, nodeMajor }: Measured): readonly Judged[] {
  const of = (target: string, clients: number) =>
    rows.find((row) => row.target === target && row.clients === clients && row.devices > 1);
  const ours = (clients: number) => of('gateway', clients);
  const floor = (clients: number) => of('floor', clients);
  const sync = rows.find(({ target }) => target === 'sync')?.p50Ms;
  const atMost = (goal: string, value: number | undefined, limit: number | undefined, unit: string): Judged =>
    judged(goal, value, limit, unit, (measured, bound) => measured <= bound);
  const atLeast = (goal: string, value: number | undefined, limit: number | undefined, unit: string): Judged =>
    judged(goal, value, limit, unit, (measured, bound) => measured >= bound);
  const times = (row: Row | undefined, other: Row | undefined, what: 'rate' | 'cpuMicros') =>
    row && other && row[what] / other[what];
  const floorP50 = floor(1)?.p50Ms;
  const physical = floorP50 === undefined || sync === undefined ? undefined : 1.5 * (floorP50 + 2 * sync);
  const kib = (row: Row | undefined) => row?.bytes && row.bytes / 1_024;
  const young = nodeMajor < 22;
  const beside = (peer: string, clients: number, what: 'rate' | 'p99Ms') => {
    const us = ours(clients);
    const them = of(peer, clients);
    return us && them && us[what] / them[what];
  };
  return [
    atMost('1 client: p50 at most 1.5 × (floor + 2 syncs)', ours(1)?.p50Ms, physical, 'ms'),
    atLeast('16 clients: rate at least 0.5 × the floor’s', times(ours(16), floor(16), 'rate'), 0.5, '×'),
    atLeast('64 clients: rate at least 0.5 × the floor’s', times(ours(64), floor(64), 'rate'), 0.5, '×'),
    atMost('16 clients: CPU at most 3 × the floor’s', times(ours(16), floor(16), 'cpuMicros'), 3, '×'),
    atMost('1 client: CPU at most 4 × the floor’s', times(ours(1), floor(1), 'cpuMicros'), 4, '×'),
    atMost('1 client: at most 2 syncs an attempt', ours(1)?.syncs, 2, ''),
    atMost('64 clients: at most 0.1 syncs an attempt', ours(64)?.syncs, 0.1, ''),
    atMost('1 client: at most 8 KiB written an attempt', kib(ours(1)), 8, 'KiB'),
    atMost('64 clients: at most 3 KiB written an attempt', kib(ours(64)), 3, 'KiB'),
    atMost('idle with 100 doors', gateway && gateway.idleBytes / 2 ** 20, young ? 95 : 120, 'MiB'),
    atMost('start to the first round trip', gateway?.coldStartMs, young ? 800 : 700, 'ms'),
    atMost('64 clients: loop held, p99', ours(64)?.loopP99Ms, 10, 'ms'),
    ...[1, 16, 64].map((clients) =>
      atLeast(
        `${clients} clients: rate beside Node-RED’s`,
        beside('node-red', clients, 'rate'),
        clients === 1 ? 0.8 : 1.2,
        '×',
      ),
    ),
    ...[1, 16, 64].map((clients) =>
      atMost(`${clients} clients: p99 beside Node-RED’s`, beside('node-red', clients, 'p99Ms'), 0.7, '×'),
    ),
    ...[16, 64].map((clients) =>
      atLeast(`${clients} clients: rate beside Restate’s`, beside('restate', clients, 'rate'), 8, '×'),
    ),
  ];
}

function judged(
  goal: string,
  value: number | undefined,
  limit: number | undefined,
  unit: string,
  reached: (measured: number, bound: number) => boolean,
): Judged {
  const shown = (number: number) => `${figure(number)} ${unit}`.trim();
  if (value === undefined || limit === undefined || Number.isNaN(value)) return [goal, notMeasured, notMeasured];
  return [`${goal}: ${shown(limit)}`, shown(value), reached(value, limit) ? 'reached' : 'missed'];
}
