import type { FoundUnit } from './modbus-scan.ts';

/** Levels that a transmitter may hold in tenths of a decibel. */
const LEAST_LEVEL = 200;
const MOST_LEVEL = 1400;

/** True when register 0 may be a level in tenths of a decibel. */
export const looksLikeNoise = ({ kind, register = 0 }: FoundUnit): boolean =>
  kind === 'register' && register >= LEAST_LEVEL && register <= MOST_LEVEL;

/** What a unit seems to be, in words. */
export function inWords(unit: FoundUnit): string {
  if (unit.kind === 'relay_board') return `a relay board with 8 relays${unit.inputs ? ' and 8 inputs' : ''}`;
  if (looksLikeNoise(unit))
    return `register 0 holds ${unit.register}: ${((unit.register ?? 0) / 10).toFixed(1)} dB, if it is a noise transmitter`;
  return unit.kind === 'register'
    ? `register 0 holds ${unit.register}`
    : 'it answers, and has neither coils nor register 0';
}

/**
 * Lines for the configuration. What nobody can know from here is left open, with the choices beside it, so that
 * check-config asks for it.
 */
export function fragmentFor(port: string, units: readonly FoundUnit[]): readonly string[] {
  const [first] = units;
  if (first === undefined) return [];
  const { baudRate, parity, stopBits } = first.line;
  const parityPart = parity === 'none' ? '' : `, parity: ${parity}`;
  const stopPart = stopBits === 1 ? '' : `, stop_bits: ${stopBits}`;
  return [
    'serial:',
    `  bus1: { path: ${port}, baud_rate: ${baudRate}${parityPart}${stopPart} }`,
    'devices:',
    ...units.flatMap(deviceLines),
  ];
}

function deviceLines(unit: FoundUnit): readonly string[] {
  const link = `    link: { serial: bus1, unit: ${unit.unit} }`;
  if (unit.kind === 'relay_board')
    return [
      `  - id: door-${unit.unit}`,
      `    name: Door ${unit.unit}`,
      '    driver: serial/modbus-relay',
      link,
      '    settings:',
      `      profile: ${unit.inputs ? 'waveshare-8ch-io' : 'waveshare-8ch'}  # looks like one; see the README of the driver`,
      '      channel: 1',
      '      lock_type:      # fail_secure: power releases it. fail_safe: power holds it.',
      '      relay_contact:  # normally_open or normally_closed: how the lock is wired.',
    ];
  if (looksLikeNoise(unit))
    return [
      `  - id: noise-${unit.unit}`,
      `    name: Noise ${unit.unit}`,
      '    driver: serial/modbus-noise',
      link,
      '    settings: { profile: { register: 0, scale: 0.1 } }',
    ];
  return [`  # Unit ${unit.unit}: ${inWords(unit)}. No driver is known for it.`];
}
