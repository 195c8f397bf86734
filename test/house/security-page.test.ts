import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');
const pages = ['docs/security.md', 'SECURITY.md'];
const text = (page: string) => readFileSync(join(repository, page), 'utf8');

/** Whether it lies in the repository; in the last part `*` stands for anything. */
function exists(path: string): boolean {
  const name = basename(path);
  const pattern = new RegExp(`^${name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  try {
    return readdirSync(join(repository, dirname(path))).some((entry) => pattern.test(entry));
  } catch {
    return false;
  }
}

const folders = readdirSync(repository).filter((name) => statSync(join(repository, name)).isDirectory());
/** What a page says lies in the repository: made by the build is what lies in `dist`. */
const pathsIn = (part: string): string[] =>
  [...part.matchAll(/`([\w.*@/-]+\/[\w.*@/-]+)`/g)]
    .flatMap(([, path = '']) => path)
    .filter((path) => folders.includes(path.split('/')[0] ?? '') && !path.startsWith('dist/'));
const linksIn = (part: string): string[] =>
  [...part.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].flatMap(([, path = '']) => path);

/** The rows of the table under a heading, as cells. */
function rowsUnder(heading: string): string[][] {
  const [, section = ''] = text('docs/security.md').split(`\n## ${heading}\n`);
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const isTested = (cell: string): boolean =>
  pathsIn(cell).some((path) => path.startsWith('test/') || path.endsWith('.test.ts'));

describe('what is said of security', () => {
  it.each(pages)('names files that exist: %s', (page) => {
    const found = pathsIn(text(page));
    if (page === 'docs/security.md') expect(found.length).toBeGreaterThan(30);
    expect(found.filter((path) => !exists(path))).toEqual([]);
    expect(linksIn(text(page)).filter((path) => !exists(join(dirname(page), path)))).toEqual([]);
  });

  it.each([
    ['ETSI EN 303 645', 13],
    ['IEC 62443-4-2, security level 2', 14],
    ['Cyber Resilience Act, annex I', 12],
  ])('has a test for each claim of %s', (heading, least) => {
    const rows = rowsUnder(heading);
    expect(rows.length).toBeGreaterThanOrEqual(least);
    // What is met in part, or is a policy, says so.
    const claims = rows.filter(([, , met = '']) => met !== '–' && !/^(in part|policy)/.test(met));
    expect(claims.length).toBeGreaterThan(rows.length / 2);
    expect(claims.filter(([, , met = '']) => !isTested(met)).map(([what]) => what)).toEqual([]);
  });
});
