/** All in milliseconds. */
export interface BleTimings {
  /** How long a device may take to be heard and connected to. */
  readonly connectMs: number;
  /** How long one GATT operation may take. */
  readonly operationMs: number;
  /** How long agreeing on the MTU and finding services may take. */
  readonly prepareMs: number;
  /** After which silence a link counts as lost: noble's own 420 ms is too little behind a wall. */
  readonly supervisionMs: number;
  /** Shortest and longest connection interval to ask for: 7.5 ms steps of 1.25 ms. */
  readonly intervalMs: readonly [number, number];
  /** How often a scan is begun anew. */
  readonly rearmScanMs: number;
  /** How long a controller may take to get ready. */
  readonly powerOnMs: number;
}

/** Where a number is not the specification's, it is a guess that the emulated radio bore out. */
export const defaultTimings: BleTimings = {
  connectMs: 5_000,
  operationMs: 2_500,
  prepareMs: 5_000,
  supervisionMs: 2_000,
  intervalMs: [7.5, 15],
  rearmScanMs: 5_000,
  powerOnMs: 5_000,
};
