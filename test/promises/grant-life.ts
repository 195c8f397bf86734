import type { WriteFault } from '../kit/locks/timed-keypad.ts';

/** The doors of the house, in the order in which steps number them. */
export const slugs = ['front', 'side', 'back'] as const;

/** One thing that happens, and how long passes after it. Numbers are chosen by fast-check, so that they shrink. */
export type GrantStep = { readonly afterMs: number } & (
  | {
      readonly kind: 'create';
      /** A bit for each door, and for each space. */
      readonly doors: number;
      readonly spaces: number;
      readonly from: number | undefined;
      readonly minutes: number | undefined;
      readonly digits: string | undefined;
    }
  | { readonly kind: 'end'; readonly which: number; readonly minutes: number | undefined }
  | { readonly kind: 'start'; readonly which: number; readonly from: number }
  | { readonly kind: 'delete' | 'more' | 'less'; readonly which: number }
  | { readonly kind: 'membership'; readonly space: number; readonly doors: number }
  | { readonly kind: 'leave' | 'leave_unheard' | 'return' | 'lose_all'; readonly door: number }
  | { readonly kind: 'crash' | 'crash_kept' | 'disk_full' | 'disk_free' | 'quiet' }
  /** In the moment in which a lock has done what it was asked next, should it be before the next step. */
  | { readonly kind: 'crash_at_write' }
  | { readonly kind: 'dead_for'; readonly minutes: number }
  | { readonly kind: 'fault'; readonly door: number; readonly fault: WriteFault }
  | { readonly kind: 'by_hand'; readonly door: number; readonly slot: number; readonly digits: string | undefined }
);

/** What somebody wants, as whoever asked for it would put it: the judge never asks the gateway. */
export interface GrantWish {
  readonly id: string;
  doors: readonly string[];
  spaces: readonly number[];
  startsAt: number;
  endsAt: number | undefined;
  /** Nothing of it is wanted any more. */
  isDeleted: boolean;
  /** One of its PINs was deleted: which doors have none then depends on how they shared them. */
  isPartial: boolean;
  /** Every PIN that the gateway ever told of it. */
  readonly pins: Set<string>;
}
