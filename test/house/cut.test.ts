import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  apartWithoutNeed,
  functionsOver,
  importedOnce,
  LEAST_TOGETHER,
  LONGEST_FUNCTION,
  productOf,
} from '../../scripts/figures.mjs';

const product = productOf(resolve(import.meta.dirname, '../..'));

/** Short, read by one alone, and a module of its own all the same. */
const apart = [
  // Tables: every driver, and every simulator, by its id.
  'drivers/index.ts',
  'src/simulation/index.ts',
  // Runs before anything else is loaded, in whatever Node there is; what it lets in; and what comes first of that.
  'src/require-node.mjs',
  'src/cli/main.ts',
  'src/cli/quiet-libraries.ts',
  // What begins everything cannot be asked by a test for its stack traces.
  'src/cli/source-lines.ts',
  // A driver's own simulator: no driver may reach one, and the simulation borrows no driver's code.
  'drivers/mqtt/announced/simulator.ts',
  // Held against docs/errors.md without a browser.
  'src/console/deliveries.ts',
  // Decision 190 keeps the focus in one place.
  'src/console/focus.ts',
];

/** The blocks of a suite are no functions of the product; the lines of a component are those of its markup. */
const isMeasured = (file: string) => !/^src\/(driver-testing\/describe-|console\/)/.test(file);

function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'strikeplate-cut-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const folder of ['src/cli', 'drivers']) mkdirSync(join(root, folder), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text);
  return root;
}

it('has no function over the limit', () => {
  const over = functionsOver(product, LONGEST_FUNCTION).filter(({ file }) => isMeasured(file));
  expect(over.map(({ file, name }) => `${file} ${name}`)).toEqual([]);
});

it('has no module that one other alone reads, where both are short', () => {
  expect(
    apartWithoutNeed(product)
      .map(({ file }) => file)
      .sort(),
  ).toEqual(apart.sort());
});

it('sees two that are short together, and no index', () => {
  const lines = (count: number) => '\n'.repeat(count);
  const files = (count: number) => ({
    'src/a.ts': "import './b.ts';\n",
    'src/b.ts': lines(count),
    'src/index.ts': "import './c.ts';\n",
    'src/c.ts': lines(1),
  });
  const found = (count: number) => apartWithoutNeed(productOf(tree(files(count)))).map(({ file }) => file);
  expect(found(LEAST_TOGETHER - 2)).toEqual(['src/b.ts']);
  expect(found(LEAST_TOGETHER - 1)).toEqual([]);
});

it.each([
  ['function long() {', '}'],
  ['export const long = () => {', '};'],
  ['class A {\n  static async long() {', '  }\n}'],
])('sees one that is longer: %s', (head, tail) => {
  const body = (lines: number) => `${head}\n${'  next();\n'.repeat(lines - 2)}${tail}\n`;
  const over = (lines: number) => functionsOver(productOf(tree({ 'src/a.ts': body(lines) })), LONGEST_FUNCTION);
  expect(over(LONGEST_FUNCTION)).toEqual([]);
  expect(over(LONGEST_FUNCTION + 2)).toMatchObject([{ name: 'long', file: 'src/a.ts' }]);
});

it('counts who imports a module, however that is written', () => {
  const root = tree({
    'src/a.ts': "import type { B } from './b.ts';\nexport { c } from './c.ts';\nimport './cli/e.ts';",
    'src/b.ts': "export type B = import('./cli/d.ts').D;\nimport './cli/e.ts';",
    'src/c.ts': "export const c = () => import('./cli/f.ts');",
    'src/c.test.ts': "import './c.ts';",
    'src/cli/d.ts': 'export type D = 1;',
    'src/cli/e.ts': '',
    'src/cli/f.ts': '',
  });
  expect(importedOnce(productOf(root)).map(({ file, importer }) => [importer, file])).toEqual([
    ['src/a.ts', 'src/b.ts'],
    ['src/a.ts', 'src/c.ts'],
    ['src/b.ts', 'src/cli/d.ts'],
    ['src/c.ts', 'src/cli/f.ts'],
  ]);
});
