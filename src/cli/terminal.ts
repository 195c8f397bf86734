import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Environment } from '../config/environment.ts';

/** What a command line program can do to the world around it, so that a test can look on. */
export interface Terminal {
  /** What was asked for: standard output. */
  out(line: string): void;
  /** What went wrong, and what a person should know: standard error. */
  err(line: string): void;
  /** Asks whoever sits there, and resolves with the line; undefined where nobody does. A secret is not shown. */
  readonly ask?: ((question: string, options: { readonly secret: boolean }) => Promise<string>) | undefined;
  /**
   * A line that moves: it takes the place of the one before, and undefined takes it away. Absent where nobody looks, or
   * where lines cannot move.
   */
  readonly progress?: ((line: string | undefined) => void) | undefined;
  /** How many characters a line has room for; undefined where nobody looks. */
  readonly columns?: number | undefined;
  /** Takes the whole terminal; undefined where there is none, or nobody who could press keys. */
  readonly openScreen?: (() => Screen) | undefined;
  readonly env: Environment;
  readonly cwd: string;
}

export const json = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** A whole screen, drawn anew as often as one likes. */
export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  draw(lines: readonly string[]): void;
  onKey(listener: (key: string) => void): void;
  onResize(listener: () => void): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** What lies between two columns. */
const GAP = '  ';
/** No column is made narrower than this. */
const NARROWEST = 6;

/**
 * Columns as wide as their widest cell; the last one is not filled up. Where lines have a width, the widest columns give
 * way until rows fit.
 */
export function table(rows: readonly (readonly string[])[], columns = Number.POSITIVE_INFINITY): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  const total = () => widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);
  while (total() > columns) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= NARROWEST) break;
    widths[widest] = Math.max(NARROWEST, width - (total() - columns), Math.min(width - 1, secondOf(widths)));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => clip(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

/** The second widest: the widest is cut down to it first. */
const secondOf = (widths: readonly number[]): number => [...widths].sort((a, b) => b - a)[1] ?? 0;

/** So much of a line as there is room for. */
export const clip = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`;

/** A line for a person, within the room that there is: what has none stands below, indented. No word is cut. */
export function folded(line: string, room: number, indent = '    '): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > room) {
    const before = rest.lastIndexOf(' ', room);
    const at = before > indent.length ? before : rest.indexOf(' ', room);
    if (at < 0) break;
    lines.push(rest.slice(0, at).trimEnd());
    rest = `${indent}${rest.slice(at).trimStart()}`;
  }
  return [...lines, rest];
}

/** How wide lines may be: what is read by a program is never cut. */
export const columnsOf = ({ columns }: Pick<Terminal, 'columns'>): number => columns ?? Number.POSITIVE_INFINITY;

const two = (value: number): string => String(value).padStart(2, '0');

/** In the zone of whoever reads it, with its date. @param ms since the Unix epoch */
export function localDateTime(ms: number): string {
  const at = new Date(ms);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** In the zone of whoever reads it: of today the time alone. @param ms since the Unix epoch */
export function localTime(ms: number, now = Date.now()): string {
  const at = new Date(ms);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const today = new Date(now);
  if (at.toDateString() === today.toDateString()) return time;
  const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return at.getFullYear() === today.getFullYear() ? `${day} ${time}` : `${at.getFullYear()}-${day} ${time}`;
}

/** The end of a UUID, which differs where its beginning, the time, does not; commands take it for the whole. */
export const shortId = (id: string): string => (/^[0-9a-f-]{36}$/i.test(id) ? id.slice(-8) : id);

/** Whether somebody may have meant the end of an id. */
export const isShortId = (text: string): boolean => /^[0-9a-f]{8}$/i.test(text);

/* ECMA-48 and xterm's private modes: another buffer, so that what was on the terminal is there again afterwards. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const END_OF_LINE = '\u001b[K';
const REST = '\u001b[J';

/** Takes the terminal of this process. */
export function openScreen(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Screen {
  const keys = (bytes: Buffer) => {
    for (const listener of listeners) listener(bytes.toString());
  };
  const listeners = new Set<(key: string) => void>();
  const resized = new Set<() => void>();
  const resize = () => {
    for (const listener of resized) listener();
  };
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on('data', keys);
  stdout.on('resize', resize);
  stdout.write(ENTER);
  return {
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    draw: (lines) => {
      stdout.write(`${HOME}${lines.map((line) => `${line}${END_OF_LINE}`).join('\r\n')}${REST}`);
    },
    onKey: (listener) => void listeners.add(listener),
    onResize: (listener) => void resized.add(listener),
    close: () => {
      stdin.off('data', keys);
      stdout.off('resize', resize);
      stdin.setRawMode(false);
      stdin.pause();
      stdout.write(LEAVE);
    },
  };
}

/** Asks on the terminal. What is typed as a secret is not shown. */
export async function ask(question: string, { secret }: { readonly secret: boolean }): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  // readline draws its own line anew for each key; what it draws into silence must be there already.
  if (secret) process.stderr.write(`${question} `);
  const lines = createInterface({ input: process.stdin, output: secret ? silence : process.stderr, terminal: true });
  // readline takes Ctrl-C for itself while it asks.
  lines.once('SIGINT', () => {
    lines.close();
    process.stderr.write('\n');
    process.kill(process.pid, 'SIGINT');
  });
  try {
    return await lines.question(secret ? '' : `${question} `);
  } finally {
    lines.close();
    if (secret) process.stderr.write('\n');
  }
}
