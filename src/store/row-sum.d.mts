export declare const rowSum: (columns: readonly unknown[]) => number;
