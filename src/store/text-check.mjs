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
    if (names.length === 0 || isWell(database, table, names)) continue;
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

/**
 * Whether all of a table's texts are, by all bytes of many rows at once: to take each column of each row out of the
 * database takes a second at a large site.
 * @param {Database} database @param {string} table @param {readonly string[]} names
 */
function isWell(database, table, names) {
  // What one text lacks at its end must not be made up for by the next.
  const texts = names
    .map((name) => `CASE typeof(${name}) WHEN 'text' THEN ${name} ELSE '' END`)
    .join(' || char(10) || ');
  const rows = `SELECT CAST(group_concat(${texts}, char(10)) AS BLOB) FROM (SELECT *, row_number() OVER () AS n FROM ${table})`;
  const all = database.prepare(`${rows} GROUP BY n / ${rowsAtOnce}`).raw().all([]);
  return all.every((row) => {
    const [bytes] = /** @type {unknown[]} */ (row);
    return !(bytes instanceof Uint8Array) || isUtf8(bytes);
  });
}

/** So that no piece is too long to be held. */
const rowsAtOnce = 500;

/** @param {Database} database */
const tablesOf = (database) =>
  database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .raw()
    .all([])
    .map((row) => String(/** @type {unknown[]} */ (row)[0]));
