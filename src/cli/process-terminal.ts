import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Screen } from './terminal.ts';

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
