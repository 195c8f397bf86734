import { v7 } from 'uuid';

/**
 * Makes time-ordered ids (UUIDv7, RFC 9562 section 5.7). They sort nearly by time, which keeps the store's index
 * pages few; order itself is always told by `seq`.
 *
 * @param wallTime milliseconds since the Unix epoch
 * @param randomBytes unpredictable bytes: ids stand in URLs and must not be guessable
 */
export function timeOrderedIds(wallTime: () => number, randomBytes: (count: number) => Uint8Array): () => string {
  return () => v7({ msecs: wallTime(), random: randomBytes(16) });
}
