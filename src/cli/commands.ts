import { type Command, InvalidArgumentError } from 'commander';
import type { Catalogues } from './catalogues.ts';
import type { ExitCode } from './exit.ts';
import type { Stop } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

/** What commands are defined with. */
export interface Commands {
  readonly program: Command;
  readonly terminal: Terminal;
  readonly catalogues: Catalogues;
  readonly version: string;
  /** Asked for by the commands that run until they are stopped. */
  readonly stop: () => Stop;
  /** Calls back at each SIGHUP; undefined where that means that the terminal is gone. */
  readonly onReload?: (listener: () => void) => void;
  /** Adds the options of a command that reads a configuration. */
  readonly configured: (command: Command) => Command;
  /** Adds the options of a command that asks a gateway. */
  readonly connected: (command: Command) => Command;
  /** Aborts when the command is told to stop. */
  readonly stopSignal: (message: string) => AbortSignal;
  readonly done: (code: ExitCode) => void;
}

export const examples = (lines: readonly string[]) => `\n\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;

export function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 600) return value;
  throw new InvalidArgumentError('It must be a whole number of seconds, at most 600.');
}
