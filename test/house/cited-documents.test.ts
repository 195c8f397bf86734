import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: repository, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(repository, file)));
const text = (file: string) => readFileSync(join(repository, file), 'utf8');

it('no document leads to one that is not there', () => {
  const dead = tracked
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...text(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(repository, dirname(file), target)))
        .map((target) => `${file} → ${target}`),
    );
  expect(dead).toEqual([]);
});

it('code cites no file of ours that is not there, and no design paper that nobody can open', () => {
  const dead = tracked
    .filter((file) => /\.(ts|mjs|sql|sh)$/.test(file) && !file.startsWith('test/house/'))
    .flatMap((file) => [
      ...[...text(file).matchAll(/(?<![\w/-])(?:docs|drivers|src|test|config)\/[\w./-]+\.md\b/g)]
        .map(([path]) => path)
        .filter((path) => !existsSync(join(repository, path)))
        .map((path) => `${file} → ${path}`),
      ...[
        ...text(file).matchAll(
          /\b[Aa]rchitecture, (?:section|")|\b(?:seam-api|ble-locks|ble-stack|field-reports|redesign)(?:\.md)?,? section/g,
        ),
      ].map(([words]) => `${file} → ${words}`),
    ]);
  expect(dead).toEqual([]);
});
