import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/** Compiled by tsc, only for tests, or only for readers. */
const staysBehind = (/** @type {string} */ file) =>
  /\.(tsx?|md)$/.test(file) ||
  file.startsWith('src/console/') ||
  file.startsWith('src/api-docs/') ||
  file.split('/').includes('vectors') ||
  basename(file).startsWith('.');

/**
 * Copies what the compiled product reads beside its modules, so that the same relative URL works from `src` and from
 * `dist/src`: workers, migrations, console assets, the configurations, and the version.
 * @param {string} root @param {string} dist
 */
export function copyAssets(root, dist) {
  for (const folder of ['src', 'drivers', 'config']) {
    if (!existsSync(join(root, folder))) continue;
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
      const file = relative(root, join(entry.parentPath ?? entry.path, entry.name));
      if (!entry.isFile() || staysBehind(file)) continue;
      mkdirSync(dirname(join(dist, file)), { recursive: true });
      cpSync(join(root, file), join(dist, file));
    }
  }
  const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ name, version, type }, undefined, 2)}\n`);
  const cli = join(dist, 'src/cli.js');
  if (existsSync(cli)) chmodSync(cli, 0o755);
}
