import { z } from 'zod';
import type { ApiConnection } from './api-connection.ts';
import { outcomeInShort } from './attempt-words.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { allDevices, findDevice, slugOf } from './find-device.ts';
import { columnsOf, folded, isShortId, json, localTime, shortId, type Terminal, table } from './terminal.ts';
import { attemptAnswer, historyAnswer, ownAttempt } from './wire.ts';

interface Options extends ConnectOptions {
  readonly json?: boolean;
}

export async function listAttempts(
  terminal: Terminal,
  options: Options & { readonly device?: string; readonly limit: number },
): Promise<ExitCode> {
  const api = connect(terminal, options);
  const deviceId = options.device === undefined ? undefined : (await findDevice(api, options.device)).device_id;
  const query = { limit: String(options.limit), ...(deviceId !== undefined && { device_id: deviceId }) };
  if (options.json) {
    const page = z.object({ action_attempts: z.array(attemptAnswer) });
    terminal.out(json((await api.get('/action_attempts/list', query, page)).action_attempts));
    return exitCodes.ok;
  }
  const { attempts } = await api.get('/strikeplate/attempts/list', query, z.object({ attempts: z.array(ownAttempt) }));
  if (attempts.length === 0) {
    terminal.err('No attempts yet.');
    return exitCodes.ok;
  }
  const names = new Map((await allDevices(api)).map((device) => [device.device_id, slugOf(device)]));
  const rows = attempts.map((attempt) => [
    localTime(Date.parse(attempt.accepted_at)),
    names.get(attempt.device_id) ?? shortId(attempt.device_id),
    attempt.action_type,
    outcomeInShort(attempt),
    attempt.by,
    shortId(attempt.action_attempt_id),
  ]);
  for (const line of table([['TIME', 'DEVICE', 'ACTION', 'OUTCOME', 'BY', 'ID'], ...rows], columnsOf(terminal)))
    terminal.out(line);
  return exitCodes.ok;
}

/** The whole id of an attempt whose end was given. */
async function wholeId(api: ApiConnection, given: string): Promise<string> {
  if (!isShortId(given)) return given;
  const query = { limit: '500' };
  const { attempts } = await api.get('/strikeplate/attempts/list', query, z.object({ attempts: z.array(ownAttempt) }));
  const [found, another] = attempts.filter(({ action_attempt_id: id }) => id.endsWith(given.toLowerCase()));
  return found !== undefined && another === undefined ? found.action_attempt_id : given;
}

export async function getAttempt(terminal: Terminal, id: string, options: Options): Promise<ExitCode> {
  const api = connect(terminal, options);
  const { action_attempt: attempt } = await api.get(
    '/action_attempts/get',
    { action_attempt_id: await wholeId(api, id) },
    z.object({ action_attempt: attemptAnswer }),
  );
  if (options.json) terminal.out(json(attempt));
  else {
    terminal.out(`${attempt.action_type}: ${outcomeInShort(attempt)}`);
    if (attempt.error !== null) terminal.out(attempt.error.message);
  }
  return exitCodes.ok;
}

export async function attemptHistory(terminal: Terminal, id: string, options: Options): Promise<ExitCode> {
  const api = connect(terminal, options);
  const { action_attempt_history: told } = await api.get(
    `/action_attempts/${encodeURIComponent(await wholeId(api, id))}/history`,
    {},
    z.object({ action_attempt_history: historyAnswer }),
  );
  if (options.json) {
    terminal.out(json(told));
    return exitCodes.ok;
  }
  const device = (await allDevices(api)).find((known) => known.device_id === told.device_id);
  const { actor } = told;
  const who = [actor.name ?? actor.kind, actor.address].filter((part) => part !== undefined).join(' from ');
  terminal.out(
    `${device === undefined ? told.device_id : `${device.display_name} (${slugOf(device)})`}, asked by ${who}`,
  );
  const begin = Date.parse(told.accepted_at);
  const rows = told.history.map(({ state, at, reason }) => [
    localTime(Date.parse(at)),
    `+${((Date.parse(at) - begin) / 1_000).toFixed(3)} s`,
    state.replaceAll('_', ' '),
    reason,
  ]);
  // A reason is never cut.
  for (const row of table([['TIME', 'AFTER', 'STATE', 'WHY'], ...rows]))
    for (const line of folded(row, columnsOf(terminal))) terminal.out(line);
  return exitCodes.ok;
}
