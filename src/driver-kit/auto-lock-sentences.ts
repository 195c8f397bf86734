import { GatewayError } from '../contract/index.ts';

/** It was written, and could not be read since. */
export const autoLockUnknown = (name: string): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    `It is not known whether ${name} locks itself as it was told to: it was written, and could not be read since. Ask for ` +
      'it again: that does no harm.',
    { delivery: 'maybe_sent' },
  );
