import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the bench measures beside the gateway and is none of its dependencies: kept between runs. */
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'strikeplate-bench');

/**
 * A folder of the user's cache with these npm packages, `name@version` each, fetched when they are not there yet. Their
 * install scripts are not run.
 */
export function fetched(packages: readonly string[]): string {
  const folder = join(cache, packages.map((one) => one.replaceAll('/', '-').replaceAll('@', '_')).join('+'));
  const isThere = packages.every((one) => existsSync(join(folder, 'node_modules', nameOf(one), 'package.json')));
  if (isThere) return folder;
  console.error(`fetching ${packages.join(', ')} into ${folder}`);
  mkdirSync(folder, { recursive: true });
  const words = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact', '--prefix', folder];
  const { status, stderr } = spawnSync('npm', [...words, ...packages], { encoding: 'utf8', cwd: folder });
  if (status !== 0) throw new Error(`npm could not fetch ${packages.join(', ')}:\n${stderr}`);
  return folder;
}

const nameOf = (one: string): string => one.slice(0, one.lastIndexOf('@'));

/** A Node of another version, such as `24` or `22.23.5`, from npm. */
export function fetchedNode(version: string): string {
  const name = `node-${process.platform}-${process.arch}`;
  return join(fetched([`${name}@${version}`]), 'node_modules', name, 'bin', 'node');
}
