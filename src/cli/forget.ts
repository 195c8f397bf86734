import { z } from 'zod';
import { type ConnectOptions, connect } from './connect.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

const answer = z.object({ forgotten: z.record(z.string(), z.number()) });

/** Has a running gateway forget somebody. */
export async function forget(
  terminal: Terminal,
  name: string | undefined,
  options: ConnectOptions & { readonly json?: boolean; readonly userIdentity?: string },
): Promise<ExitCode> {
  const { userIdentity } = options;
  if ((name === undefined) === (userIdentity === undefined))
    throw new CommandError('usage', 'Give either a name or --user-identity.');
  const api = connect(terminal, options);
  const whom = userIdentity === undefined ? { name } : { user_identity_id: userIdentity };
  const { forgotten } = await api.post('/strikeplate/personal_data/forget', whom, answer);
  if (options.json) terminal.out(json(forgotten));
  else {
    const found = Object.entries(forgotten).filter(([, count]) => count > 0);
    const where = found.map(([kind, count]) => `${count} ${kind.replaceAll('_', ' ')}`).join(', ');
    terminal.out(where === '' ? 'That name is kept nowhere.' : `Forgotten in ${where}.`);
    terminal.err(
      'Not in reach: backups, the system’s journal, what a lock itself shows (unmanaged codes), and whoever was told before.',
    );
  }
  return exitCodes.ok;
}
