import { z } from 'zod';
import { type ConnectOptions, connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

const ids = z.array(z.string());
const answer = z.looseObject({
  reload: z.looseObject({
    devices: z.object({ added: ids, removed: ids, changed: ids }),
    links: ids,
    monitor_changed: z.boolean(),
    needs_restart: ids,
  }),
});

/** Has the running gateway take over its configuration file. */
export async function reload(
  terminal: Terminal,
  options: ConnectOptions & { readonly json?: boolean },
): Promise<ExitCode> {
  const told = await connect(terminal, options).post('/strikeplate/configuration/reload', {}, answer);
  if (options.json) {
    terminal.out(json(told.reload));
    return exitCodes.ok;
  }
  const { devices, links, monitor_changed, needs_restart } = told.reload;
  const parts = [
    ...(['added', 'changed', 'removed'] as const).flatMap((how) =>
      devices[how].length > 0 ? [`${how}: ${devices[how].join(', ')}`] : [],
    ),
    ...(links.length > 0 ? [`links: ${links.join(', ')}`] : []),
    ...(monitor_changed ? ['the monitor'] : []),
  ];
  terminal.out(
    parts.length > 0 ? `Taken over. ${parts.join('; ')}.` : 'There is nothing new that a running gateway takes over.',
  );
  if (needs_restart.length > 0)
    terminal.err(`Only a restart takes over: ${needs_restart.join(', ')}. Run: systemctl restart strikeplate`);
  return exitCodes.ok;
}
