/** More than any building needs; a guess that keeps a wrong file (a core dump, an image) from being parsed. */
export const maxBytes = 4 << 20;

/** The deepest setting is at 8. */
const maxDepth = 16;

/** Characters that stand for themselves wherever they are: no tab, no other line end, no byte order mark. */
const otherCharacter = /[^\n\x20-\x7e\u00a1-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\ufdff]/;

/** A key in block style, and what stands behind its colon. */
const pair = /^([A-Za-z_][A-Za-z0-9_-]{0,99}):(?: +(.*))?$/;
/** The same within braces. */
const flowKey = /([A-Za-z_][A-Za-z0-9_-]{0,99}): +/y;
/** Words without quotes within braces and brackets. A colon has a word behind it. */
const flowPlain =
  /(?:\.{1,2}\/|[A-Za-z0-9_/\-\u00a1-\ufdff])(?:[A-Za-z0-9_./+@ \-\u00a1-\ufdff]|:(?=[A-Za-z0-9_./+@-]))*/y;
const quoted = /"([^"\\]*)"|'([^']*)'/y;
const spaces = / */y;
/** At the end of a line. */
const nothingMore = / *(?: #.*)?$/y;

const startOfText = /^(?:\.{1,2}\/|[A-Za-z_/\u00a1-\ufdff])/;
const wholeNumber = /^-?(?:0|[1-9][0-9]{0,14})$/;
const decimalNumber = /^-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6}$/;
/** What may be a number in some other notation. */
const numberLike = /^[0-9A-FXO.,+_-]+$/i;

/** Thrown for whatever is not certain. Its stack is of no use to anybody, and costs. */
const unusual = Symbol('unusual');

interface Line {
  readonly indent: number;
  readonly text: string;
}

/**
 * Reads the YAML that nearly every configuration is written in: maps and lists by indentation, braces and brackets that
 * end in their line, words, numbers and texts in quotes. Of 10,000 doors the library makes a tree in 1.5 s, of 100 it
 * takes a fifth of a start, and nobody looks at that tree unless there is something to tell.
 *
 * @returns what the library would make of it; undefined where that is not certain: it is left to the library then
 */
export function readPlainYaml(text: string): { readonly value: unknown } | undefined {
  if (Buffer.byteLength(text) > maxBytes || otherCharacter.test(text)) return undefined;
  try {
    return { value: new PlainText(linesOf(text)).all() };
  } catch (error) {
    if (error !== unusual) throw error;
    return undefined;
  }
}

/** Those with something in them. */
function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (const line of text.split('\n')) {
    const indent = line.search(/[^ ]/);
    if (indent === -1 || line[indent] === '#') continue;
    lines.push({ indent, text: indent === 0 ? line : line.slice(indent) });
  }
  return lines;
}

const end: Line = { indent: -1, text: '' };

/** A text that is gone through line by line, and in a line character by character. */
class PlainText {
  readonly #lines: readonly Line[];
  #next = 0;
  /** Of a line with braces or brackets in it. */
  #flow = '';
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  all(): unknown {
    if (this.#line.indent !== 0) throw unusual;
    const value = this.#block(this.#line, 0);
    if (this.#next < this.#lines.length) throw unusual;
    return value;
  }

  get #line(): Line {
    return this.#lines[this.#next] ?? end;
  }

  #block(first: Line, depth: number): unknown {
    if (depth > maxDepth) throw unusual;
    return isItem(first) ? this.#list(first.indent, depth) : this.#map(first, depth);
  }

  /** @param first in the middle of a line where it is an item of a list */
  #map(first: Line, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    const { indent } = first;
    for (let line = first; line.indent === indent && !isItem(line); line = this.#line) {
      const [, key, rest] = pair.exec(line.text) ?? [];
      this.#next += 1;
      put(map, key, this.#behind(rest, indent, depth));
    }
    if (this.#line.indent > indent) throw unusual;
    return map;
  }

  #behind(rest: string | undefined, indent: number, depth: number): unknown {
    if (rest !== undefined && !isNothing(rest)) return this.#inLine(rest, indent);
    const below = this.#line;
    if (below.indent === indent && isItem(below)) return this.#list(indent, depth + 1);
    return this.#below(indent, depth);
  }

  #below(indent: number, depth: number): unknown {
    return this.#line.indent > indent ? this.#block(this.#line, depth + 1) : null;
  }

  #list(indent: number, depth: number): unknown[] {
    if (depth > maxDepth) throw unusual;
    const list: unknown[] = [];
    for (let line = this.#line; line.indent === indent && isItem(line); line = this.#line) {
      const text = line.text.slice(1).trimStart();
      if (pair.test(text)) {
        list.push(this.#map({ indent: indent + line.text.length - text.length, text }, depth + 1));
      } else {
        this.#next += 1;
        list.push(isNothing(text) ? this.#below(indent, depth) : this.#inLine(text, indent));
      }
    }
    if (this.#line.indent > indent) throw unusual;
    return list;
  }

  /** A value that begins and ends in this line: what is indented further below it would belong to it. */
  #inLine(text: string, indent: number): unknown {
    if (this.#line.indent > indent) throw unusual;
    const first = text[0];
    if (first !== '{' && first !== '[' && first !== '"' && first !== "'") return wordOf(withoutComment(text));
    this.#flow = text;
    this.#at = 0;
    const value = this.#inFlow(0);
    if (this.#take(nothingMore) === undefined) throw unusual;
    return value;
  }

  #inFlow(depth: number): unknown {
    if (depth > maxDepth) throw unusual;
    switch (this.#flow[this.#at]) {
      case '{':
        return this.#members('}', {}, (map) => {
          const key = this.#take(flowKey)?.[1];
          put(map, key, this.#inFlow(depth + 1));
        });
      case '[':
        return this.#members(']', [] as unknown[], (list) => list.push(this.#inFlow(depth + 1)));
      case '"':
      case "'": {
        const found = this.#take(quoted);
        if (found === undefined) throw unusual;
        return found[1] ?? found[2];
      }
      default:
        return wordOf(this.#take(flowPlain)?.[0].trimEnd());
    }
  }

  #members<T>(close: string, whole: T, takeOne: (whole: T) => void): T {
    this.#at += 1;
    this.#take(spaces);
    if (this.#flow[this.#at] === close) {
      this.#at += 1;
      return whole;
    }
    for (;;) {
      takeOne(whole);
      this.#take(spaces);
      const then = this.#flow[this.#at];
      this.#at += 1;
      if (then === close) return whole;
      if (then !== ',') throw unusual;
      // Without one, what stands before and behind the comma may be one text.
      if (this.#flow[this.#at] !== ' ') throw unusual;
      this.#take(spaces);
    }
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#flow);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found;
  }
}

const isItem = ({ text }: Line): boolean => text.startsWith('- ') || text === '-';

/** Nothing, or a comment. */
const isNothing = (text: string): boolean => text === '' || text.startsWith('#');

function put(map: Record<string, unknown>, key: string | undefined, value: unknown): void {
  if (key === undefined || Object.hasOwn(map, key) || key === '__proto__' || isOtherThanText(key)) throw unusual;
  map[key] = value;
}

const isOtherThanText = (word: string): boolean => word.length <= 5 && /^(?:null|true|false)$/i.test(word);

function withoutComment(text: string): string {
  const comment = text.indexOf(' #');
  return (comment === -1 ? text : text.slice(0, comment)).trimEnd();
}

/** A value without quotes. */
function wordOf(word: string | undefined): string | number | boolean | null {
  if (word === undefined || word.endsWith(':') || word.includes(': ')) throw unusual;
  if (startOfText.test(word)) {
    if (!isOtherThanText(word)) return word;
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    throw unusual;
  }
  if (word !== '-0' && (wholeNumber.test(word) || decimalNumber.test(word))) return Number(word);
  // An address or a time of day; what begins with another sign has a meaning of its own.
  if (!/^[0-9]/.test(word) || numberLike.test(word)) {
    if (/^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/.test(word)) return word;
    throw unusual;
  }
  return word;
}
