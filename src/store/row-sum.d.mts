export declare const rowSum: (columns: readonly unknown[], count?: number) => number;
