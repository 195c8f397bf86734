import type { CommandEntry } from './command-tree.ts';
import { exitCodesInWords } from './exit.ts';

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
