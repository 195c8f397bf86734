import { Decibels, type DeviceReport } from '../../../src/contract/index.ts';
import { answersRead, type HeardMessage } from './device-feed.ts';

/**
 * The level in a message, if it was measured just now. The sensor's other values carry the last level along from the
 * cache: taken for samples, they would make one bang last.
 */
export function noiseReport(heard: HeardMessage): DeviceReport | undefined {
  const { noise } = heard.message;
  if (noise === undefined || answersRead(heard, (key) => key === 'noise') === 'other') return undefined;
  const level = Decibels.safeParse(noise);
  return level.success ? { kind: 'noise', level: level.data, metric: 'dBA' } : undefined;
}
