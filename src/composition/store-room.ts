import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StoreRoom } from '../monitor/metrics.ts';

/** @param file the database; its write-ahead log lies beside it */
export async function storeRoom(file: string): Promise<StoreRoom> {
  const sizeOf = (path: string) =>
    stat(path).then(
      ({ size }) => size,
      () => 0,
    );
  const [database, log, disk] = await Promise.all([sizeOf(file), sizeOf(`${file}-wal`), statfs(dirname(file))]);
  return { takenBytes: database + log, freeBytes: disk.bavail * disk.bsize };
}
