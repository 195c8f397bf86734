import type { Database } from 'libsql';

export declare const rowSum: (columns: readonly unknown[], count?: number) => number;
export declare const fillSums: (database: Database) => void;
