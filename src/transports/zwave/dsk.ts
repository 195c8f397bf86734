/** Groups of a DSK, and digits of a group (SDS13783, "Security 2 command class", DSK representation). */
const GROUPS = 8;
const HIGHEST = 0xffff;

/**
 * A DSK as it is printed on a device, with or without its hyphens, as zwave-js wants it.
 * @returns undefined for what is none
 */
export function dskFrom(text: string): string | undefined {
  const digits = text.replace(/[\s-]/g, '');
  if (!/^\d{40}$/.test(digits)) return undefined;
  const groups = digits.match(/\d{5}/g) ?? [];
  if (groups.length !== GROUPS || groups.some((group) => Number(group) > HIGHEST)) return undefined;
  return groups.join('-');
}

/** Why it is no DSK, as a sentence that does not repeat it; undefined when it is one. */
export const dskProblem = (text: string): string | undefined =>
  dskFrom(text) === undefined
    ? 'A DSK has eight groups of five digits, each at most 65535: it is printed on the device or its box, beside the QR code.'
    : undefined;

/** The PIN is the first group of the DSK, which the device does not tell over the air. */
export const pinProblem = (text: string): string | undefined =>
  /^\d{5}$/.test(text) && Number(text) <= HIGHEST
    ? undefined
    : 'A PIN of Z-Wave has five digits, at most 65535: the first group of the DSK, underlined on the device.';
