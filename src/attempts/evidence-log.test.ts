import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import type { WeighedMessage } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { EvidenceLog } from './attempt.ts';

const message = (at: number, more: Partial<WeighedMessage> = {}): WeighedMessage => ({
  at,
  source: 'told',
  about: 'bolt',
  value: 'locked',
  verdict: 'not_counted',
  ...more,
});

describe('the messages that are kept with an attempt', () => {
  it('are counted when they repeat themselves', () => {
    const clock = new SimulatedClock();
    const log = new EvidenceLog(clock);
    for (let n = 0; n < 5; n += 1) log.add(message(clock.now()));
    log.add(message(clock.now(), { value: 'unlocked', verdict: 'proves' }));
    expect(log.heard?.map(({ value, times }) => [value, times])).toEqual([
      ['locked', 5],
      ['unlocked', 1],
    ]);
  });

  it('are few however many come: the first, and the last, with which it ended', () => {
    const clock = new SimulatedClock();
    const log = new EvidenceLog(clock);
    for (let n = 0; n < 1_000; n += 1) {
      log.add(message(clock.now(), { about: `slot/${n}` }));
      if (n === 500) log.turn();
    }
    const kept = log.heard?.map(({ about }) => about) ?? [];
    expect(kept).toHaveLength(16);
    expect(kept.at(-1)).toBe('slot/999');
    const other = new EvidenceLog(clock);
    for (let n = 0; n < 1_000; n += 1) other.add(message(clock.now(), { about: `slot/${n}` }));
    const all = other.heard?.map(({ about }) => about) ?? [];
    expect(all).toHaveLength(24);
    expect(all.slice(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((n) => `slot/${n}`));
    expect(all.at(-1)).toBe('slot/999');
  });

  it('hold no digits, whatever a driver says', () => {
    const clock = new SimulatedClock();
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^\d{3,9}$/), fc.string(), (before, digits, after) => {
        const log = new EvidenceLog(clock);
        log.add(message(clock.now(), { value: before + digits + after, about: before + digits }));
        expect(log.heard?.[0]).toMatchObject({ value: 'other' });
        expect(JSON.stringify([log.heard?.[0]?.about, log.heard?.[0]?.value])).not.toContain(digits);
      }),
    );
  });
});
