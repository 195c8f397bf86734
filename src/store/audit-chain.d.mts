import type { Database, Statement } from 'libsql';
import type { Unit } from './writer-protocol.ts';

export declare const chainBegin: Buffer;
export declare function chainHash(key: Uint8Array, before: Uint8Array, seq: number, text: string): Buffer;
export declare const chainSeal: (key: Uint8Array, what: 'head' | 'anchor', seq: number, hash: string) => string;
export declare const numbered: (seq: number, text: string) => string;

interface Head {
  readonly seq: number;
  readonly hash: Uint8Array;
}

export declare class ChainEnd implements Head {
  constructor(
    database: Database,
    key: Uint8Array,
    insert: Statement<unknown[]>,
    end?: { readonly seq: number; readonly hash: string },
  );
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly head: Head;
  add(entries: NonNullable<Unit['audit']>): void;
  backTo(head: Head): void;
}
