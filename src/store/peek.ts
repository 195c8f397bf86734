import Database from 'libsql';

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
