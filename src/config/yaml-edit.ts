import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { asItem, inOneLine, yamlString } from './yaml-text.ts';

/** It is written in a way that this program does not change: somebody has to do it by hand. */
export class NotEditable extends Error {
  override readonly name = 'NotEditable';
}

type Path = readonly (string | number)[];
type Entry = Readonly<Record<string, unknown>>;

const parse = (text: string) => parseDocument(text, { keepSourceTokens: true, uniqueKeys: false, prettyErrors: false });

const splice = (text: string, from: number, to: number, by: string): string =>
  text.slice(0, from) + by + text.slice(to);

const breakOf = (text: string): string => (/\r\n/.test(text) ? '\r\n' : '\n');

/** Lines to stand at an offset where a line begins, or where the text ends without a line break. */
function linesAt(text: string, at: number, lines: readonly string[]): string {
  const eol = breakOf(text);
  const isCut = at > 0 && text[at - 1] !== '\n';
  return isCut ? eol + lines.join(eol) : lines.map((line) => line + eol).join('');
}

const isJson = (node: ParsedNode | undefined): boolean =>
  isMap<ParsedNode, ParsedNode | null>(node) && node.flow === true && isQuoted(node.items[0]?.key);
const isQuoted = (node: unknown): boolean => isScalar(node) && node.type === 'QUOTE_DOUBLE';

/**
 * Puts an item at the end of a list of the file; every character that was there stays as it is.
 * @param list the key of the list; it is made where it is missing
 * @param opened keys of the item that get a line for each key below them
 */
export function addItem(text: string, list: string, item: Entry, opened: readonly string[]): string {
  const document = parse(text);
  const top = document.contents;
  const pair = pairOf(top, list);
  if (!isMap<ParsedNode, ParsedNode | null>(top)) throw new NotEditable('The file is no list of sections.');
  if (pair === undefined) {
    if (top.flow) throw new NotEditable(`There is no section "${list}".`);
    const end = blockEnd(text, top);
    return splice(text, end, end, linesAt(text, end, [`${list}:`, ...asItem(item, opened).map((line) => `  ${line}`)]));
  }
  const { key, value } = pair;
  if (isSeq(value) && value.flow && (value.items.length > 0 || top.flow || hasComment(text, value)))
    return addToFlow(text, value as YAMLSeq.Parsed, item, isJson(top));
  if (isSeq(value) && !value.flow) return addToBlock(text, value as YAMLSeq.Parsed, item, opened);
  const isEmpty = isNothing(value) || (isSeq(value) && value.items.length === 0) || isNull(value);
  if (!isEmpty || top.flow) throw new NotEditable(`The section "${list}" is not written as a list.`);
  const indent = ' '.repeat(key.range[0] - lineStart(text, key.range[0]) + 2);
  const written = value !== null && !isNothing(value) ? value.range : undefined;
  const end = lineEnd(text, written?.[1] ?? contentEnd(pair));
  const lines = linesAt(
    text,
    end,
    asItem(item, opened).map((line) => indent + line),
  );
  const added = splice(text, end, end, lines);
  if (written === undefined) return added;
  const from = text[written[0] - 1] === ' ' ? written[0] - 1 : written[0];
  return splice(added, from, written[1], '');
}

const isNull = (node: unknown) => isScalar(node) && node.value === null;

const hasComment = (text: string, { range }: ParsedNode) => text.slice(range[0], range[1]).includes('#');

function addToBlock(text: string, seq: YAMLSeq.Parsed, item: Entry, opened: readonly string[]): string {
  const dash = dashes(seq).at(-1);
  const last = seq.items.at(-1);
  if (dash === undefined || last === undefined) throw new NotEditable('The list is written in an unusual way.');
  const column = dash - lineStart(text, dash);
  const isBare = isNothing(last);
  const end = withItsComments(text, isBare ? lineEnd(text, dash) : blockEnd(text, last), column);
  const lines = asItem(item, opened).map((line) => ' '.repeat(column) + line);
  return splice(text, end, end, linesAt(text, end, lines));
}

function addToFlow(text: string, seq: YAMLSeq.Parsed, item: Entry, asJson: boolean): string {
  const last = seq.items.at(-1);
  const written = inOneLine(item, asJson);
  if (last === undefined) return splice(text, seq.range[0] + 1, seq.range[0] + 1, written);
  const start = lineStart(text, last.range[0]);
  const isOwnLine = /^ *$/.test(text.slice(start, last.range[0])) && start > seq.range[0];
  const gap = isOwnLine ? `${breakOf(text)}${text.slice(start, last.range[0])}` : ' ';
  return splice(text, last.range[1], last.range[1], `,${gap}${written}`);
}

/** Takes an item out of a list, with the comments in it. */
export function removeItem(text: string, list: string, index: number): string {
  const seq = nodeAt(parse(text), [list]);
  const item: ParsedNode | undefined = isSeq(seq) ? (seq.items[index] as ParsedNode) : undefined;
  if (!isSeq(seq) || item === undefined) throw new NotEditable(`The section "${list}" is not written as a list.`);
  if (seq.flow) return removeFromFlow(text, seq as YAMLSeq.Parsed, index);
  const dash = dashes(seq as YAMLSeq.Parsed)[index];
  const start = dash === undefined ? 0 : lineStart(text, dash);
  if (dash === undefined || !/^ *$/.test(text.slice(start, dash)))
    throw new NotEditable('The list is written in an unusual way.');
  const end = withItsComments(text, isNothing(item) ? lineEnd(text, dash) : blockEnd(text, item), dash - start);
  const without = splice(text, start, end, '');
  if (seq.items.length > 1) return without;
  const pair = pairOf(parse(text).contents, list);
  const colon = text.indexOf(':', pair?.key.range[1] ?? 0);
  return splice(without, colon + 1, colon + 1, ' []');
}

function removeFromFlow(text: string, { items }: YAMLSeq.Parsed | YAMLMap.Parsed, index: number): string {
  const startOf = (at: number) => {
    const node = items[at];
    return (node && 'key' in node ? (node.key as ParsedNode) : (node as unknown as ParsedNode)).range[0];
  };
  const end = contentEnd(items[index]);
  const before = items[index - 1];
  if (index + 1 < items.length) {
    const comma = commaBetween(text, end, startOf(index + 1)) ?? end;
    const rest = /^\s*/.exec(text.slice(comma + 1))?.[0].length ?? 0;
    return splice(text, startOf(index), comma + 1 + rest, '');
  }
  if (before === undefined) {
    const [comma] = /^\s*,/.exec(text.slice(end)) ?? [''];
    return splice(text, startOf(index), end + comma.length, '');
  }
  const from = contentEnd(before);
  const comma = commaBetween(text, from, startOf(index)) ?? from;
  // Comments between the two stay.
  const between = text.slice(comma + 1, startOf(index));
  const kept = between.includes('#') ? between.trimEnd() + breakOf(text) : '';
  return splice(text, comma, end, kept);
}

/** Gives what stands at a path another value. What is above it must be there, and be written out. */
export function setValue(text: string, path: Path, value: unknown): string {
  const document = parse(text);
  const key = String(path.at(-1));
  const map = nodeAt(document, path.slice(0, -1));
  if (!isMap<ParsedNode, ParsedNode | null>(map)) throw new NotEditable(`${path.join('.')} is not written out.`);
  const asJson = isJson(map) || isJson(document.contents as ParsedNode);
  const pair = pairOf(map, key);
  if (pair === undefined) return addPair(text, map as YAMLMap.Parsed, key, value, asJson);
  const old = pair.value;
  const written = inOneLine(value, asJson || (typeof value === 'string' && isQuoted(old)));
  if (old === null || isNothing(old)) {
    const end = contentEnd(pair);
    const colon = text[end - 1] === ':' ? end : text.indexOf(':', pair.key.range[1]) + 1;
    return splice(text, colon, colon, ` ${written}`);
  }
  const end = contentEnd(old);
  const isLines = text[end - 1] === '\n';
  return splice(text, old.range[0], end, isLines ? written + breakOf(text) : written);
}

function addPair(text: string, map: YAMLMap.Parsed, key: string, value: unknown, asJson: boolean): string {
  const written = `${asJson ? JSON.stringify(key) : yamlString(key)}: ${inOneLine(value, asJson)}`;
  const last = map.items.at(-1);
  if (map.flow) {
    if (last === undefined) return splice(text, map.range[0] + 1, map.range[0] + 1, asJson ? written : ` ${written} `);
    const end = contentEnd(last);
    return splice(text, end, end, `, ${written}`);
  }
  const first = map.items[0]?.key as ParsedNode | undefined;
  if (first === undefined || last === undefined) throw new NotEditable(`There is nothing beside "${key}".`);
  const column = first.range[0] - lineStart(text, first.range[0]);
  const end = blockEnd(text, last);
  return splice(text, end, end, linesAt(text, end, [' '.repeat(column) + written]));
}

/** Takes a key and what stands at it away. */
export function removeValue(text: string, path: Path): string {
  const map = nodeAt(parse(text), path.slice(0, -1));
  const key = String(path.at(-1));
  const pair = pairOf(map, key);
  if (!isMap<ParsedNode, ParsedNode | null>(map) || pair === undefined) return text;
  const index = map.items.indexOf(pair as Pair<ParsedNode, ParsedNode | null>);
  if (map.flow) return removeFromFlow(text, map as YAMLMap.Parsed, index);
  if (map.items.length === 1) return splice(text, map.range[0], contentEnd(map), '{}');
  const start = lineStart(text, pair.key.range[0]);
  const next = map.items[index + 1]?.key as ParsedNode | undefined;
  // It shares its line with a dash: what follows takes its place.
  if (!/^ *$/.test(text.slice(start, pair.key.range[0]))) {
    if (next === undefined) throw new NotEditable(`"${key}" stands in one line with something else.`);
    return splice(text, pair.key.range[0], next.range[0], '');
  }
  return splice(text, start, blockEnd(text, pair), '');
}

/*
 * Where things stand in a YAML text, as far as a change in place needs to know. The library's own ends of collections
 * take in what follows them: comments and empty lines that belong to nobody.
 */

/** Where the line begins in which an offset lies. */
const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** Just behind the line break of the line in which an offset lies, or the end of the text. */
function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}

/** Behind the last character that means something. */
function contentEnd(node: unknown): number {
  if (isPair(node))
    return isNothing(node.value) && !isScalar(node.value) ? contentEnd(node.key) : contentEnd(node.value);
  const parsed = node as ParsedNode;
  if (!isCollection(parsed) || parsed.flow || parsed.items.length === 0) return parsed.range[1];
  return contentEnd(parsed.items.at(-1));
}

/** Behind what stands there, with a comment in its last line, and the line break. */
function blockEnd(text: string, node: unknown): number {
  const end = contentEnd(node);
  // A block scalar ends behind its line break.
  return end > 0 && text[end - 1] === '\n' ? end : lineEnd(text, end);
}

/** Takes in comments that follow at once and stand further in than `column`: they speak of what is above them. */
function withItsComments(text: string, end: number, column: number): number {
  for (let at = end; ; ) {
    const [line = '', indent = '', mark = ''] = /^( *)(#?)[^\n]*\n?/.exec(text.slice(at, lineEnd(text, at))) ?? [];
    if (mark === '' || indent.length <= column) return at;
    at += line.length;
    if (at >= text.length) return at;
  }
}

/** Where the dash of each item of a list in lines stands. */
function dashes(seq: YAMLSeq.Parsed): number[] {
  const token = seq.srcToken;
  if (token?.type !== 'block-seq') return [];
  return token.items.flatMap(({ start }) =>
    start.filter(({ type }) => type === 'seq-item-ind').map(({ offset }) => offset),
  );
}

/** Where the next comma between two offsets stands that is no part of a comment; undefined without one. */
function commaBetween(text: string, from: number, to: number): number | undefined {
  for (let at = from; at < to; at++) {
    if (text[at] === ',') return at;
    if (text[at] === '#') at = lineEnd(text, at) - 1;
  }
  return undefined;
}

/** The last one counts, as where a file is read. */
const pairOf = (map: unknown, key: string): Pair<ParsedNode, ParsedNode | null> | undefined =>
  isMap<ParsedNode, ParsedNode | null>(map)
    ? map.items.findLast((pair) => isScalar(pair.key) && String(pair.key.value) === key)
    : undefined;

/** What stands at a path; undefined where the text has nothing of it, or only a name for something else. */
function nodeAt(document: Document.Parsed, path: readonly (string | number)[]): ParsedNode | undefined {
  let node: unknown = document.contents;
  for (const step of path)
    node = typeof step === 'number' ? (isSeq(node) ? node.items[step] : undefined) : pairOf(node, step)?.value;
  return (node ?? undefined) as ParsedNode | undefined;
}

/** No text at all: a key with nothing behind its colon. */
const isNothing = (node: unknown): boolean =>
  node === null || node === undefined || (isScalar(node) && node.source === '' && node.value === null);
