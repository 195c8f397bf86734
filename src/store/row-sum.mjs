// What a row's columns come to, so that a bit that the disk flipped is noticed. Plain JavaScript: the writer's thread
// uses it as well.
import { crc32 } from 'node:zlib';

/**
 * CRC-32 over the columns as they are given to the database or come back from it.
 * @param {readonly unknown[]} columns null, numbers, texts, bytes, or bytes as `{ hex }`
 * @returns {number}
 */
export const rowSum = (columns) => crc32(columns.map(shapeOf).join('\0'));

/** @param {unknown} column */
function shapeOf(column) {
  if (column === null || column === undefined) return 'n';
  if (typeof column === 'number') return `d${column}`;
  // As it is stored: a lone surrogate has no UTF-8.
  if (typeof column === 'string') return `s${column.toWellFormed()}`;
  if (column instanceof Uint8Array) return `x${Buffer.from(column).toString('hex')}`;
  return `x${/** @type {{ readonly hex: string }} */ (column).hex}`;
}
