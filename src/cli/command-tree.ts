import type { Command } from 'commander';

/** One command of the program, as completion and manual show it. */
export interface CommandEntry {
  /** Without the program's own name: `attempts history`. */
  readonly path: string;
  /** With its arguments: `attempts history <id>`. */
  readonly usage: string;
  readonly description: string;
  readonly options: readonly { readonly flags: string; readonly long: string; readonly description: string }[];
  readonly subcommands: readonly string[];
}

/** All commands, each before those below it. */
export function commandTree(command: Command, above = ''): CommandEntry[] {
  return command.commands.flatMap((next) => {
    const path = `${above}${next.name()}`;
    const args = next.registeredArguments.map((argument) => {
      const name = argument.variadic ? `${argument.name()}...` : argument.name();
      return argument.required ? ` <${name}>` : ` [${name}]`;
    });
    const entry: CommandEntry = {
      path,
      usage: `${path}${args.join('')}`,
      description: next.description(),
      options: next.options.map(({ flags, long, description }) => ({ flags, long: long ?? flags, description })),
      subcommands: next.commands.map((below) => below.name()),
    };
    return [entry, ...commandTree(next, `${path} `)];
  });
}
