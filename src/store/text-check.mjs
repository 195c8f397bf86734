// Texts that are no UTF-8 any more. The library that reads the database takes the whole process down over one, so they
// are found before anything is read, and made empty: the row's sum then says that it was damaged.
import { isUtf8 } from 'node:buffer';

/** @import { Database } from 'libsql' */

/**
 * @param {Database} database whose description was checked
 * @returns {readonly string[]} the rows that had to be taken out, since nothing tells any more which they were
 */
export function clearBrokenTexts(database) {
  const taken = [];
  for (const table of tablesOf(database)) {
    const columns = database.prepare(`PRAGMA table_info(${table})`).raw().all([]);
    const names = columns.map((column) => String(/** @type {unknown[]} */ (column)[1]));
    const keys = columns.flatMap((column) =>
      Number(/** @type {unknown[]} */ (column)[5]) > 0 ? [String(/** @type {unknown[]} */ (column)[1])] : [],
    );
    // A key is compared by its bytes and its type: what is damaged may be the key.
    const key = keys.map((name) => `typeof(${name}), CAST(${name} AS BLOB)`).join(', ');
    const texts = names.map((name) => `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) END`).join(', ');
    for (const found of database.prepare(`SELECT ${key}, ${texts} FROM ${table}`).raw().all([])) {
      const row = /** @type {unknown[]} */ (found);
      const values = row.slice(2 * keys.length);
      const broken = names.filter(
        (_, index) => values[index] instanceof Uint8Array && !isUtf8(/** @type {Uint8Array} */ (values[index])),
      );
      if (broken.length === 0) continue;
      const where = keys.map((name) => `typeof(${name}) = ? AND CAST(${name} AS BLOB) = ?`).join(' AND ');
      const at = row.slice(0, 2 * keys.length);
      if (broken.some((name) => keys.includes(name)) || !names.includes('sum')) {
        database.prepare(`DELETE FROM ${table} WHERE ${where}`).run(at);
        taken.push(`row of ${table}: (unreadable)`);
        continue;
      }
      const empty = broken.map((name) => `${name} = ''`).join(', ');
      database.prepare(`UPDATE ${table} SET ${empty}, sum = -1 WHERE ${where}`).run(at);
    }
  }
  return taken;
}

/** @param {Database} database */
const tablesOf = (database) =>
  database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .raw()
    .all([])
    .map((row) => String(/** @type {unknown[]} */ (row)[0]));
