import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { SqliteStore, type SqliteStoreOptions } from '../../../src/store/sqlite-store.ts';

/** A directory that is gone after `dispose`. */
export function temporaryDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'strikeplate-store-'));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}

/** Opens a store that fails the test when its writer dies. */
export const openSqliteStore = (path: string, options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> =>
  SqliteStore.open({
    path,
    clock: systemClock,
    reserveBytes: 64 * 1024,
    log: pino({ level: 'silent' }),
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });
