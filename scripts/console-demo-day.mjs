import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { systemClock } from '../src/clock/system-clock.ts';
import { SqliteStore } from '../src/store/sqlite-store.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Gives a sensor a week that it did not hear: quiet nights, days with people, an evening that was too loud, and an hour
 * in which it was unplugged. Written as the gateway itself keeps it.
 * @param {{ database: string, deviceId: string, thresholdId: string, thresholdName: string, decibels: number }} options
 */
export async function seedNoise({ database, deviceId, thresholdId, thresholdName, decibels }) {
  const store = await SqliteStore.open({
    clock: systemClock,
    log: pino({ level: 'silent' }),
    onFatal: (/** @type {Error} */ error) => {
      throw error;
    },
    path: database,
    retentionDays: 90,
    maxEvents: 100_000,
  });
  const now = Date.now();
  const party = [Math.floor((now - 9 * hour) / minute) * minute, Math.floor((now - 8 * hour) / minute) * minute];
  const away = [now - 17 * hour, now - 15.6 * hour];
  const within = (/** @type {number} */ at, /** @type {number[]} */ [from = 0, until = 0]) => at >= from && at < until;
  const level = (/** @type {number} */ at) => {
    const hours = new Date(at).getHours();
    const people = hours >= 7 && hours < 22 ? 12 + 6 * Math.sin((hours - 7) / 2.4) : 2;
    return 36 + people + 2 * noise(at) + (within(at, party) ? 22 - 6 * noise(at * 3) : 0);
  };
  /** @type {any[]} */
  const changes = [];
  const thisHour = Math.floor(now / hour);
  for (let number = thisHour - 24; number <= thisHour; number += 1) {
    const minutes = [];
    for (let n = 0; n < 60; n += 1) {
      const at = number * hour + n * minute;
      if (at > now - 2 * minute || within(at, away)) continue;
      const average = level(at);
      minutes.push([n, tenths(average), tenths(average + 2 + 3 * noise(at * 7)), 60]);
    }
    if (minutes.length > 0)
      changes.push({
        kind: 'fact_put',
        name: `noise_levels:${deviceId}:${number % 25}`,
        value: JSON.stringify({ hour: number, minutes }),
      });
  }
  const today = Math.floor(now / day);
  const loud = [party];
  for (let number = today - 7; number <= today; number += 1) {
    const hours = [];
    for (let n = 0; n < 24; n += 1) {
      const at = number * day + n * hour;
      if (at > now - hour || (number === today - 4 && n > 8 && n < 13) || within(at, away)) continue;
      const isLoud = number % 3 === 0 && n === 21;
      if (isLoud && number !== today) loud.push([at + 12 * minute, at + 51 * minute]);
      const average = level(at) + (isLoud ? 24 : 0);
      hours.push([n, tenths(average), tenths(average + 6 + 6 * noise(at)), 3_600]);
    }
    changes.push({
      kind: 'fact_put',
      name: `noise_week:${deviceId}:${number % 8}`,
      value: JSON.stringify({ day: number, hours }),
    });
  }
  for (const [from = 0, until = 0] of loud)
    for (const isEnd of [false, true])
      changes.push({
        kind: 'event_put',
        event: {
          eventId: randomUUID(),
          eventType: isEnd
            ? 'strikeplate.noise_sensor.noise_threshold_ended'
            : 'noise_sensor.noise_threshold_triggered',
          deviceId,
          noiseThresholdId: thresholdId,
          occurredAt: isEnd ? until : from,
          createdAt: isEnd ? until : from,
          details: {
            noise_threshold_name: thresholdName,
            noise_level_decibels: decibels + 4.2,
            noise_threshold_decibels: decibels,
            peak_decibels: decibels + 13.6,
            metric: 'LAeq',
            started_at: new Date(from).toISOString(),
            ...(isEnd && { ended_at: new Date(until).toISOString() }),
          },
        },
      });
  await store.commit(changes);
  await store.close();
}

const tenths = (/** @type {number} */ value) => Math.round(value * 10) / 10;

/** Between 0 and 1, the same for the same time. */
const noise = (/** @type {number} */ at) => {
  const x = Math.sin(Math.floor(at / minute) * 12.9898) * 43_758.5453;
  return x - Math.floor(x);
};
