import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** @typedef {{ dependencies?: Record<string, string>, optionalDependencies?: Record<string, string>, optional?: boolean }} Locked */

/**
 * The folders, as `node_modules/...`, of a package and all that it needs, as the lock file has them; without what the
 * gateway itself brings to the same place.
 * @param {string} root @param {string} wanted @returns {string[]}
 */
export function lockedClosure(root, wanted) {
  /** @type {Record<string, Locked>} */
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const found = new Set();
  /** @param {string} from @param {string} name */
  const resolve = (from, name) => {
    for (let at = from; ; at = posix.dirname(at)) {
      const path = at === '.' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
      if (path in locked) return path;
      if (at === '.') return undefined;
    }
  };
  /** @param {string} path */
  const take = (path) => {
    if (found.has(path)) return;
    found.add(path);
    for (const name of Object.keys(locked[path]?.dependencies ?? {})) {
      const next = resolve(path, name);
      if (next === undefined) throw new Error(`${path} needs ${name}, and the lock file does not have it.`);
      take(next);
    }
  };
  take(`node_modules/${wanted}`);
  return [...found].sort().filter((path) => ![...found].some((other) => path.startsWith(`${other}/`)));
}

/**
 * Whether a file of an optional package is needed at run time.
 * @param {string} folder the package's @param {string} file
 */
export const isShipped = (folder, file) =>
  !/(\.map|\.d\.[cm]?ts|\.musl\.node|\.c|\.cc|\.cpp|\.h|\.gyp)$/.test(file) &&
  !/\/prebuilds\/(?!linux-)/.test(file.slice(folder.length));
