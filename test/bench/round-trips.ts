import type { ProcessFigures } from './helper-process.ts';
import type { Load, LoadResult } from './http-load.ts';
import { median, percentile } from './statistics.ts';
import type { Target } from './targets.ts';
import { sharesOf, type ThreadFigures, type ThreadShares, threadsOf } from './threads.ts';

export type LoadShape = Omit<Load, 'ms'>;

/** Each client goes round doors of its own: commands for one door at once would supersede each other. */
export const loadShapes: readonly LoadShape[] = [
  { clients: 1, devices: 100 },
  { clients: 16, devices: 100 },
  { clients: 64, devices: 100 },
  { clients: 1, devices: 1 },
];

/** What one target did under one load: medians over the rounds. */
export interface Row {
  readonly target: string;
  readonly clients: number;
  readonly devices: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Round trips per second. */
  readonly rate: number;
  readonly cpuMicros: number;
  /** Per attempt, by thread. */
  readonly threads: ThreadShares;
  readonly loopP99Ms: number;
  /** Per attempt: what the store hands to the system; undefined where there is none. */
  readonly bytes: number | undefined;
  readonly syncs: number | undefined;
  /** Over all rounds. */
  readonly attempts: number;
  readonly failures: number;
}

interface Slice {
  readonly result: LoadResult;
  readonly before: ProcessFigures & { readonly threads: readonly ThreadFigures[] };
  readonly after: ProcessFigures & { readonly threads: readonly ThreadFigures[] };
}

const figuresOf = async ({ process }: Target) => ({
  ...(await process.figures()),
  threads: threadsOf(process.pid),
});

async function slice(target: Target, load: Load): Promise<Slice> {
  const before = await figuresOf(target);
  const result = await target.run(load);
  if (result.firstFailure !== undefined) console.error(`${target.name}: ${result.firstFailure}`);
  return { result, before, after: await figuresOf(target) };
}

/**
 * All targets in turn under each load, so often: what else the machine does hits all alike, and figures of one run can
 * be compared, where those of two cannot.
 */
export async function alternate(
  targets: readonly Target[],
  shapes: readonly LoadShape[],
  { rounds, sliceMs }: { readonly rounds: number; readonly sliceMs: number },
): Promise<Row[]> {
  const slices = new Map<string, Slice[]>();
  for (const target of targets) await target.run({ clients: 16, devices: 100, ms: Math.min(2_000, sliceMs) });
  for (let round = 0; round < rounds; round++) {
    for (const [index, shape] of shapes.entries()) {
      for (const target of targets) {
        if (!target.takesLoads && index > 0) continue;
        const key = keyOf(target, shape);
        const done = slices.get(key) ?? [];
        slices.set(key, done);
        done.push(await slice(target, { ...shape, ms: sliceMs }));
      }
    }
  }
  return targets.flatMap((target) =>
    shapes
      .filter((_, index) => target.takesLoads || index === 0)
      .map((shape) => rowOf(target, shape, slices.get(keyOf(target, shape)) ?? [])),
  );
}

const keyOf = (target: Target, { clients, devices }: LoadShape) => `${target.name} ${clients} ${devices}`;

function rowOf({ name, process }: Target, { clients, devices }: LoadShape, slices: readonly Slice[]): Row {
  const sorted = slices.map(({ result }) => [...result.latencies].sort((a, b) => a - b));
  const perAttempt = (figure: (figures: Slice['before']) => number | undefined) =>
    median(
      slices.map(({ before, after, result }) => {
        const from = figure(before);
        const to = figure(after);
        return from === undefined || to === undefined ? Number.NaN : (to - from) / result.latencies.length;
      }),
    );
  const share = (which: keyof ThreadShares) =>
    median(
      slices.map(
        ({ before, after, result }) =>
          sharesOf(process.pid, before.threads, after.threads)[which] / result.latencies.length,
      ),
    );
  const unlessNaN = (value: number) => (Number.isNaN(value) ? undefined : value);
  const syncs = unlessNaN(perAttempt(({ batches }) => batches));
  return {
    target: name,
    clients,
    devices,
    p50Ms: median(sorted.map((latencies) => percentile(latencies, 0.5))),
    p99Ms: median(sorted.map((latencies) => percentile(latencies, 0.99))),
    rate: median(slices.map(({ result }) => (1_000 * result.latencies.length) / result.ms)),
    cpuMicros: perAttempt(({ cpuMicros }) => cpuMicros),
    loopP99Ms: median(slices.map(({ after }) => after.loopP99Ms)),
    threads: {
      mainMicros: share('mainMicros'),
      writerMicros: share('writerMicros'),
      otherMicros: share('otherMicros'),
      writtenBytes: share('writtenBytes'),
    },
    bytes: syncs === undefined ? undefined : share('writtenBytes'),
    syncs,
    attempts: slices.reduce((sum, { result }) => sum + result.latencies.length, 0),
    failures: slices.reduce((sum, { result }) => sum + result.failures, 0),
  };
}
