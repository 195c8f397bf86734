import type { Actor } from '../model/records.ts';
import { inFull, shortActor } from './short-texts.mjs';

/** What SQLite gives back, and takes where it reads. */
export type Column = null | number | string | Uint8Array;

/** What the writer is given, as JSON. libsql aborts the process on a boolean: 0 or 1 instead. */
export type Parameter = null | number | string | { readonly hex: string };

const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A UUID as its 16 bytes, which makes rows and indexes smaller; any other identifier as it is. */
export const idParameter = (id: string): Parameter => (canonicalUuid.test(id) ? { hex: withoutDashes(id) } : id);

/** By where they are: to look for them takes three times as long, and every row has two or three. */
const withoutDashes = (uuid: string): string =>
  uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24);

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
  return shortActor(JSON.stringify(tuple()));
}

export function actorOf(column: Column): Actor {
  const tuple = jsonOf<ActorTuple>(column);
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

export const optional = <T>(column: Column, read: (column: NonNullable<Column>) => T): T | undefined =>
  column === null ? undefined : read(column);

export const jsonParameter = (value: unknown): Parameter => (value === undefined ? null : JSON.stringify(value));

export const jsonOf = <T>(column: Column): T => JSON.parse(inFull(String(column))) as T;
