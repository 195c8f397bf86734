export declare const chainBegin: Buffer;
export declare function chainHash(key: Uint8Array, before: Uint8Array, seq: number, text: string): Buffer;
export declare const chainSeal: (key: Uint8Array, what: 'head' | 'anchor', seq: number, hash: string) => string;
export declare const numbered: (seq: number, text: string) => string;
