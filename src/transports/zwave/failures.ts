import { type Delivery, GatewayError, type GatewayErrorType } from '../../contract/index.ts';

/** Codes of zwave-js 15.29.0, from its ZWaveErrorCodes. */
const codes = {
  stick: [100, 102, 103, 111, 112, 200, 203, 205, 206, 216],
  dropped: [202],
  noAnswer: [201, 204],
  noNode: [211, 213],
  expired: [215, 219],
  cannot: [302, 303, 304, 322],
  noKey: [109, 1402, 1403],
  badSession: [1400, 1401, 1405],
} as const;

const codeOf = (error: unknown): number | undefined => {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'number' ? code : undefined;
};

const isOneOf = (list: readonly number[], code: number | undefined) => code !== undefined && list.includes(code);

/**
 * The stick itself did not do its part, as against the node. One that is slow to answer is not meant: older ones are,
 * while they look for a node that is dead.
 */
export function isStickTrouble(error: unknown): boolean {
  const { context } = (error ?? {}) as { readonly context?: unknown };
  return isOneOf([100, 206], codeOf(error)) || (codeOf(error) === 200 && context !== 'response');
}

/** The command was found to be impossible while it was put together: no byte of it left. */
export const isUnsent = (error: unknown): boolean =>
  isOneOf([...codes.cannot, ...codes.noKey, ...codes.noNode], codeOf(error));

export const fail = (type: GatewayErrorType, message: string, delivery: Delivery, cause?: unknown): GatewayError =>
  new GatewayError(type, message, { delivery, cause });

export const linkDown = (stick: string, hint: string): GatewayError =>
  fail('link_unavailable', `The Z-Wave stick ${stick} cannot be used. ${hint}`, 'not_sent');

/** Who was spoken to. */
export interface Addressee {
  readonly stick: string;
  readonly node: number;
  /** It answered lately what it was asked: it has the key. */
  readonly understood?: boolean;
}

/** No nonce was agreed upon, or what was sent could not be decoded with it: the key differs, or a report crossed it. */
export const isOutOfStep = (error: unknown): boolean => isOneOf(codes.badSession, codeOf(error));

/**
 * What a failure of zwave-js is called here. Its own messages are not quoted: they may describe frames.
 * @param left whether a byte that can act may have left
 */
export function failureOf(error: unknown, who: Addressee, left: boolean) {
  if (error instanceof GatewayError) return error;
  const { stick, node, understood } = who;
  const code = codeOf(error);
  const said = code === undefined ? '' : ` (zwave-js ${code})`;
  const cause = code === undefined ? error : undefined;
  if (isOneOf(codes.noKey, code))
    return fail(
      'misconfigured',
      `Node ${node} of the Z-Wave stick ${stick} was included with a security key that the gateway does not have${said}. Put the network's own keys into its keys_file.`,
      'not_sent',
      cause,
    );
  if (isOutOfStep(error) && understood)
    return fail(
      'device_busy',
      `Node ${node} of the Z-Wave stick ${stick} did not take what it was sent just now${said}: the two got out of step, as when something that it says itself crosses it. Try again in a moment.`,
      'refused',
      cause,
    );
  if (isOutOfStep(error))
    return fail(
      'authentication_failed',
      `Node ${node} of the Z-Wave stick ${stick} cannot read what it is sent${said}: its security key is another one. Check keys_file, or exclude the lock and include it again.`,
      'refused',
      cause,
    );
  if (isOneOf(codes.noNode, code))
    return fail(
      'misconfigured',
      `The Z-Wave stick ${stick} has no node ${node}. Correct the device's link, or include the device.`,
      'not_sent',
      cause,
    );
  if (isOneOf(codes.cannot, code))
    return fail(
      'misconfigured',
      `Node ${node} of the Z-Wave stick ${stick} cannot do this${said}. Check the device's settings against what the node supports.`,
      'not_sent',
      cause,
    );
  if (left)
    return fail(
      'outcome_unknown',
      `The command left for node ${node} of the Z-Wave stick ${stick}, and nothing came back${said}. Look at the device before sending another command.`,
      'maybe_sent',
      cause,
    );
  if (isOneOf(codes.stick, code)) return linkDown(stick, `It does not answer${said}. It is opened again by itself.`);
  if (isOneOf(codes.expired, code))
    return fail(
      'expired',
      `The Z-Wave stick ${stick} was busy for too long; nothing was sent to node ${node}.`,
      'not_sent',
    );
  const what = isOneOf(codes.noAnswer, code) || isOneOf(codes.dropped, code) ? 'does not answer' : 'could not be asked';
  return fail(
    'device_offline',
    `Node ${node} of the Z-Wave stick ${stick} ${what}${said}. Check its battery and its distance to the next node.`,
    'not_sent',
    cause,
  );
}
