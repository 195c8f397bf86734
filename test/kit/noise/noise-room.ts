import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { NoiseEpisode } from '../../../src/model/gateway.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import { coreFixture } from '../gateway/core-fixture.ts';
import { ScriptedLock } from '../locks/scripted-lock.ts';
import { ScriptedSensor } from './scripted-sensor.ts';

/** A level in dB, or nothing heard, for so many seconds. */
export type Sound = readonly [level: number | 'silent', seconds: number];

export interface NoiseRoomOptions {
  /** Wall time at the beginning; an evening in May unless told. */
  readonly startsAt?: number;
  readonly intervalMs?: number;
  /** An earlier run: its clock goes on, and the store has what it committed. */
  readonly before?: { readonly clock: SimulatedClock; readonly store: MemoryStore };
  /** The sensor keeps a limit of its own. */
  readonly limit?: ScriptedSensor['limit'];
  /** For how many days levels are kept. */
  readonly levelDays?: number;
  /** There is no sensor any more. */
  readonly bare?: boolean;
}

/** A core with a sensor in the hall, a lock at the front, and what the sensor hears. */
export async function noiseRoom(options: NoiseRoomOptions = {}) {
  const { startsAt = Date.UTC(2026, 4, 1, 20, 30), intervalMs = 1_000, before, levelDays, bare = false } = options;
  const clock = before?.clock ?? new SimulatedClock(startsAt);
  const sensor = new ScriptedSensor(intervalMs);
  sensor.limit = options.limit;
  const lock = new ScriptedLock();
  const fixture = coreFixture({
    clock,
    ...(before && { store: before.store.crash() }),
    ...(levelDays !== undefined && { keptDays: { people: undefined, noise: levelDays } }),
    timeSource: { isSynchronised: async () => true },
    devices: [
      ...(bare ? [] : [{ slug: 'hall', driver: sensor.driver, link: sensor.link }]),
      { slug: 'front', driver: lock.driver, link: lock.link },
    ],
  });
  const { noise } = fixture.core;
  const episodes: NoiseEpisode[] = [];
  noise.onEpisode((episode) => episodes.push(episode));
  await fixture.core.start();
  await clock.settle();
  const play = async (...sounds: Sound[]) => {
    for (const [level, seconds] of sounds) {
      for (let ms = 0; ms < seconds * 1_000; ms += intervalMs) {
        if (level !== 'silent') sensor.hear(level);
        await clock.advance(intervalMs);
      }
    }
  };
  /** 22:00 to 07:00 in Zurich is 20:00 to 05:00 UTC in May. */
  const create = (decibels = 60, starts = '22:00:00', ends = '07:00:00', sustainedMs?: number) =>
    noise.create(
      {
        deviceId: 'hall',
        startsDailyAt: starts,
        endsDailyAt: ends,
        decibels,
        ...(sustainedMs !== undefined && { sustainedMs }),
      },
      fixture.origin(),
    );
  return { ...fixture, noise, sensor, episodes, play, create };
}
