import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { outcomeInShort } from './attempt-words.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { findDevice } from './find-device.ts';
import { columnsOf, json, localTime, type Terminal, table } from './terminal.ts';
import { attemptAnswer } from './wire.ts';

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
export async function listCodes(terminal: Terminal, wanted: string, options: Options): Promise<ExitCode> {
  const api = connect(terminal, options);
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
export async function createCode(
  terminal: Terminal,
  wanted: string,
  options: Options & {
    readonly name?: string;
    readonly from?: string;
    readonly until?: string;
    readonly ask?: boolean;
  },
): Promise<ExitCode> {
  const api = connect(terminal, options);
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

export async function deleteCode(terminal: Terminal, id: string, options: Options): Promise<ExitCode> {
  const { action_attempt: attempt } = await connect(terminal, options).post(
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
