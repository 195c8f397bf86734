import { expect } from 'vitest';
import type { Heard } from '../../kit/broker/mqtt-witness.ts';
import type { Ended } from './commander.ts';

/** From the gateway's socket through the broker to the witness on this machine, with room for a busy one. */
const ON_THE_WAY_MS = 250;

export interface Tally {
  readonly sent: number;
  readonly notSent: number;
  readonly unknown: number;
  readonly heard: number;
  /** Milliseconds after `send_by` at which the last one came; negative: before. */
  readonly latest: number;
}

/** Holds what ended against what was heard: nothing twice, nothing late, and nothing heard that was not sent. */
export function judge(ended: readonly Ended[], heard: readonly Heard[]): Tally {
  const arrivals = new Map<number, number[]>();
  for (const { payload, at } of heard) arrivals.set(Number(payload), [...(arrivals.get(Number(payload)) ?? []), at]);
  let latest = Number.NEGATIVE_INFINITY;
  const tally = { sent: 0, notSent: 0, unknown: 0 };
  for (const { number, sendBy, outcome } of ended) {
    const at = arrivals.get(number) ?? [];
    expect(at.length, `how often command ${number} was heard`).toBeLessThanOrEqual(1);
    for (const moment of at) latest = Math.max(latest, moment - sendBy);
    if (outcome === 'sent') tally.sent++;
    else if (outcome.delivery === 'not_sent') {
      tally.notSent++;
      expect(at, `command ${number} counts as not sent`).toEqual([]);
    } else {
      tally.unknown++;
      expect(outcome.delivery).toBe('maybe_sent');
    }
  }
  expect(latest, 'ms after send_by').toBeLessThan(ON_THE_WAY_MS);
  return { ...tally, heard: heard.length, latest: Math.round(latest) };
}
