import { type AccessCodeRules, GatewayError, Secret } from '../contract/index.ts';
import { lengthsInWords } from './code-rules.ts';

/** The length of a generated code where the lock accepts it and nobody asked for another. */
const usualLength = 6;

/** How often a code is drawn before giving up: a lock whose every code is weak or taken is out of codes. */
const draws = 1_000;

/** A lock that a generated code is for. */
export interface CodeTarget {
  readonly name: string;
  readonly rules: AccessCodeRules;
  readonly isTaken: (code: Secret) => boolean;
}

/**
 * Draws a code that every one of the locks accepts, that nobody would guess first, and that is not taken.
 * @param randomInt an unpredictable whole number from 0 up to, but not including, its argument
 * @throws GatewayError `invalid_input` when no length or digits fit, `no_space_for_access_code_on_device`
 */
export function generateCode(
  targets: readonly CodeTarget[],
  wantedLength: number | undefined,
  randomInt: (below: number) => number,
): Secret {
  const [first, ...others] = targets;
  if (!first) throw new GatewayError('invalid_input', 'device_ids: name at least one device.');
  const shared = (length: number) => others.every(({ rules }) => rules.lengths.includes(length));
  const lengths = first.rules.lengths.filter(shared);
  const alphabet = [...first.rules.digits].filter((digit) => others.every(({ rules }) => rules.digits.includes(digit)));
  const length = wantedLength ?? (lengths.includes(usualLength) ? usualLength : lengths.at(-1));
  if (length === undefined || !lengths.includes(length) || alphabet.length === 0) throw noLength(targets, wantedLength);
  for (let draw = 0; draw < draws; draw++) {
    const digits = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
    const code = new Secret(digits);
    if (
      !isWeak(digits) &&
      targets.every(({ rules, isTaken }) => rules.refuse?.(code) === undefined && !isTaken(code))
    ) {
      return code;
    }
  }
  throw new GatewayError(
    'no_space_for_access_code_on_device',
    `${targets.map(({ name }) => name).join(', ')}: no code is left that would be accepted and is not in use. Delete ` +
      'some, or choose the digits yourself.',
  );
}

function noLength(targets: readonly CodeTarget[], wanted: number | undefined): GatewayError {
  const each = targets.map(({ name, rules }) => `${name} takes codes of ${lengthsInWords(rules)} digits`).join('; ');
  const what = wanted === undefined ? 'code: no one code fits all of these doors' : 'preferred_code_length';
  return new GatewayError('invalid_input', `${what}: ${each}.`);
}

/** Keys in a line on a usual keypad (three columns, 0 below 8): what a finger draws without thinking. */
const lines = ['147', '258', '369', '2580', '159', '357', '1590', '3570'];

/**
 * What people try first: few different digits, a run up or down, a repeated part, a mirrored code, lines on the
 * keypad, a year, a date.
 */
export function isWeak(digits: string): boolean {
  return (
    fewDigits(digits) ||
    isRun(digits) ||
    isRepeated(digits) ||
    isMirrored(digits) ||
    isDrawn(digits) ||
    /^(19|20)\d\d$/.test(digits) ||
    isDate(digits)
  );
}

/** One digit throughout, or two in a code of five and more. */
const fewDigits = (digits: string): boolean => new Set(digits).size <= (digits.length >= 5 ? 2 : 1);

/** Every step the same: 1234, 8642, 9012. */
function isRun(digits: string): boolean {
  const steps = [...digits].slice(1).map((digit, index) => (Number(digit) - Number(digits[index]) + 10) % 10);
  return steps.every((step) => step === steps[0]);
}

const isRepeated = (digits: string): boolean => /^(\d+)\1+$/.test(digits);

const isMirrored = (digits: string): boolean => digits === [...digits].reverse().join('');

const isDrawn = (digits: string): boolean =>
  lines.some((line) => {
    const both = [line, [...line].reverse().join('')];
    return both.some(
      (one) => digits === one || (digits.length === 6 && digits.startsWith(one) && lines.includes(digits.slice(3))),
    );
  });

/** A birthday in six or eight digits, in any usual order: 230487, 042387, 870423, 23041987, 19870423. */
function isDate(digits: string): boolean {
  const isDay = (text: string) => Number(text) >= 1 && Number(text) <= 31;
  const isMonth = (text: string) => Number(text) >= 1 && Number(text) <= 12;
  const dayAndMonth = (text: string) =>
    (isDay(text.slice(0, 2)) && isMonth(text.slice(2))) || (isMonth(text.slice(0, 2)) && isDay(text.slice(2)));
  if (digits.length === 6) return dayAndMonth(digits.slice(0, 4)) || dayAndMonth(digits.slice(2));
  if (digits.length !== 8) return false;
  const isYear = (text: string) => /^(19|20)\d\d$/.test(text);
  return (
    (isYear(digits.slice(4)) && dayAndMonth(digits.slice(0, 4))) ||
    (isYear(digits.slice(0, 4)) && dayAndMonth(digits.slice(4)))
  );
}
