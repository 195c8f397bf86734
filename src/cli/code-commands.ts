import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { outcomeInShort } from './attempt-words.ts';
import { type Commands, examples } from './commands.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { findDevice } from './find-device.ts';
import { columnsOf, json, localTime, type Terminal, table } from './terminal.ts';
import { attemptAnswer } from './wire.ts';

/** `strikeplate codes`, `clock` and `forget`. */
export function defineCodeCommands({ program, terminal, connected, done }: Commands): void {
  const codes = program.command('codes').description('the access codes of a lock');
  connected(codes.command('list <device>'))
    .description('list them, without their digits, and what is wrong with each')
    .action(async (device, options) => done(await listCodes(terminal, device, options)));
  connected(codes.command('create <device>'))
    .description('put a code on a lock; the gateway chooses its digits and prints them once')
    .option('--name <text>', 'whose code it is')
    .option('--from <time>', 'ISO 8601 with an offset; from now on unless told')
    .option('--until <time>', 'ISO 8601 with an offset; for ever unless told')
    .option('--ask', 'ask for the digits instead')
    .action(async (device, options) => done(await createCode(terminal, device, options)));
  connected(codes.command('delete <id>'))
    .description('take a code off its lock')
    .action(async (id, options) => done(await deleteCode(terminal, id, options)));
  codes.addHelpText(
    'after',
    examples([
      'strikeplate codes list front',
      'strikeplate codes create front --name Ana --until 2030-05-05T12:00:00+02:00',
      'strikeplate codes delete ID',
    ]),
  );

  const clock = program
    .command('clock')
    .description('whether the gateway believes its clock, by which codes begin and end');
  connected(clock.command('show', { isDefault: true }))
    .description('what it shows, and why it is in doubt')
    .action(async (options) => done(await showClock(terminal, 'show', options)));
  connected(clock.command('confirm'))
    .description('say that it is right')
    .action(async (options) => done(await showClock(terminal, 'confirm', options)));
  clock.addHelpText('after', examples(['strikeplate clock', 'strikeplate clock confirm']));

  connected(program.command('forget [name]'))
    .description('take somebody’s name out of everything that is kept: people, codes, history, events, audit log')
    .option('--user-identity <id>', 'instead of a name: a person, with all that names them')
    .action(async (name, options) => done(await forget(terminal, name, options)))
    .addHelpText('after', examples(['strikeplate forget "Ana Meier"', 'strikeplate forget ana@example.com']));
}

const clockAnswer = z.object({
  clock: z.looseObject({ time: z.string(), is_confirmed: z.boolean(), reason: z.string().nullable() }),
});

/** Says what the gateway's clock shows and whether it is believed, after confirming it if that is wanted. */
async function showClock(
  terminal: Terminal,
  action: 'show' | 'confirm',
  options: ConnectOptions & { readonly json?: boolean },
): Promise<ExitCode> {
  const api = await connect(terminal, options);
  const { clock } =
    action === 'confirm'
      ? await api.post('/clock/confirm', {}, clockAnswer)
      : await api.get('/clock/get', {}, clockAnswer);
  if (options.json) terminal.out(json(clock));
  else if (clock.is_confirmed) terminal.out(`${clock.time}: believed.`);
  else
    terminal.out(
      `${clock.time}: in doubt, so that codes wait. ${clock.reason ?? ''}\nIf it is right: strikeplate clock confirm`,
    );
  return exitCodes.ok;
}

/** The longest that the gateway holds a request, in seconds. */
const longestHoldS = 25;

const problem = z.looseObject({ message: z.string() });
const codeAnswer = z.looseObject({
  access_code_id: z.string(),
  name: z.string().nullable(),
  code: z.string().nullable(),
  status: z.string(),
  starts_at: z.string().optional(),
  ends_at: z.string().nullable().optional(),
  errors: z.array(problem),
  warnings: z.array(problem),
});
type CodeAnswer = z.output<typeof codeAnswer>;

interface Options extends ConnectOptions {
  readonly json?: boolean;
}

/** Lists the codes of a lock, without their digits. */
async function listCodes(terminal: Terminal, wanted: string, options: Options): Promise<ExitCode> {
  const api = await connect(terminal, options);
  const { device_id } = await findDevice(api, wanted);
  const page = z.object({
    access_codes: z.array(codeAnswer),
    pagination: z.object({ next_page_cursor: z.string().nullable() }),
  });
  const codes: CodeAnswer[] = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string> = { device_id, ...(cursor === null ? {} : { page_cursor: cursor }) };
    const answer: z.output<typeof page> = await api.get('/access_codes/list', query, page);
    codes.push(...answer.access_codes);
    cursor = answer.pagination.next_page_cursor;
  } while (cursor !== null);
  if (options.json) terminal.out(json(codes.map(({ code: _digits, ...rest }) => rest)));
  else if (codes.length === 0) terminal.err('No access codes.');
  else {
    const [heading = '', ...lines] = table(
      [['NAME', 'STATUS', 'FROM', 'UNTIL', 'ID'], ...codes.map(rowOf)],
      columnsOf(terminal),
    );
    terminal.out(heading);
    for (const [at, line] of lines.entries()) {
      terminal.out(line);
      for (const { message } of [...(codes[at]?.errors ?? []), ...(codes[at]?.warnings ?? [])])
        terminal.out(`  ${message}`);
    }
  }
  return exitCodes.ok;
}

const rowOf = (code: CodeAnswer): string[] => [
  code.name ?? '-',
  code.status,
  code.starts_at === undefined ? 'always' : localTime(Date.parse(code.starts_at)),
  code.ends_at ? localTime(Date.parse(code.ends_at)) : 'further notice',
  code.access_code_id,
];

/** Puts a code on a lock. The digits are asked for or chosen by the gateway: an argument could be seen by others. */
async function createCode(
  terminal: Terminal,
  wanted: string,
  options: Options & {
    readonly name?: string;
    readonly from?: string;
    readonly until?: string;
    readonly ask?: boolean;
  },
): Promise<ExitCode> {
  const api = await connect(terminal, options);
  const { device_id } = await findDevice(api, wanted);
  if (options.ask && terminal.ask === undefined)
    throw new CommandError('failed', 'Nobody can be asked for the digits here. Leave --ask out: the gateway chooses.');
  const digits = options.ask ? await terminal.ask?.('Digits:', { secret: true }) : undefined;
  const answer = await api.post(
    '/access_codes/create',
    {
      device_id,
      ...(options.name !== undefined && { name: options.name }),
      ...(options.from !== undefined && { starts_at: options.from }),
      ...(options.until !== undefined && { ends_at: options.until }),
      ...(digits !== undefined && { code: digits }),
    },
    z.object({ access_code: codeAnswer, action_attempt: attemptAnswer }),
    { prefer: `wait=${longestHoldS}`, 'idempotency-key': randomUUID() },
  );
  const { access_code: code, action_attempt: attempt } = answer;
  if (options.json) terminal.out(json(answer));
  else if (attempt.status === 'error') terminal.err(`${attempt.error?.message} (${attempt.error?.type})`);
  else {
    // Whoever typed them knows them.
    const shown = options.ask ? '' : `Digits: ${code.code ?? 'not shown to this key'}. `;
    terminal.out(`${shown}Status: ${code.status}. ${code.access_code_id}`);
  }
  return exitOf(attempt.status);
}

async function deleteCode(terminal: Terminal, id: string, options: Options): Promise<ExitCode> {
  const { action_attempt: attempt } = await (await connect(terminal, options)).post(
    '/access_codes/delete',
    { access_code_id: id },
    z.object({ action_attempt: attemptAnswer }),
    { prefer: `wait=${longestHoldS}` },
  );
  if (options.json) terminal.out(json(attempt));
  else if (attempt.status === 'error') terminal.err(`${attempt.error?.message} (${attempt.error?.type})`);
  else terminal.out(`${attempt.action_type}: ${outcomeInShort(attempt)}`);
  return exitOf(attempt.status);
}

function exitOf(status: 'pending' | 'success' | 'error'): ExitCode {
  if (status === 'pending') return exitCodes.pending;
  return status === 'success' ? exitCodes.ok : exitCodes.failed;
}

const forgetAnswer = z.object({ forgotten: z.record(z.string(), z.number()) });

/** Has a running gateway forget somebody. */
async function forget(
  terminal: Terminal,
  name: string | undefined,
  options: ConnectOptions & { readonly json?: boolean; readonly userIdentity?: string },
): Promise<ExitCode> {
  const { userIdentity } = options;
  if ((name === undefined) === (userIdentity === undefined))
    throw new CommandError('usage', 'Give either a name or --user-identity.');
  const api = await connect(terminal, options);
  const whom = userIdentity === undefined ? { name } : { user_identity_id: userIdentity };
  const { forgotten } = await api.post('/strikeplate/personal_data/forget', whom, forgetAnswer);
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
