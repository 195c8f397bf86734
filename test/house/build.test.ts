import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';

const repository = resolve(import.meta.dirname, '../..');
const dist = join(repository, 'dist');

/** Runs a module in a process of its own, where nothing but Node.js resolves imports. */
const run = (source: string) =>
  execFileSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: repository,
    encoding: 'utf8',
    stdio: 'pipe',
  });

/** What is loaded with a file of the build: the sources it was made of, and packages that are not in it. */
function loadedBy(first: string) {
  const files = new Set([first]);
  const packages: string[] = [];
  // What is added meanwhile is gone through as well.
  for (const file of files)
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*["']([^"']+)["']/g))
      if (name.startsWith('.')) files.add(resolve(dirname(file), name));
      else if (!name.startsWith('node:') && !isBuiltin(name)) packages.push(name);
  const sources = [...files].flatMap((file) => {
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[] };
    return map.sources.map((source) => resolve(dirname(file), source));
  });
  return { sources, packages };
}

describe('the build', () => {
  beforeAll(() => ensureBuilt());

  it('gives a driver author the contract under its public name', () => {
    const names = JSON.parse(
      run("console.log(JSON.stringify(Object.keys(await import('strikeplate/driver'))))"),
    ) as string[];
    expect(names).toContain('defineDriver');
  });

  it('gives the contract without loading a package other than zod', () => {
    const { sources, packages } = loadedBy(join(dist, 'src/contract/index.js'));
    const others = sources.filter((file) => !/^(?:src\/contract|node_modules\/zod)\//.test(relative(repository, file)));
    expect({ others, packages }).toEqual({ others: [], packages: [] });
  });

  it('types the contract', () => {
    expect(existsSync(join(dist, 'src/contract/index.d.ts'))).toBe(true);
  });

  it('leads from a line of the build back to the source', () => {
    const { sources } = loadedBy(join(dist, 'src/contract/index.js'));
    expect(sources).toContain(join(repository, 'src/contract/driver.ts'));
    expect(sources.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('ships no tests', () => {
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.test\./.test(file))).toEqual([]);
  });

  it('knows the version', () => {
    const version = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    expect(version(join(dist, 'package.json'))).toBe(version(join(repository, 'package.json')));
  });
});
