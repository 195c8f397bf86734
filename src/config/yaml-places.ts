import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  type YAMLSeq,
} from 'yaml';

/*
 * Where things stand in a YAML text, as far as a change in place needs to know. The library's own ends of collections
 * take in what follows them: comments and empty lines that belong to nobody.
 */

/** Where the line begins in which an offset lies. */
export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** Just behind the line break of the line in which an offset lies, or the end of the text. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}

/** Behind the last character that means something. */
export function contentEnd(node: unknown): number {
  if (isPair(node))
    return isNothing(node.value) && !isScalar(node.value) ? contentEnd(node.key) : contentEnd(node.value);
  const parsed = node as ParsedNode;
  if (!isCollection(parsed) || parsed.flow || parsed.items.length === 0) return parsed.range[1];
  return contentEnd(parsed.items.at(-1));
}

/** Behind what stands there, with a comment in its last line, and the line break. */
export function blockEnd(text: string, node: unknown): number {
  const end = contentEnd(node);
  // A block scalar ends behind its line break.
  return end > 0 && text[end - 1] === '\n' ? end : lineEnd(text, end);
}

/** Takes in comments that follow at once and stand further in than `column`: they speak of what is above them. */
export function withItsComments(text: string, end: number, column: number): number {
  for (let at = end; ; ) {
    const [line = '', indent = '', mark = ''] = /^( *)(#?)[^\n]*\n?/.exec(text.slice(at, lineEnd(text, at))) ?? [];
    if (mark === '' || indent.length <= column) return at;
    at += line.length;
    if (at >= text.length) return at;
  }
}

/** Where the dash of each item of a list in lines stands. */
export function dashes(seq: YAMLSeq.Parsed): number[] {
  const token = seq.srcToken;
  if (token?.type !== 'block-seq') return [];
  return token.items.flatMap(({ start }) =>
    start.filter(({ type }) => type === 'seq-item-ind').map(({ offset }) => offset),
  );
}

/** Where the next comma between two offsets stands that is no part of a comment; undefined without one. */
export function commaBetween(text: string, from: number, to: number): number | undefined {
  for (let at = from; at < to; at++) {
    if (text[at] === ',') return at;
    if (text[at] === '#') at = lineEnd(text, at) - 1;
  }
  return undefined;
}

/** The last one counts, as where a file is read. */
export const pairOf = (map: unknown, key: string): Pair<ParsedNode, ParsedNode | null> | undefined =>
  isMap<ParsedNode, ParsedNode | null>(map)
    ? map.items.findLast((pair) => isScalar(pair.key) && String(pair.key.value) === key)
    : undefined;

/** What stands at a path; undefined where the text has nothing of it, or only a name for something else. */
export function nodeAt(document: Document.Parsed, path: readonly (string | number)[]): ParsedNode | undefined {
  let node: unknown = document.contents;
  for (const step of path)
    node = typeof step === 'number' ? (isSeq(node) ? node.items[step] : undefined) : pairOf(node, step)?.value;
  return (node ?? undefined) as ParsedNode | undefined;
}

/** No text at all: a key with nothing behind its colon. */
export const isNothing = (node: unknown): boolean =>
  node === null || node === undefined || (isScalar(node) && node.source === '' && node.value === null);
