import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/* docs/architecture.md is what a newcomer draws the house by: its list of folders and its files are held to the house. */

const repository = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(repository, 'docs/architecture.md'), 'utf8');
const below = (folder: string) => readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' });

/** The folders of the list, by row: the first row stands highest. */
const rows = page
  .slice(page.indexOf('| folder |'), page.indexOf('A simulator never imports'))
  .split('\n')
  .map((line) => [...(line.split('|')[1] ?? '').matchAll(/`(src\/[\w-]+|drivers)/g)].map(([, folder = '']) => folder))
  .filter((row) => row.length > 0);
const rowOf = (folder: string) => rows.findIndex((row) => row.includes(folder));
const folderOf = (file: string) => (file.startsWith('drivers/') ? 'drivers' : file.split('/').slice(0, 2).join('/'));

interface Import {
  readonly file: string;
  readonly target: string;
}
const imports: readonly Import[] = ['src', 'drivers']
  .flatMap((folder) => below(folder).map((file) => join(folder, file)))
  // The first lines of the program stand above all folders, and the index of drivers is read by the composition.
  .filter((file) => /\.tsx?$/.test(file) && !/\.test(-d)?\.ts$/.test(file) && file.split('/').length > 2)
  .flatMap((file) =>
    [...readFileSync(join(repository, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(
      ([, target = '']) => ({ file, target: relative(repository, resolve(repository, dirname(file), target)) }),
    ),
  );

describe('the picture of the house', () => {
  it('has every folder in its list, once', () => {
    // Of files: what git leaves behind of a folder that was moved is none.
    const folders = new Set(
      below('src')
        .filter((file) => /\.\w+$/.test(file) && file.includes('/'))
        .map((file) => folderOf(`src/${file}`)),
    );
    expect(rows.flat().sort()).toEqual([...folders, 'drivers'].sort());
  });

  it('has imports run downwards in its list, or within a row', () => {
    expect(imports.length).toBeGreaterThan(1_000);
    const upwards = imports.filter(({ file, target }) => rowOf(folderOf(file)) > rowOf(folderOf(target)));
    expect(upwards).toEqual([]);
  });

  it('names files that are there', () => {
    const named = [...page.matchAll(/`([\w/.-]+\.(?:ts|mjs|cjs|md))`/g)].map(([, file = '']) => file);
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((file) => !['', 'src'].some((root) => existsSync(join(repository, root, file))))).toEqual([]);
  });
});
