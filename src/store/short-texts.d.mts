type Shorten = (json: string) => string;

export declare const shortEntry: Shorten;
export declare const shortActor: Shorten;
export declare const shortDetails: Shorten;
export declare const shortHistory: Shorten;
export declare const inFull: (text: string) => string;
