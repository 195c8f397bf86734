import type { EventDraft } from '../model/event-types.ts';
import type { NoiseEpisode } from '../model/gateway.ts';

/** What an episode's beginning and end are called for those who follow events. Levels are in dB, to a tenth. */
export function eventOf({ phase, threshold, since, until, level, peak, metric }: NoiseEpisode): EventDraft {
  const { deviceId, noiseThresholdId, name, decibels } = threshold;
  const details = {
    noise_threshold_name: name,
    noise_level_decibels: tenths(level),
    noise_threshold_decibels: decibels,
    peak_decibels: tenths(peak),
    metric,
    started_at: isoTime(since),
  };
  const about = { deviceId, noiseThresholdId };
  return phase === 'began'
    ? { ...about, eventType: 'noise_sensor.noise_threshold_triggered', occurredAt: since, details }
    : {
        ...about,
        eventType: 'strikeplate.noise_sensor.noise_threshold_ended',
        occurredAt: until ?? since,
        details: { ...details, ended_at: isoTime(until ?? since) },
      };
}

/** No sensor here is finer than a tenth of a decibel. */
const tenths = (decibels: number): number => Math.round(decibels * 10) / 10;

const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();
