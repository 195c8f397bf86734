import { GatewayError } from '../contract/index.ts';

/** It was written, and could not be read since. @param why the last look failed */
export const autoLockUnknown = (name: string, why?: GatewayError): GatewayError =>
  new GatewayError(
    'outcome_unknown',
    `It is not known whether ${name} locks itself as it was told to: it was written, and could not be read since. Ask for ` +
      `it again: that does no harm.${why ? ` ${why.message}` : ''}`,
    { delivery: 'maybe_sent', cause: why },
  );
