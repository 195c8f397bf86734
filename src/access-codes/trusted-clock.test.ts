import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { TrustedClock } from './trusted-clock.ts';

const minute = 60_000;

function box({ right = false }: { readonly right?: boolean } = {}) {
  const clock = new SimulatedClock();
  const source = { right };
  const start = (store: MemoryStore) => {
    const log = pino({ level: 'silent' });
    const time = new TrustedClock({ clock, store, log, source: { isSynchronised: async () => source.right } });
    time.start();
    return { time, store };
  };
  return { clock, source, start, ...start(new MemoryStore({ clock })) };
}

describe('the clock', () => {
  it.each([-4, 4])('is believed after a step of %i minutes', (minutes) => {
    const { clock, time } = box();
    clock.setWallTime(clock.wallTime() + minutes * minute);
    expect(time.moment().sure).toBe(true);
  });

  it.each([-6, 6])('is in doubt after a jump of %i minutes, at once', (minutes) => {
    const { clock, time } = box();
    clock.setWallTime(clock.wallTime() + minutes * minute);
    expect(time.moment().sure).toBe(false);
  });

  it('is believed again as soon as NTP keeps it', async () => {
    const { clock, source, time } = box();
    clock.setWallTime(clock.wallTime() + 60 * minute);
    const heard: boolean[] = [];
    time.onChange(() => heard.push(time.moment().sure));
    expect(time.moment().sure).toBe(false);
    await clock.advance(10 * minute);
    expect(time.moment().sure).toBe(false);
    source.right = true;
    await clock.advance(minute);
    expect(time.moment().sure).toBe(true);
    expect(heard.at(-1)).toBe(true);
  });

  it('behind what was seen before is in doubt at the next start', async () => {
    const { clock, start, store } = box();
    await clock.advance(60 * minute);
    clock.setWallTime(clock.wallTime() - 30 * minute);
    const { time } = start(store.crash());
    expect(time.confidence).toMatchObject({ confirmed: false, reason: expect.stringContaining('has already seen') });
    await time.confirm();
    expect(time.confidence).toEqual({ confirmed: true });
  });

  it('stays in doubt over a restart, also when it is ahead', async () => {
    const { clock, start, store, time } = box();
    clock.setWallTime(clock.wallTime() + 60 * minute);
    expect(time.moment().sure).toBe(false);
    await clock.advance(1_000);
    const second = start(store.crash());
    expect(second.time.moment().sure).toBe(false);
    await second.time.confirm();
    await clock.advance(1_000);
    expect(start(second.store.crash()).time.moment().sure).toBe(true);
  });
});
