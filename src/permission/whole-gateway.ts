import { GatewayError } from '../contract/index.ts';

/** For what no key that is restricted to some devices may do. */
export const wholeGatewayOnly = (what: string): GatewayError =>
  new GatewayError(
    'insufficient_scope',
    `${what} concerns the whole gateway, and this API key is for some devices only. Use a key without that restriction.`,
  );
