import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  Parser,
  visit,
  type YAMLMap,
} from 'yaml';
import { maxBytes } from './plain-yaml.ts';
import { ConfigError, type ConfigPath, type ConfigProblem, type Finding, formatPath } from './problems.ts';

/** The YAML library composes recursively and takes the process down when the stack ends; the deepest setting is at 8. */
const maxDepth = 64;

/** One slip early in a file makes many later lines wrong; the first few tell. A guess. */
const maxSyntaxProblems = 10;

/** A YAML text that was read, and where everything in it stands. */
export interface YamlSource {
  /** Plain values; objects that two aliases share are the same object. */
  readonly value: unknown;
  /** What was wrong that did not keep the rest from being understood. */
  readonly problems: readonly ConfigProblem[];
  locate(finding: Finding): ConfigProblem;
}

/**
 * Reads YAML 1.2 with the library.
 * @throws ConfigError when it is not one YAML document: what it would mean is then anybody's guess
 */
export function readPlacedYaml(file: string, text: string): YamlSource {
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const unreadable = (offset: number, message: string) =>
    new ConfigError([{ ...place(offset), path: '(file)', message }]);

  if (Buffer.byteLength(text) > maxBytes)
    throw unreadable(
      0,
      'this file is larger than 4 MiB, which is more than ten thousand devices take; is it a configuration?',
    );
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const tooDeep = tokens.map(deeperThan).find((offset) => offset !== undefined);
  if (tooDeep !== undefined)
    throw unreadable(tooDeep, `nested more than ${maxDepth} levels deep; no setting lies that deep.`);

  const documents = [...new Composer({ prettyErrors: false, uniqueKeys: false }).compose(tokens, true, text.length)];
  const [document, second] = documents;
  if (document === undefined) throw unreadable(0, 'this is not a YAML document.');
  const syntax: ConfigProblem[] = [...document.errors, ...document.warnings].map((error) => ({
    ...place(error.pos[0]),
    path: '(file)',
    message: `this is not valid YAML: ${lowerFirst(error.message)}.`,
  }));
  if (second !== undefined)
    syntax.push({
      ...place(second.range[0]),
      path: '(file)',
      message: 'a second YAML document begins here; a configuration is one document.',
    });
  if (text.includes('*')) syntax.push(...aliasProblems(document, place));
  const maps = mapsIn(document.contents);
  syntax.push(...keysThatAreNotText(maps, place));
  if (syntax.length > 0) throw new ConfigError(syntax.slice(0, maxSyntaxProblems));

  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // The library counts how often aliases are expanded and refuses a text that would unfold without end.
    if (!(error instanceof ReferenceError)) throw error;
    throw unreadable(0, `aliases (*name) are used in excess: ${lowerFirst(error.message)}.`);
  }
  return {
    value,
    problems: repeatedKeys(maps, place),
    locate: (finding) => ({
      ...place(offsetOf(document, finding)),
      path: formatPath(finding.path),
      message: finding.message,
    }),
  };
}

type PositionOf = (offset: number) => { file: string; line: number; column: number };

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');

/** Where the text first nests too deep, without recursion. */
function deeperThan(top: CST.Token): number | undefined {
  const waiting: { token: CST.Token; depth: number }[] = [{ token: top, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { token, depth } = next;
    if (depth > maxDepth) return 'offset' in token ? token.offset : 0;
    if (token.type === 'document' && token.value) waiting.push({ token: token.value, depth });
    if (!('items' in token)) continue;
    for (const item of token.items)
      for (const below of [item.key, 'value' in item ? item.value : undefined])
        if (below) waiting.push({ token: below, depth: depth + 1 });
  }
  return undefined;
}

function aliasProblems(document: Document.Parsed<ParsedNode, boolean>, place: PositionOf): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  visit(document, {
    Alias(_key, alias, above) {
      const target = alias.resolve(document);
      const problem = { ...place(alias.range?.[0] ?? 0), path: '(file)' };
      if (target === undefined)
        problems.push({ ...problem, message: `the alias *${alias.source} has no anchor &${alias.source} before it.` });
      else if (above.includes(target))
        problems.push({ ...problem, message: `the alias *${alias.source} stands inside what it stands for.` });
    },
  });
  return problems;
}

/** A map, and the way to it from the outermost value. */
interface PlacedMap {
  readonly map: YAMLMap;
  readonly above: Above | undefined;
}

interface Above {
  readonly step: string | number;
  readonly above: Above | undefined;
}

/** All maps, in the order of the text. The library's own walk makes a path for each node: half a second of 10,000 doors. */
function mapsIn(top: unknown): PlacedMap[] {
  const found: PlacedMap[] = [];
  const look = (node: unknown, above: Above | undefined) => {
    if (isMap(node)) {
      found.push({ map: node, above });
      for (const { key, value } of node.items) {
        if (isCollection(key)) look(key, above);
        if (isCollection(value)) look(value, { step: keyText(key), above });
      }
    } else if (isSeq(node))
      for (const [step, item] of node.items.entries()) if (isCollection(item)) look(item, { step, above });
  };
  look(top, undefined);
  return found;
}

function keysThatAreNotText(maps: readonly PlacedMap[], place: PositionOf): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const { map } of maps)
    for (const { key } of map.items)
      if (isCollection(key) || isAlias(key))
        problems.push({ ...place(startOf(key)), path: '(file)', message: 'a key must be a plain word.' });
  return problems;
}

function repeatedKeys(maps: readonly PlacedMap[], place: PositionOf): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const { map, above } of maps) {
    const first = new Map<string, number>();
    for (const pair of map.items) {
      const key = keyText(pair.key);
      const offset = startOf(pair.key);
      const before = first.get(key);
      if (before === undefined) first.set(key, offset);
      else
        problems.push({
          ...place(offset),
          path: formatPath([...stepsTo(above), key]),
          message: `this key is given twice; it stands in line ${place(before).line} already.`,
        });
    }
  }
  return problems;
}

const keyText = (key: unknown) => (isScalar(key) ? String(key.value) : String(key));

const startOf = (node: unknown): number => (node as Node | null | undefined)?.range?.[0] ?? 0;

const stepsTo = (above: Above | undefined): ConfigPath =>
  above === undefined ? [] : [...stepsTo(above.above), above.step];

/** Follows the path as far as the document goes. */
function offsetOf(document: Document.Parsed<ParsedNode, boolean>, finding: Finding): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [index, step] of finding.path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isCollection(node)) return offset;
    if (isMap(node)) {
      // As in `toJS`, the last of equal keys counts.
      const pair = node.items.findLast((candidate) => keyText(candidate.key) === String(step));
      if (pair === undefined) return offset;
      node = pair.value;
      const pointAtKey = index < finding.path.length - 1 || finding.at === 'key' || isEmpty(node);
      offset = startOf(pointAtKey ? pair.key : node);
    } else {
      const item: unknown = node.items[Number(step)];
      if (item === undefined) return offset;
      node = item;
      offset = startOf(item);
    }
  }
  return offset;
}

const isEmpty = (node: unknown) => node === null || (isScalar(node) && node.source === '');
