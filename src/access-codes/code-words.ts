import { withoutAdvice } from '../attempts/advice.ts';
import type { Failure } from '../attempts/outcome.ts';
import { GatewayError } from '../contract/index.ts';
import type { AccessCodeRecord } from '../model/records.ts';
import type { Want } from './wanted.ts';

/** After so many refusals alike a code is not written again before something has changed. A guess. */
export const refusalsForGood = 3;

/** What a lock says of digits that it does not take: asking again changes nothing before something else does. */
const finalRefusals: ReadonlySet<string> = new Set(['duplicate_code_on_device', 'invalid_access_code']);

export const isFinalRefusal = (type: string): boolean => finalRefusals.has(type);

/** What the gateway knows of a code when an attempt on it has failed. */
export interface CodeProspect {
  /** Undefined when the code is wanted no more and nothing of it is left. */
  readonly code: Pick<AccessCodeRecord, 'removal' | 'placements' | 'startsAt'> | undefined;
  readonly want: Want;
  /** The lock was seen to hold it just as it is wanted. */
  readonly isHeld: boolean;
  /** How often in a row the lock has refused it alike, this time included. */
  readonly refusals: number;
  readonly outOfService: boolean;
}

/**
 * Drivers speak to whoever commands a door: it is theirs to ask again. What is wanted of a code is brought about by the
 * gateway, so that such advice is left out, and what the gateway goes on doing is said instead.
 */
export function inCodeWords(failure: Failure, prospect: CodeProspect): Failure {
  const said = withoutAdvice(failure.message);
  // What was seen of it is known, whatever came afterwards.
  const reason = prospect.isHeld ? said.replace(/^It is not known yet whether [^:]*: /, '') : said;
  return { ...failure, message: [reason, whatFollows(failure, prospect)].filter(Boolean).join(' ') };
}

/** What the gateway does next about a code, in sentences. */
function whatFollows(failure: Failure, { code, want, isHeld, refusals, outOfService }: CodeProspect): string {
  if (!code) return 'Nothing of the code is left to be done.';
  if (isHeld && code.placements.length === 1) {
    return 'The lock was seen to hold the code as it is wanted; nothing needs to be done.';
  }
  if (outOfService) return 'The gateway goes on with the code once the lock is back in service.';
  if (code.removal || want === 'off_lock') {
    if (code.placements.length === 0 && !code.removal) return 'The gateway writes the code when its time comes.';
    return (
      'The gateway goes on until the lock was seen not to hold the code; until then it may still open. Nothing needs ' +
      'to be asked again.'
    );
  }
  if (isFinalRefusal(failure.type) && refusals >= refusalsForGood) {
    return (
      `The lock has refused it ${refusals} times alike, and the gateway stops asking: it tries again once the code is ` +
      'changed, or a code is seen to be gone from the lock.'
    );
  }
  if (isHeld) {
    return (
      'The lock was seen to hold the code as it is wanted; the gateway goes on until what it held before is gone from ' +
      'it. Nothing needs to be asked again.'
    );
  }
  if (want === 'as_it_is') return 'The gateway goes on with the code once its clock is confirmed.';
  return 'The gateway goes on until the lock holds the code; nothing needs to be asked again. Delete the code to call it off.';
}

/** For somebody else's code, which the gateway leaves alone unless it is asked. */
export const inForeignCodeWords = (failure: Failure): Failure => ({
  ...failure,
  message:
    `${withoutAdvice(failure.message)} The gateway looks at the slot again and does nothing else about it: list the ` +
    'unmanaged codes, and delete it again if it is still there.',
});

export const notGiven = (name: string): GatewayError =>
  new GatewayError(
    'superseded',
    `${name} need not be given the code any more: it was deleted, or its time ended, before anything was sent.`,
  );
