import type { Secret, ZwaveBolt, ZwaveCode, ZwaveReport } from '../../../src/contract/index.ts';
import type { Claim, Traits, Value } from '../../../src/driver-kit/evidence/claims.ts';
import { REPEATS_WITHIN_MS } from './repeats.ts';

/** zwave-js waits so long for a report; one that comes later would be taken for the answer to the next question. */
export const LATE_ANSWER_MS = 10_000;

/**
 * What is read this soon after a write that the lock has not called done says nothing against it: zwave-js itself looks
 * so long after a write that is not supervised (its option `timeouts.refreshValue`).
 */
export const STORES_WITHIN_MS = 5_000;

/** What is told may be of before, so that it only makes somebody ask. */
export const traits: Traits = {
  answers: 'in_turn',
  lateByMs: LATE_ANSWER_MS,
  oldByMs: REPEATS_WITHIN_MS,
  acknowledgedBy: 'nobody',
  tellsChanges: false,
  echoes: false,
};

const bolts: Readonly<Record<ZwaveBolt, Value>> = {
  secured: 'locked',
  unsecured: 'unlocked',
  inside_only: 'not_known',
  between: 'half_way',
  unknown: 'not_known',
};

export const boltClaim = (bolt: ZwaveBolt, at: number): Claim => ({ about: 'bolt', value: bolts[bolt], at });

/** What a report says of the bolt; most say nothing of it. */
export function claimsOf(report: ZwaveReport, at: number): readonly Claim[] {
  switch (report.report) {
    case 'bolt':
      return [boltClaim(report.bolt, at)];
    case 'operated':
      return [{ about: 'bolt', value: report.operation, cause: report.by === 'radio' ? 'remote' : 'other', at }];
    case 'jammed':
      return [{ about: 'bolt', value: 'stuck', at }];
    default:
      return [];
  }
}

export const aboutSlot = (slot: number): string => `slot/${slot}`;

/** @param wanted the code that the slot is looked at for */
export function slotClaim(slot: number, { place, code }: ZwaveCode, wanted: Secret | undefined, at: number): Claim {
  const claim = (value: Value): Claim => ({ about: aboutSlot(slot), value, at });
  if (place === 'unknown') return claim('not_known');
  if (place !== 'occupied') return claim(place);
  if (code === undefined || isMasked(code)) return claim('withheld');
  if (wanted === undefined) return claim('other');
  if (code.equals(wanted)) return claim('ours');
  // As a number it has lost its leading zeros: 0815 comes as 815.
  return claim(withoutZeros(code) === withoutZeros(wanted) ? 'withheld' : 'other');
}

/** No code of a Z-Wave lock is shorter than 4 digits (CC:0063), and one digit all over is a mask. */
export const isMasked = (code: Secret): boolean => !/^\d{4,10}$/.test(code.reveal()) || /^(\d)\1*$/.test(code.reveal());

const withoutZeros = (code: Secret): string => code.reveal().replace(/^0+/, '');
