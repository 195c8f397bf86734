import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseSync, transformSync } from '@swc/core';
import { cruise } from 'dependency-cruiser';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const configuration = createRequire(import.meta.url)('../.dependency-cruiser.cjs');

/** Files that others import for their types alone: nothing of them may be left at run time. */
const typesOnly = [
  'src/model/store.ts',
  'src/model/records.ts',
  'src/model/gateway.ts',
  'src/model/event-types.ts',
  'src/model/event-recorder.ts',
];

/**
 * @typedef {{ rule: string, from: string, to: string, comment: string }} Violation
 * @typedef {{ modules: number, violations: Violation[] }} Verdict
 */

/** @param {string} root @param {string} folder @returns {string[]} */
function sourcesBelow(root, folder) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .filter((entry) => !(entry.parentPath ?? entry.path).startsWith(join(root, 'src/console')))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
}

/**
 * What dependency-cruiser cannot say with swc as its parser: that an import is of types only.
 * @param {string} root @param {string[]} sources @returns {Violation[]}
 */
function typeBorders(root, sources) {
  /** @type {Violation[]} */
  const violations = [];
  for (const file of sources) {
    if (typesOnly.includes(file)) {
      const { code } = transformSync(readFileSync(join(root, file), 'utf8'), {
        filename: file,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        minify: true,
      });
      if (code.replace(/export\s*\{\s*\};?/g, '').trim() !== '')
        violations.push({
          rule: 'ports-are-types',
          from: file,
          to: file,
          comment: 'A port holds types and nothing else, so that importing it brings no implementation along.',
        });
    }
    if (file.startsWith('src/contract/') && !isTest(file)) {
      const { body } = parseSync(readFileSync(join(root, file), 'utf8'), { syntax: 'typescript' });
      for (const item of body) {
        if (item.type !== 'ImportDeclaration' || item.source.value !== 'pino' || item.typeOnly) continue;
        violations.push({
          rule: 'contract-takes-pino-as-a-type',
          from: file,
          to: 'pino',
          comment: 'A driver author brings no logger: the contract names the type of pino and loads nothing.',
        });
      }
    }
  }
  return violations;
}

/**
 * The specifiers of all `import()` expressions and `import()` types below a node, wherever they stand; undefined for
 * one that is computed.
 * @param {unknown} node @returns {(string | undefined)[]}
 */
function inlineImports(node) {
  if (node === null || typeof node !== 'object') return [];
  const below = Object.values(node).flatMap(inlineImports);
  if (!('type' in node)) return below;
  const { type, callee, arguments: args, argument } = /** @type {any} */ (node);
  if (type === 'CallExpression' && callee.type === 'Import') return [literal(args[0]?.expression), ...below];
  if (type === 'TsImportType') return [literal(argument), ...below];
  return below;
}

/** @param {any} expression @returns {string | undefined} */
const literal = (expression) => (expression?.type === 'StringLiteral' ? expression.value : undefined);

/** Loads what a configuration names from outside the tree (docs/decisions/0081): the one computed import there may be. */
const OUTSIDE_LOADER = 'src/config/outside-modules.ts';

/**
 * dependency-cruiser does not look into every corner of a syntax tree. What it overlooked no rule has judged.
 * @param {string} root @param {import('dependency-cruiser').IModule[]} modules @returns {Violation[]}
 */
function overlooked(root, modules) {
  /** @type {Violation[]} */
  const violations = [];
  for (const { source, dependencies } of modules) {
    if (!source.endsWith('.ts') || !existsSync(join(root, source)) || isTest(source)) continue;
    let mayCompute = source === OUTSIDE_LOADER;
    const judged = new Set(dependencies.map((dependency) => dependency.module));
    for (const specifier of inlineImports(
      parseSync(readFileSync(join(root, source), 'utf8'), { syntax: 'typescript' }),
    ))
      if (specifier === undefined && mayCompute) mayCompute = false;
      else if (specifier === undefined || !judged.has(specifier))
        violations.push({
          rule: 'every-import-is-judged',
          from: source,
          to: specifier ?? '(computed)',
          comment: 'No rule can judge this import(). Name the module in a string, or import the type with a statement.',
        });
  }
  return violations;
}

/** @param {string} file */
const isTest = (file) => /\.test(-d)?\.ts$/.test(file);

/**
 * Judges the sources below `root`.
 * @param {string} root @returns {Promise<Verdict>}
 */
export async function judgeBorders(root) {
  const folders = ['src', 'drivers'].filter((folder) => existsSync(join(root, folder)));
  const sources = folders.flatMap((folder) => sourcesBelow(root, folder));
  const { forbidden, options } = configuration;
  const { output } = await cruise(
    folders,
    { ...options, baseDir: root, ruleSet: { forbidden }, validate: true },
    options.enhancedResolveOptions,
  );
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text where a result was asked for');

  const seen = new Set(output.modules.map((module) => module.source));
  const missed = sources.filter((file) => !seen.has(file));
  if (missed.length > 0)
    throw new Error(`The import rules were judged without ${missed.length} of ${sources.length} files: ${missed[0]}`);

  const comments = new Map(forbidden.map((/** @type {any} */ rule) => [rule.name, rule.comment]));
  const violations = output.summary.violations.map(({ rule, from, to }) => ({
    rule: rule.name,
    from,
    to,
    comment: comments.get(rule.name) ?? '',
  }));
  return {
    modules: sources.length,
    violations: [...violations, ...typeBorders(root, sources), ...overlooked(root, output.modules)],
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { modules, violations } = await judgeBorders(repository);
  for (const { rule, from, to, comment } of violations) console.error(`${from} → ${to}\n  ${rule}: ${comment}`);
  console.log(`borders: ${modules} modules, ${violations.length} violations`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
