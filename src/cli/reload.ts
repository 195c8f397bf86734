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
type ReloadAnswer = z.output<typeof answer>['reload'];

/** Has the running gateway take over its configuration file. */
export async function reload(
  terminal: Terminal,
  options: ConnectOptions & { readonly json?: boolean },
): Promise<ExitCode> {
  return tellReload(terminal, await askForReload(terminal, options), options);
}

/** @param what of the configuration's routes, which all answer with what was taken over. @throws CommandError */
export async function askForReload(
  terminal: Terminal,
  options: ConnectOptions,
  what = 'reload',
  body: Readonly<Record<string, unknown>> = {},
): Promise<ReloadAnswer> {
  return (await connect(terminal, options).post(`/strikeplate/configuration/${what}`, body, answer)).reload;
}

/** Says what was taken over. */
export function tellReload(terminal: Terminal, report: ReloadAnswer, options: { readonly json?: boolean }): ExitCode {
  if (options.json) {
    terminal.out(json(report));
    return exitCodes.ok;
  }
  const { devices, links, monitor_changed, needs_restart } = report;
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
