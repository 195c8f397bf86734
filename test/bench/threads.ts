import { readdirSync, readFileSync } from 'node:fs';

/** What one thread has done so far. */
export interface ThreadFigures {
  readonly id: number;
  /** Time on a processor, in microseconds (proc(5), `/proc/pid/task/tid/schedstat`). */
  readonly cpuMicros: number;
  /** Bytes handed to `write` and its like (`/proc/pid/task/tid/io`, wchar). */
  readonly writtenBytes: number;
}

/** The threads of a process; none where the system does not tell of them. */
export function threadsOf(pid: number): readonly ThreadFigures[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((id) => threadOf(`/proc/${pid}/task/${id}`, Number(id)));
  } catch {
    return [];
  }
}

function threadOf(folder: string, id: number): readonly ThreadFigures[] {
  try {
    const [ran] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ');
    const written = /^wchar: (\d+)$/m.exec(readFileSync(`${folder}/io`, 'utf8'))?.[1];
    return [{ id, cpuMicros: Number(ran) / 1_000, writtenBytes: Number(written) }];
  } catch {
    return []; // It has ended meanwhile.
  }
}

export interface ThreadShares {
  readonly mainMicros: number;
  /** The thread that wrote most beside the main one: the store's, where there is a store. */
  readonly writerMicros: number;
  /** Collector, compiler and the rest. */
  readonly otherMicros: number;
  /** By the writer: what the store handed to the system, not what the disk made of it. */
  readonly writtenBytes: number;
}

/** What happened between two looks at one process. */
export function sharesOf(pid: number, before: readonly ThreadFigures[], after: readonly ThreadFigures[]): ThreadShares {
  const was = new Map(before.map((thread) => [thread.id, thread]));
  const since = after.map(({ id, cpuMicros, writtenBytes }) => ({
    id,
    cpuMicros: cpuMicros - (was.get(id)?.cpuMicros ?? 0),
    writtenBytes: writtenBytes - (was.get(id)?.writtenBytes ?? 0),
  }));
  const main = since.find(({ id }) => id === pid);
  const [writer, ...others] = since.filter(({ id }) => id !== pid).sort((a, b) => b.writtenBytes - a.writtenBytes);
  return {
    mainMicros: main?.cpuMicros ?? Number.NaN,
    writerMicros: writer?.cpuMicros ?? 0,
    otherMicros: others.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
    writtenBytes: writer?.writtenBytes ?? 0,
  };
}
