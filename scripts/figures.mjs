import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';

// usage: node scripts/figures.mjs [FOLDER OF A CHECKOUT]
// How the sources are cut: files and lines, modules that one other imports, the longest functions.

/**
 * @typedef {{ name: string, named: boolean, file: string, line: number, lines: number, start: number, end: number }} MeasuredFunction
 * @typedef {{ file: string, text: string, lines: number, imports: string[], functions: MeasuredFunction[] }} Source
 */

/** No function of the product is longer. */
export const LONGEST_FUNCTION = 80;

/** A module as short as this with one importer is asked why it is a module. */
const SHORT_MODULE = 40;

/** Lines that a module and its only importer have together at the least; see decision 275. */
export const LEAST_TOGETHER = 200;

/** @param {string} file */
const isTest = (file) => /\.test(-d)?\.tsx?$/.test(file);
/** What plays a device or a place. @param {string} file */
const isSimulator = (file) => /^src\/simulation\/|simulat(or|ed?\b)[^/]*\.ts$/.test(file);

/** @param {string} root @param {string} folder @returns {string[]} */
function sourcesBelow(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(tsx?|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** @param {string} root @param {string} file @returns {Source} */
export function readSource(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  const { program, module } = parseSync(file, text);
  /** @type {Set<string>} */
  const imports = new Set();
  /** @param {string | undefined} specifier */
  const imported = (specifier) => {
    if (specifier?.startsWith('.')) imports.add(relative(root, resolve(root, dirname(file), specifier)));
  };
  for (const { moduleRequest } of module.staticImports) imported(moduleRequest.value);
  for (const { entries } of module.staticExports)
    for (const { moduleRequest } of entries) imported(moduleRequest?.value);
  for (const { moduleRequest } of module.dynamicImports)
    imported(/^(['"])(.*)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end))?.[2]);
  /** @type {MeasuredFunction[]} */
  const functions = [];
  /** What the function that comes next is called. @type {Map<unknown, string>} */
  const names = new Map();
  const lineEnds = [...text.matchAll(/\n/g)].map(({ index }) => index);
  /** @param {number} offset */
  const lineAt = (offset) => {
    const line = lineEnds.findIndex((end) => end >= offset);
    return line === -1 ? lineEnds.length + 1 : line + 1;
  };
  /** @param {{ start: number, end: number, id?: { name: string } | null }} node */
  const measure = (node) => {
    const name = node.id?.name ?? names.get(node);
    const { start, end } = node;
    const line = lineAt(start);
    const lines = lineAt(end) - line + 1;
    functions.push({ name: name ?? '(nameless)', named: name !== undefined, file, line, lines, start, end });
  };
  /** @param {{ key: { start: number, end: number }, value: unknown }} node */
  const nameOfKey = ({ key, value }) => names.set(value, text.slice(key.start, key.end));
  new Visitor({
    MethodDefinition: nameOfKey,
    Property: nameOfKey,
    PropertyDefinition: nameOfKey,
    VariableDeclarator: ({ id, init }) => names.set(init, text.slice(id.start, id.end)),
    TSImportType: ({ source }) => imported(source.value),
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
  }).visit(program);
  return { file, text, lines: lineEnds.length, imports: [...imports], functions };
}

/** The product with its simulators. @param {string} root @returns {Source[]} */
export function productOf(root) {
  const files = [...sourcesBelow(root, 'src'), ...sourcesBelow(root, 'drivers')];
  return files.filter((file) => !isTest(file)).map((file) => readSource(root, file));
}

/**
 * Modules that exactly one module of the product imports, for its types as well; tests do not count.
 * @param {readonly Source[]} sources
 */
export function importedOnce(sources) {
  /** @type {Map<string, string[]>} */
  const importers = new Map(sources.map(({ file }) => [file, []]));
  for (const { file, imports } of sources) for (const other of imports) importers.get(other)?.push(file);
  return sources.flatMap((source) => {
    const [importer, ...more] = importers.get(source.file) ?? [];
    return importer === undefined || more.length > 0 ? [] : [{ ...source, importer }];
  });
}

/**
 * Modules that could stand in their only importer, short as both are. An index names what others import: it is none.
 * @param {readonly Source[]} sources
 */
export function apartWithoutNeed(sources) {
  const lines = new Map(sources.map((source) => [source.file, source.lines]));
  return importedOnce(sources).filter(
    ({ importer, lines: own }) =>
      !/(^|\/)index\.tsx?$/.test(importer) && own + (lines.get(importer) ?? 0) < LEAST_TOGETHER,
  );
}

/** @param {readonly Source[]} sources @param {number} limit @returns {MeasuredFunction[]} longest first */
export function functionsOver(sources, limit) {
  return sources
    .flatMap(({ functions }) => functions)
    .filter(({ lines }) => lines > limit)
    .sort((a, b) => b.lines - a.lines);
}

/** @param {readonly Source[]} sources */
const total = (sources) => `${sources.length} files, ${sources.reduce((sum, { lines }) => sum + lines, 0)} lines`;

/** @param {string} root */
function print(root) {
  const product = productOf(root);
  const tests = ['src', 'drivers', 'test', 'scripts']
    .flatMap((folder) => sourcesBelow(root, folder))
    .filter((file) => isTest(file) || file.startsWith('test/'))
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }));
  const simulators = product.filter(({ file }) => isSimulator(file));
  const core = product.filter(({ file }) => !/^src\/(cli|console|driver-testing)\//.test(file));
  const once = importedOnce(product);
  const short = once.filter(({ lines }) => lines < SHORT_MODULE);
  const byIndex = once.filter(({ importer }) => /(^|\/)index\.tsx?$/.test(importer));
  const long = functionsOver(product, 0);
  console.log(`product        ${total(product.filter((source) => !simulators.includes(source)))}`);
  console.log(`simulators     ${total(simulators)}`);
  console.log(`tests          ${tests.length} files, ${tests.reduce((sum, { lines }) => sum + lines, 0)} lines`);
  console.log(
    `one importer   ${once.length} of ${product.length} (${Math.round((100 * once.length) / product.length)} %), ` +
      `${short.length} of them under ${SHORT_MODULE} lines; ` +
      `without command line, console and driver-testing ${importedOnce(core).length} of ${core.length}`,
  );
  console.log(
    `               by an index ${byIndex.length}; ` +
      `with an importer that both together have under ${LEAST_TOGETHER} lines ${apartWithoutNeed(product).length}`,
  );
  console.log(`longest        ${long[0]?.lines} lines: ${long[0]?.name} in ${long[0]?.file}`);
  for (const { name, file, line, lines } of functionsOver(product, LONGEST_FUNCTION))
    console.log(`  over ${LONGEST_FUNCTION}      ${lines} ${file}:${line} ${name}`);
  for (const { file, lines } of product.filter(({ lines }) => lines > 400))
    console.log(`  over 400     ${lines} ${file}`);
  if (process.argv.includes('--short'))
    for (const { file, lines, importer } of short) console.log(`  ${lines} ${file} <- ${importer}`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.argv.slice(2).find((argument) => !argument.startsWith('-'));
  print(resolve(folder ?? resolve(import.meta.dirname, '..')));
}
