import { readFileSync } from 'node:fs';

/** Where the resident memory of a process lies. */
export const places = [
  "Node's program",
  'other programs and libraries',
  "V8's pages",
  "malloc and threads' stacks",
] as const;
export type Place = (typeof places)[number] | 'libsql';

/** Bytes. */
export interface Resident {
  readonly total: number;
  /** What no other process shares. */
  readonly own: number;
  readonly at: ReadonlyMap<Place, number>;
}

/** V8 asks for its pages at addresses of its own choosing; what malloc and threads are given lies below the libraries. */
const LIBRARIES_FROM = 0x7f0000000000n;
const PROGRAM_BELOW = 0x10000000n;

/** By mapping (proc(5), `/proc/pid/smaps`). */
export function residentOf(pid: number, node: string): Resident {
  const at = new Map<Place, number>();
  let own = 0;
  let place: Place = "V8's pages";
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const mapping = /^([0-9a-f]+)-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)$/.exec(line);
    if (mapping) place = placeOf(BigInt(`0x${mapping[1]}`), mapping[2] ?? '', node);
    const [, what, kibibytes] = /^(Rss|Private_Clean|Private_Dirty):\s+(\d+) kB/.exec(line) ?? [];
    const bytes = Number(kibibytes ?? 0) * 1_024;
    if (what === 'Rss') at.set(place, (at.get(place) ?? 0) + bytes);
    else own += bytes;
  }
  return { total: [...at.values()].reduce((sum, bytes) => sum + bytes, 0), own, at };
}

function placeOf(from: bigint, name: string, node: string): Place {
  if (name === node) return "Node's program";
  if (name.includes('libsql')) return 'libsql';
  if (name.startsWith('/')) return 'other programs and libraries';
  if (name.startsWith('[') && !name.startsWith('[anon')) return "malloc and threads' stacks";
  return from >= LIBRARIES_FROM || from < PROGRAM_BELOW ? "malloc and threads' stacks" : "V8's pages";
}
