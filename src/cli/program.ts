import { Argument, Command, CommanderError } from 'commander';
import { ConfigError } from '../config/problems.ts';
import { GatewayError } from '../contract/index.ts';
import type { Catalogues } from './catalogues.ts';
import { defineCodeCommands } from './code-commands.ts';
import { type Commands, commandTree, completion, examples, manual, type Shell, shells } from './commands.ts';
import { defineAttemptCommands, defineDeviceCommands, defineDoorCommands } from './device-commands.ts';
import { CommandError, type ExitCode, exitCodes, exitCodesInWords } from './exit.ts';
import { defineGatewayCommands, defineSimulateCommand } from './gateway-commands.ts';
import { defineNetworkCommands, definePairCommand, defineScanCommands } from './hardware-commands.ts';
import { defineKeyCommands } from './keys.ts';
import { defineAuditCommands, defineServiceCommands } from './service-commands.ts';
import type { Stop } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

export interface Program {
  readonly terminal: Terminal;
  readonly catalogues: Catalogues;
  readonly version: string;
  /** Asked for by the commands that run until they are stopped. */
  readonly stop: () => Stop;
  /** Calls back at each SIGHUP; undefined where that means that the terminal is gone. */
  readonly onReload?: (listener: () => void) => void;
}

/** Runs one command line. Never throws: what goes wrong is said on the terminal, and in the exit code. */
export async function runProgram(program: Program, args: readonly string[]): Promise<ExitCode> {
  const { terminal } = program;
  let result: ExitCode = exitCodes.ok;
  const commands = defineProgram(program, (code) => {
    result = code;
  });
  try {
    await commands.parseAsync([...args], { from: 'user' });
    return result;
  } catch (error) {
    return explain(terminal, error);
  }
}

function explain(terminal: Terminal, error: unknown): ExitCode {
  // commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof ConfigError) {
    terminal.err(error.message);
    return exitCodes.configuration;
  }
  if (error instanceof CommandError) {
    terminal.err(error.message);
    return error.exitCode;
  }
  if (error instanceof GatewayError) {
    terminal.err(error.message);
    if (error.type !== 'misconfigured') return exitCodes.failed;
    return error.retryAfterSeconds === undefined ? exitCodes.configuration : exitCodes.occupied;
  }
  terminal.err(
    `This is a fault in strikeplate; please report it. ${error instanceof Error ? error.stack : String(error)}`,
  );
  return exitCodes.internal;
}

/** All commands with their options. @param done told how a command ended */
export function defineProgram(parts: Program, done: (code: ExitCode) => void): Command {
  const program = newProgram(parts);
  const stopSignal = (message: string) => stopSignalOf(parts.stop(), message);
  const commands: Commands = { ...parts, program, configured, connected, stopSignal, done };
  // In the order of the help.
  defineGatewayCommands(commands);
  defineDeviceCommands(commands);
  defineDoorCommands(commands);
  defineAttemptCommands(commands);
  defineCodeCommands(commands);
  defineKeyCommands(commands);
  defineAuditCommands(commands);
  defineServiceCommands(commands);
  defineSimulateCommand(commands);
  definePairCommand(commands);
  defineTextCommands(commands);
  defineNetworkCommands(defineScanCommands(commands), commands);
  return program;
}

function newProgram({ terminal, version }: Program): Command {
  return new Command('strikeplate')
    .description('Locks, keypads and noise sensors of one building, behind the Seam API on your own network.')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(fitHelp(text.replace(/\n$/, ''))),
      writeErr: (text) => terminal.err(text.replace(/\n$/, '')),
    })
    .configureHelp({ helpWidth: HELP_WIDTH })
    .showHelpAfterError('See: strikeplate --help')
    .addHelpText(
      'after',
      `\n${exitCodesInWords}\n\nConfiguration: $STRIKEPLATE_CONFIG, else /etc/strikeplate/gateway.yaml, else the demonstration that was
started in this folder. "strikeplate demo" starts one.`,
    );
}

const configured = (command: Command) =>
  command
    .option(
      '-c, --config <file>',
      "the configuration (default: $STRIKEPLATE_CONFIG, else the site's, else a demonstration in ./var)",
    )
    .option('--json', 'print JSON');

const connected = (command: Command) =>
  configured(command)
    .option('--url <address>', 'the gateway (default: $STRIKEPLATE_URL, else as the configuration says)')
    .option('--key-file <file>', 'file with an API key (default: $STRIKEPLATE_API_KEY, else the key of this box)')
    .option('--ca-file <file>', 'certificate authority of the gateway, PEM');

/** What is made of the commands themselves. */
function defineTextCommands({ program, terminal, version }: Commands): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'which').choices(shells))
    .addHelpText('after', examples(['strikeplate completion bash > /etc/bash_completion.d/strikeplate']))
    .action((shell: Shell) => {
      terminal.out(completion(shell, commandTree(program)));
    });
  program
    .command('manual')
    .description('print the manual page')
    .addHelpText('after', examples(['strikeplate manual | man -l -']))
    .action(() => {
      terminal.out(manual(commandTree(program), version));
    });
}

function stopSignalOf({ requested }: Stop, message: string): AbortSignal {
  const stopped = new AbortController();
  void requested.then(() => stopped.abort(new CommandError('failed', message)));
  return stopped.signal;
}

/** Columns of help: a terminal has eighty at the least. */
const HELP_WIDTH = 80;

/** Fits help to the width: prose is filled anew, and a command line goes on below after a backslash. */
function fitHelp(text: string): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const flush = () => {
    const isWide = paragraph.some((line) => line.length > HELP_WIDTH);
    lines.push(...(isWide ? filled(paragraph.join(' ').split(' '), '', '') : paragraph));
    paragraph = [];
  };
  for (const line of text.split('\n')) {
    const indent = /^ */.exec(line)?.[0] ?? '';
    if (indent === '' && line !== '') {
      paragraph.push(line);
      continue;
    }
    flush();
    const isCommand = line.trimStart().startsWith('strikeplate ');
    if (line.length <= HELP_WIDTH || !isCommand) lines.push(line);
    else lines.push(...filled(line.trim().split(' '), indent, ' \\'));
  }
  flush();
  return lines.join('\n');
}

/** @param end at each line that goes on */
function filled(words: readonly string[], indent: string, end: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of words) {
    const longer = line.trim() === '' ? `${line}${word}` : `${line} ${word}`;
    if (longer.length + end.length <= HELP_WIDTH || line.trim() === '') {
      line = longer;
      continue;
    }
    lines.push(`${line}${end}`);
    line = `${indent}${end === '' ? '' : '  '}${word}`;
  }
  return [...lines, line];
}
