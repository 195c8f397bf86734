export interface LineSettings {
  readonly baudRate: number;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
}

/** MODBUS over Serial Line V1.02, section 2.5.1.1: a character of the silent interval counts 11 bits. */
const SILENCE_CHARACTERS = 3.5;
const SILENCE_BITS_PER_CHARACTER = 11;
/** The same section: above 19200 baud the interval is fixed. */
const FAST_BAUD_RATE = 19_200;
const FAST_SILENCE_MS = 1.75;

/** How long the line must have been silent before a frame may begin, in milliseconds. */
export function silenceMs({ baudRate }: LineSettings): number {
  if (baudRate > FAST_BAUD_RATE) return FAST_SILENCE_MS;
  return (SILENCE_CHARACTERS * SILENCE_BITS_PER_CHARACTER * 1000) / baudRate;
}

/** How long so many bytes take on the wire, in milliseconds: start bit, eight data bits, parity, stop bits. */
export function wireMs(byteCount: number, { baudRate, parity, stopBits }: LineSettings): number {
  const bits = 9 + (parity === 'none' ? 0 : 1) + stopBits;
  return (byteCount * bits * 1000) / baudRate;
}
