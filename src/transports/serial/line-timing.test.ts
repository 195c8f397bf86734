import { expect, it } from 'vitest';
import { silenceMs, wireMs } from './line-timing.ts';

const line = { parity: 'none', stopBits: 1 } as const;

it.each([
  // baud, 3.5 characters, question and answer of a one-register read (8 and 7 bytes) with the silence
  [2400, 16.04, 78.5],
  [4800, 8.02, 39.3],
  [9600, 4.01, 19.6],
  [19_200, 2.01, 9.8],
  [115_200, 1.75, 3.05],
])('at %i baud a line is silent for %f ms and a read takes %f ms', (baudRate, silence, read) => {
  const settings = { ...line, baudRate };
  expect(silenceMs(settings)).toBeCloseTo(silence, 1);
  expect(wireMs(15, settings) + silenceMs(settings)).toBeCloseTo(read, 1);
});

it('counts parity and the second stop bit', () => {
  expect(wireMs(1, { baudRate: 1000, parity: 'none', stopBits: 1 })).toBe(10);
  expect(wireMs(1, { baudRate: 1000, parity: 'even', stopBits: 2 })).toBe(12);
});
