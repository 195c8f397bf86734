import { type AccessCodeRules, GatewayError, type Secret } from '../contract/index.ts';

/**
 * Judges a code by the lock's own rules before anything is sent. The texts never contain the code.
 * @throws GatewayError `invalid_input`
 */
export function assertAcceptable(code: Secret, rules: AccessCodeRules, deviceName: string): void {
  const digits = code.reveal();
  if (!rules.lengths.includes(digits.length)) {
    throw new GatewayError('invalid_input', `code: ${deviceName} takes codes of ${lengthsInWords(rules)} digits.`);
  }
  if ([...digits].some((digit) => !rules.digits.includes(digit))) {
    throw new GatewayError('invalid_input', `code: ${deviceName} takes the digits ${rules.digits} only.`);
  }
  const refusal = rules.refuse?.(code);
  if (refusal !== undefined) throw new GatewayError('invalid_input', `code: ${refusal}`);
}

/** Which lengths a lock takes, for messages. */
export function lengthsInWords({ lengths }: AccessCodeRules): string {
  const [first, last] = [lengths[0], lengths.at(-1)];
  if (first === undefined || last === undefined) return 'no';
  if (first === last) return String(first);
  const isRange = last - first + 1 === lengths.length;
  return isRange ? `${first} to ${last}` : `${lengths.slice(0, -1).join(', ')} or ${last}`;
}
