import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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

describe('the build', () => {
  beforeAll(() => ensureBuilt());

  it('gives a driver author the contract under its public name', () => {
    const names = JSON.parse(
      run("console.log(JSON.stringify(Object.keys(await import('strikeplate/driver'))))"),
    ) as string[];
    expect(names).toContain('defineDriver');
  });

  it('gives the contract without loading a package other than zod', () => {
    const files = readdirSync(join(dist, 'src/contract')).filter((file) => file.endsWith('.js'));
    const imported = files.flatMap((file) =>
      [...readFileSync(join(dist, 'src/contract', file), 'utf8').matchAll(/from '([^']+)'/g)].map(([, name]) => name),
    );
    expect(imported.filter((name) => !/^(\.\/|#dist\/src\/zod\.js$|node:)/.test(name ?? ''))).toEqual([]);
  });

  it('types the contract', () => {
    expect(existsSync(join(dist, 'src/contract/index.d.ts'))).toBe(true);
  });

  it('leads from a line of the build back to the source', () => {
    const { sources } = JSON.parse(readFileSync(join(dist, 'src/contract/driver.js.map'), 'utf8')) as {
      sources: string[];
    };
    expect(sources.map((source) => resolve(dist, 'src/contract', source))).toEqual([
      join(repository, 'src/contract/driver.ts'),
    ]);
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
