import { Decibels, type DeviceReport } from '../../../src/contract/index.ts';
import type { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import type { HeardMessage } from './device-feed.ts';

/**
 * The level in a message, if it was measured just now. The sensor's other values carry the last level along from the
 * cache, and some bridges repeat it several times a second: taken for samples, they would make one bang last.
 */
export function noiseReport(
  { message, at, retained, changed }: HeardMessage,
  book: EvidenceBook,
  intervalMs: number,
): DeviceReport | undefined {
  const { noise } = message;
  if (noise === undefined) return undefined;
  const isCarried = changed !== undefined && changed.size > 0 && !changed.has('noise');
  const claim = {
    ...{ about: 'noise', value: String(noise), at },
    ...(retained && { kept: true as const }),
    ...(isCarried && { carried: true as const }),
  };
  const isNew = book.isNewSample(claim, intervalMs);
  book.told(claim);
  const level = Decibels.safeParse(noise);
  return isNew && level.success ? { kind: 'noise', level: level.data, metric: 'dBA' } : undefined;
}
