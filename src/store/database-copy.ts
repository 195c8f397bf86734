import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'libsql';
import { GatewayError } from '../contract/index.ts';

const mark = '.copy-';

/**
 * A consistent copy of a database that may be written to at the same time: SQLite's `VACUUM INTO`, which reads one state
 * of it and keeps nobody from writing. Lies beside it until `dispose`.
 *
 * @throws GatewayError when it cannot be read, or a copy would be damaged as it is
 */
export function copyDatabase(path: string): { readonly path: string; dispose(): void } {
  if (!existsSync(path)) throw new GatewayError('misconfigured', `There is no database ${path}.`);
  removeOrphans(path);
  const copy = `${path}${mark}${process.pid}`;
  const dispose = () => rmSync(copy, { force: true });
  try {
    // SQLite takes an empty file as well, and would give a new one whatever mode the process has.
    closeSync(openSync(copy, 'wx', 0o600));
    const database = new Database(path);
    try {
      database.prepare('VACUUM INTO ?').run([copy]);
    } finally {
      database.close();
    }
    const verdict = integrityOf(copy);
    if (verdict !== 'ok') throw new Error(verdict);
    return { path: copy, dispose };
  } catch (error) {
    dispose();
    const why = error instanceof Error ? error.message : String(error);
    throw new GatewayError('internal_error', `The database ${path} could not be copied: ${why}.`, { cause: error });
  }
}

/** Copies of processes that are no more. */
function removeOrphans(path: string): void {
  const begin = `${basename(path)}${mark}`;
  for (const file of readdirSync(dirname(path)))
    if (file.startsWith(begin) && !isAlive(Number(file.slice(begin.length)))) rmSync(join(dirname(path), file));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `ok`, or what SQLite finds wrong with a database, in its words. Changes nothing. */
export function integrityOf(path: string): string {
  const database = new Database(path);
  try {
    database.exec('PRAGMA query_only = ON');
    const rows = database.prepare('PRAGMA integrity_check(5)').raw().all([]) as unknown as readonly [string][];
    return rows.map(([line]) => line).join('; ');
  } finally {
    database.close();
  }
}

/** One fact of a database, read on a connection of its own that changes nothing; undefined when there is none. */
export function factIn(path: string, name: string): string | undefined {
  const database = new Database(path);
  try {
    database.exec('PRAGMA query_only = ON');
    const row = database.prepare('SELECT value FROM facts WHERE name = ?').raw().get([name]) as unknown;
    return Array.isArray(row) ? String(row[0]) : undefined;
  } finally {
    database.close();
  }
}
