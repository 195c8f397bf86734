import { type AccessCodeRules, GatewayError, Secret } from '../contract/index.ts';

/** The length of a generated code where the lock accepts it and nobody asked for another. */
const usualLength = 6;

/** How often a code is drawn before giving up: a lock whose every code is weak or taken is out of codes. */
const draws = 1_000;

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

/**
 * Draws a code that the lock accepts, that nobody would guess first, and that is not taken.
 * @param randomInt an unpredictable whole number from 0 up to, but not including, its argument
 * @throws GatewayError `invalid_input` when the wanted length does not fit, `no_space_for_access_code_on_device`
 */
export function generateCode(
  rules: AccessCodeRules,
  deviceName: string,
  wantedLength: number | undefined,
  randomInt: (below: number) => number,
  isTaken: (code: Secret) => boolean,
): Secret {
  const length = wantedLength ?? (rules.lengths.includes(usualLength) ? usualLength : rules.lengths.at(-1));
  if (length === undefined || !rules.lengths.includes(length)) {
    throw new GatewayError(
      'invalid_input',
      `preferred_code_length: ${deviceName} takes codes of ${lengthsInWords(rules)} digits.`,
    );
  }
  for (let draw = 0; draw < draws; draw++) {
    const digits = Array.from({ length }, () => rules.digits[randomInt(rules.digits.length)]).join('');
    const code = new Secret(digits);
    if (!isWeak(digits) && rules.refuse?.(code) === undefined && !isTaken(code)) return code;
  }
  throw new GatewayError(
    'no_space_for_access_code_on_device',
    `${deviceName} has no unused code of ${length} digits left. Delete codes that are no longer needed.`,
  );
}

/** What people try first: one digit throughout, a run up or down, a repeated pair or half, a year. */
export function isWeak(digits: string): boolean {
  const steps = [...digits].slice(1).map((digit, index) => (Number(digit) - Number(digits[index]) + 10) % 10);
  if (steps.every((step) => step === 0) || steps.every((step) => step === 1) || steps.every((step) => step === 9)) {
    return true;
  }
  const half = digits.length / 2;
  if (Number.isInteger(half) && digits.slice(0, half) === digits.slice(half)) return true;
  if (digits.length % 2 === 0 && digits === digits.slice(0, 2).repeat(half)) return true;
  return /^(19|20)\d\d$/.test(digits);
}

function lengthsInWords({ lengths }: AccessCodeRules): string {
  const [first, last] = [lengths[0], lengths.at(-1)];
  if (first === undefined || last === undefined) return 'no';
  if (first === last) return String(first);
  const isRange = last - first + 1 === lengths.length;
  return isRange ? `${first} to ${last}` : `${lengths.slice(0, -1).join(', ')} or ${last}`;
}
