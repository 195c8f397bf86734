import type { CommandEntry } from './command-tree.ts';

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
