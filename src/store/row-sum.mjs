// What a row's columns come to, so that a bit that the disk flipped is noticed. Plain JavaScript: the writer's thread
// uses it as well.
import { crc32 } from 'node:zlib';

/**
 * CRC-32 over the columns as they are given to the database or come back from it.
 * @param {readonly unknown[]} columns null, numbers, texts, bytes, or bytes as `{ hex }`
 * @param {number} [count] only so many of them
 * @returns {number}
 */
export function rowSum(columns, count = columns.length) {
  let shape = '';
  for (let at = 0; at < count; at++) {
    const column = columns[at];
    if (at > 0) shape += '\0';
    if (column === null || column === undefined) shape += 'n';
    else if (typeof column === 'number') shape += `d${column}`;
    // As it is stored: a lone surrogate has no UTF-8.
    else if (typeof column === 'string') shape += `s${column.toWellFormed()}`;
    else if (column instanceof Uint8Array) shape += `x${Buffer.from(column).toString('hex')}`;
    else shape += `x${/** @type {{ readonly hex: string }} */ (column).hex}`;
  }
  return crc32(shape);
}
