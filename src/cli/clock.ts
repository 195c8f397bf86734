import { z } from 'zod';
import { type ConnectOptions, connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

const answer = z.object({
  clock: z.looseObject({ time: z.string(), is_confirmed: z.boolean(), reason: z.string().nullable() }),
});

/** Says what the gateway's clock shows and whether it is believed, after confirming it if that is wanted. */
export async function showClock(
  terminal: Terminal,
  action: 'show' | 'confirm',
  options: ConnectOptions & { readonly json?: boolean },
): Promise<ExitCode> {
  const api = connect(terminal, options);
  const { clock } =
    action === 'confirm' ? await api.post('/clock/confirm', {}, answer) : await api.get('/clock/get', {}, answer);
  if (options.json) terminal.out(json(clock));
  else if (clock.is_confirmed) terminal.out(`${clock.time}: believed.`);
  else
    terminal.out(
      `${clock.time}: in doubt, so that codes wait. ${clock.reason ?? ''}\nIf it is right: strikeplate clock confirm`,
    );
  return exitCodes.ok;
}
