import { spawnSync } from 'node:child_process';
import { CommandError, type ExitCode } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** Who runs the service, and with which groups beside the user's own. */
export interface ServiceUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** As systemd has it; undefined without systemd, without the unit, or where root runs it. */
export function serviceUser(): ServiceUser | undefined {
  const { stdout, status } = spawnSync(
    'systemctl',
    ['show', 'strikeplate', '--property=LoadState,User,SupplementaryGroups'],
    { encoding: 'utf8', timeout: 5_000 },
  );
  const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout ?? '')?.[1] ?? '';
  if (status !== 0 || of('LoadState') !== 'loaded' || of('User') === '') return undefined;
  return { name: of('User'), groups: of('SupplementaryGroups').split(' ').filter(Boolean) };
}

/** Runs this very program with other words as somebody else, as only root may. @throws CommandError */
export function runAs({ name, groups }: ServiceUser, words: readonly string[], terminal: Terminal): ExitCode {
  const [script = ''] = process.argv.slice(1);
  const program = [process.execPath, ...process.execArgv, script, ...words];
  const user = ['-u', name, ...groups.flatMap((group) => ['-G', group])];
  const { status, stdout, stderr, error } = spawnSync('runuser', [...user, '--', ...program], {
    encoding: 'utf8',
    cwd: '/',
  });
  if (error !== undefined || status === null || (status === 1 && /^runuser:/m.test(stderr)))
    throw new CommandError('failed', `Nothing could be run as ${name}: ${error?.message ?? stderr.trim()}.`);
  if (stdout !== '') terminal.out(stdout.trimEnd());
  if (stderr !== '') terminal.err(stderr.trimEnd());
  return status as ExitCode;
}
