import { v7 } from 'uuid';

const bytesPerId = 16;
/** Asking the operating system costs more than the id, so it is asked for many at a time. */
const bytesPerDraw = 64 * bytesPerId;

/**
 * Makes time-ordered ids (UUIDv7, RFC 9562 section 5.7). They sort nearly by time, which keeps the store's index
 * pages few; order itself is always told by `seq`.
 *
 * @param wallTime milliseconds since the Unix epoch
 * @param randomBytes unpredictable bytes: ids stand in URLs and must not be guessable
 */
export function timeOrderedIds(wallTime: () => number, randomBytes: (count: number) => Uint8Array): () => string {
  let drawn: Uint8Array = new Uint8Array();
  let used = 0;
  return () => {
    if (used === drawn.length) {
      drawn = randomBytes(bytesPerDraw);
      used = 0;
    }
    used += bytesPerId;
    return v7({ msecs: wallTime(), random: drawn.subarray(used - bytesPerId, used) });
  };
}
