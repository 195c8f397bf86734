import { type AccessCodeSettings, usualSettings } from '../../../src/access-codes/settings.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import { coreFixture, type FixtureOptions } from '../gateway/core-fixture.ts';
import { ScriptedLock } from './scripted-lock.ts';
import { TimedKeypad, type TimedKeypadOptions } from './timed-keypad.ts';

export interface HouseDoor extends Partial<Omit<TimedKeypadOptions, 'clock' | 'trueTime'>> {
  readonly slug: string;
  /** A door without a keypad. */
  readonly bare?: boolean;
}

export interface KeypadHouseOptions extends Omit<FixtureOptions, 'devices' | 'clock' | 'accessCodes'> {
  readonly clock?: SimulatedClock;
  readonly doors?: readonly (HouseDoor | string)[];
  readonly settings?: Partial<AccessCodeSettings>;
}

/** Keypads and a core that looks after them. The keypads outlive it: `again` starts another core on what is on disk. */
export async function keypadHouse({ settings, doors = ['front', 'side'], ...options }: KeypadHouseOptions = {}) {
  const clock = options.clock ?? new SimulatedClock();
  const described = doors.map((door) => (typeof door === 'string' ? { slug: door } : door));
  const keypads = new Map<string, TimedKeypad>();
  const locks = new Map<string, ScriptedLock<TimedKeypad>>();
  for (const { slug, bare, ...more } of described) {
    const lock = new ScriptedLock<TimedKeypad>();
    if (!bare) {
      const keypad = new TimedKeypad({ clock, trueTime: () => clock.wallTime(), slots: 6, ...more });
      keypads.set(slug, keypad);
      lock.keypad = keypad;
    }
    locks.set(slug, lock);
  }
  const begin = async (store?: MemoryStore, seed = options.seed ?? 1) => {
    const fixture = coreFixture({
      timeSource: { isSynchronised: async () => true },
      ...options,
      clock,
      seed,
      ...(store && { store }),
      accessCodes: { ...usualSettings, ...settings },
      devices: [...locks].map(([slug, { driver, link }]) => ({ slug, driver, link })),
    });
    await fixture.core.start();
    return fixture;
  };
  const keypad = (slug: string): TimedKeypad => {
    const found = keypads.get(slug);
    if (!found) throw new Error(`${slug} has no keypad`);
    return found;
  };
  return { ...(await begin()), keypad, keypads, locks, begin };
}

export const hour = 3_600_000;
export const day = 24 * hour;
