import { type Command, InvalidArgumentError } from 'commander';
import type { Catalogues } from './catalogues.ts';
import { type ExitCode, exitCodesInWords } from './exit.ts';
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

/** roff: a line that begins with a dot is a request, and a hyphen may become a dash. man-pages(7). */
const roff = (text: string) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

/** The manual page strikeplate(1). */
export function manual(tree: readonly CommandEntry[], version: string): string {
  return [
    `.TH STRIKEPLATE 1 "" "strikeplate ${version}" "User Commands"`,
    '.SH NAME',
    'strikeplate \\- gateway between applications and the doors of one building',
    '.SH SYNOPSIS',
    '.B strikeplate\n.I COMMAND\n[options]',
    '.SH DESCRIPTION',
    roff(
      'Runs the gateway, and asks a running one over HTTP: commands on devices never go past it. A device is named by its short id, its name or its device_id. Fire release and emergency egress never pass through this software.',
    ),
    '.SH COMMANDS',
    ...tree.flatMap((entry) => [
      `.SS "strikeplate ${roff(entry.usage)}"`,
      roff(entry.description),
      ...entry.options.flatMap(({ flags, description }) => ['.TP', `.B ${roff(flags)}`, roff(description)]),
    ]),
    '.SH EXIT STATUS',
    '.nf',
    roff(exitCodesInWords.replace(/^Exit codes:\n/, '')),
    '.fi',
    '.SH ENVIRONMENT',
    ...Object.entries(environment).flatMap(([name, meaning]) => ['.TP', `.B ${name}`, roff(meaning)]),
    '.SH FILES',
    ...Object.entries(files).flatMap(([name, meaning]) => ['.TP', `.I ${roff(name)}`, roff(meaning)]),
    '.SH SEE ALSO',
    roff('/usr/share/doc/strikeplate/operations.md'),
  ].join('\n');
}

const environment = {
  STRIKEPLATE_CONFIG: 'The configuration.',
  STRIKEPLATE_HTTP_PORT: 'Goes before http.port.',
  STRIKEPLATE_STATE_DIR: 'Goes before state_dir.',
  STRIKEPLATE_URL: 'The gateway that commands ask.',
  STRIKEPLATE_API_KEY: 'The key that they show.',
};

const files = {
  '/etc/strikeplate/gateway.yaml': 'The site’s configuration.',
  '/var/lib/strikeplate': 'Database, keys and pairings.',
};

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A completion script for commands and options. Devices are not looked up: a key press asks no gateway. */
export const completion = (shell: Shell, tree: readonly CommandEntry[]): string => scripts[shell](tree);

const words = (tree: readonly CommandEntry[], path: string): string => {
  const top = path === '';
  const below = top ? tree.filter((entry) => !entry.path.includes(' ')).map((entry) => entry.path) : undefined;
  const entry = tree.find((candidate) => candidate.path === path);
  return [...(below ?? entry?.subcommands ?? []), ...(entry?.options.map(({ long }) => long) ?? []), '--help'].join(
    ' ',
  );
};

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const scripts: Readonly<Record<Shell, (tree: readonly CommandEntry[]) => string>> = {
  bash: (tree) => `# bash completion for strikeplate
_strikeplate() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path="\${COMP_WORDS[1]}" words
  case "$path \${COMP_WORDS[2]}" in
${tree
  .filter((entry) => entry.path.includes(' '))
  .map((entry) => `    ${quoted(entry.path)}) [ "$COMP_CWORD" -gt 2 ] && path=${quoted(entry.path)} ;;`)
  .join('\n')}
  esac
  [ "$COMP_CWORD" -eq 1 ] && path=
  case "$path" in
    '') words=${quoted(words(tree, ''))} ;;
${tree.map((entry) => `    ${quoted(entry.path)}) words=${quoted(words(tree, entry.path))} ;;`).join('\n')}
  esac
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    --config|-c|--key-file|--ca-file|--save) COMPREPLY=($(compgen -f -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
}
complete -F _strikeplate strikeplate`,
  zsh: (tree) => `#compdef strikeplate
local path="\${words[2]}" candidates
if (( CURRENT > 3 )); then
  case "\${words[2]} \${words[3]}" in
${tree
  .filter((entry) => entry.path.includes(' '))
  .map((entry) => `    ${quoted(entry.path)}) path=${quoted(entry.path)} ;;`)
  .join('\n')}
  esac
fi
(( CURRENT == 2 )) && path=
case "$path" in
  '') candidates=(${words(tree, '')}) ;;
${tree.map((entry) => `  ${quoted(entry.path)}) candidates=(${words(tree, entry.path)}) ;;`).join('\n')}
esac
case "\${words[CURRENT-1]}" in
  --config|-c|--key-file|--ca-file|--save) _files ;;
  *) compadd -- $candidates ;;
esac`,
  fish: (tree) =>
    [
      '# fish completion for strikeplate',
      'complete -c strikeplate -f',
      ...tree.map((entry) => {
        const steps = entry.path.split(' ');
        const name = steps.at(-1) ?? '';
        const above = steps.slice(0, -1);
        const when = above.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${above.join(' ')}`;
        return `complete -c strikeplate -n ${quoted(when)} -a ${name} -d ${quoted(entry.description)}`;
      }),
      ...tree.flatMap((entry) =>
        entry.options.map(({ long, description }) => {
          const name = entry.path.split(' ').at(-1) ?? '';
          const file = /^--(config|key-file|ca-file|save)$/.test(long) ? ' -r -F' : '';
          return `complete -c strikeplate -n ${quoted(`__fish_seen_subcommand_from ${name}`)} -l ${long.slice(2)}${file} -d ${quoted(description)}`;
        }),
      ),
    ].join('\n'),
};
