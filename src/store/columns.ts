import type { Actor, Evidence, HistoryEntry } from '../model/records.ts';

/** What SQLite gives back, and takes where it reads. */
export type Column = null | number | string | Uint8Array;

/** What the writer is given, as JSON. libsql aborts the process on a boolean: 0 or 1 instead. */
export type Parameter = null | number | string | { readonly hex: string };

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A UUID as its 16 bytes, which makes rows and indexes smaller; any other identifier as it is. */
export const idParameter = (id: string): Parameter => (canonicalUuid.test(id) ? { hex: id.replaceAll('-', '') } : id);

/** The same, to look for it. */
export function idColumn(id: string): Column {
  const parameter = idParameter(id);
  return typeof parameter === 'object' ? Buffer.from(parameter?.hex ?? '', 'hex') : parameter;
}

export const bytesParameter = (bytes: Uint8Array): Parameter => ({ hex: Buffer.from(bytes).toString('hex') });

export function idOf(column: Column): string {
  if (!(column instanceof Uint8Array)) return String(column);
  const hex = Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

type ActorTuple = ['api_key', string, string, string] | ['cli' | 'mqtt', string] | ['schedule'] | ['reconcile'];

export function actorParameter(actor: Actor): string {
  const tuple = (): ActorTuple => {
    switch (actor.kind) {
      case 'api_key':
        return ['api_key', actor.keyId, actor.name, actor.address];
      case 'cli':
        return ['cli', actor.name];
      case 'mqtt':
        return ['mqtt', actor.name];
      case 'schedule':
      case 'reconcile':
        return [actor.kind];
    }
  };
  return JSON.stringify(tuple());
}

export function actorOf(column: Column): Actor {
  const tuple = JSON.parse(String(column)) as ActorTuple;
  switch (tuple[0]) {
    case 'api_key':
      return { kind: 'api_key', keyId: tuple[1], name: tuple[2], address: tuple[3] };
    case 'cli':
      return { kind: 'cli', name: tuple[1] };
    case 'mqtt':
      return { kind: 'mqtt', name: tuple[1] };
    case 'schedule':
    case 'reconcile':
      return { kind: tuple[0] };
  }
}

/** A number counts from the first entry; a string is a time that such a difference could not give back exactly. */
type HistoryTuple = [state: string, at: number | string, reason: string, evidence?: EvidenceTuple[]];
type EvidenceTuple = [
  at: number | string,
  source: Evidence['source'],
  verdict: Evidence['verdict'],
  about: string | null,
  value: string | null,
  times: number,
];

export function historyParameter(history: readonly HistoryEntry[]): string {
  const first = history[0]?.at ?? 0;
  const counted = (at: number) => (first + (at - first) === at ? at - first : String(at));
  return JSON.stringify(
    history.map(({ state, at, reason, evidence }, index): HistoryTuple => {
      const entry: HistoryTuple = [state, index === 0 ? at : counted(at), reason];
      if (evidence !== undefined)
        entry.push(
          evidence.map((one) => [
            counted(one.at),
            one.source,
            one.verdict,
            one.about ?? null,
            one.value ?? null,
            one.times,
          ]),
        );
      return entry;
    }),
  );
}

export function historyOf(column: Column): HistoryEntry[] {
  const tuples = JSON.parse(String(column)) as HistoryTuple[];
  const first = Number(tuples[0]?.[1] ?? 0);
  const at = (counted: number | string) => (typeof counted === 'string' ? Number(counted) : first + counted);
  return tuples.map(([state, counted, reason, evidence], index) => ({
    state,
    at: index === 0 ? first : at(counted),
    reason,
    ...(evidence !== undefined && {
      evidence: evidence.map(([since, source, verdict, about, value, times]) => ({
        at: at(since),
        source,
        about: about ?? undefined,
        value: value ?? undefined,
        verdict,
        times,
      })),
    }),
  }));
}

export const optional = <T>(column: Column, read: (column: NonNullable<Column>) => T): T | undefined =>
  column === null ? undefined : read(column);

export const jsonParameter = (value: unknown): Parameter => (value === undefined ? null : JSON.stringify(value));

export const jsonOf = <T>(column: Column): T => JSON.parse(String(column)) as T;
