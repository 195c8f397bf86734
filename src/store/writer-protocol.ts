import type { AuditHead } from '../model/store.ts';
import type { Parameter } from './columns.ts';

/** One prepared statement to run. */
export type Step = readonly [
  /** Index into {@link WriterOptions.statements}. */
  statement: number,
  parameters: readonly Parameter[],
  /** Whether the unit cannot be applied when it changes no row. */
  mustChange: boolean,
];

/** What is kept together or not at all. */
export interface Unit {
  readonly steps: readonly Step[];
  /** Refused first when the disk is full, to leave the room that is left to what is under way already. */
  readonly startsWork: boolean;
  /** Entries of the audit log: their text without the number, and the name that goes with them. */
  readonly audit?: readonly (readonly [text: string, name: string | null])[];
}

/** Why a unit was not kept. `step` is the one that failed, -1 when the unit was not tried or failed as a whole. */
export interface UnitFailure {
  readonly reason: 'refused' | 'no_room' | 'busy';
  readonly step: number;
  readonly message: string;
}

/** The first message. */
export interface WriterOptions {
  readonly path: string;
  /** A `file:` URL of a folder of `NNNN-name.sql`. */
  readonly migrations: string;
  /** SQL, prepared when first used. */
  readonly statements: readonly string[];
  /** Size of the reserve file, in bytes. */
  readonly reserveBytes: number;
  /** How often a full disk is looked at again, in milliseconds. */
  readonly probeMs: number;
  /** For tests: see WriterFaults. */
  readonly faults?: SharedArrayBuffer;
}

/** Units as JSON: sending one string costs a fraction of what sending many small arrays does, measured. */
export type ToWriter =
  | { readonly kind: 'commit'; readonly units: string }
  /** The audit log is kept from now on. `statement` puts an entry. */
  | {
      readonly kind: 'keep_audit';
      readonly key: Uint8Array;
      readonly statement: number;
      /** Where it is known to have ended. */
      readonly end?: AuditHead;
    }
  /** Nothing of what was deleted may be left in the log. */
  | { readonly kind: 'scrub' }
  | { readonly kind: 'close' };

export type FromWriter =
  /** `takenOut`: rows that were damaged beyond telling which they were. */
  | { readonly kind: 'ready'; readonly hasRoom: boolean; readonly takenOut: readonly string[] }
  /** The database cannot be used; the thread ends. */
  | { readonly kind: 'unusable'; readonly message: string }
  /** One entry per unit: null when it is on disk. */
  | {
      readonly kind: 'committed';
      readonly failures: readonly (UnitFailure | null)[] | null;
      /** Where the audit log ends, when it grew. */
      readonly audit: { readonly seq: number; readonly hash: string } | null;
    }
  | { readonly kind: 'room'; readonly hasRoom: boolean; readonly message: string }
  /** Nobody knows what is on disk: the process must end. */
  | { readonly kind: 'fatal'; readonly code: string; readonly message: string }
  /** False: somebody reads what is to go, or the disk is full. */
  | { readonly kind: 'scrubbed'; readonly isClean: boolean }
  | { readonly kind: 'closed' };
