import { z } from 'zod';
import { outcomeInShort } from './attempt-words.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { allDevices, findDevice, slugOf } from './find-device.ts';
import { json, type Terminal, table } from './terminal.ts';
import { attemptAnswer, historyAnswer } from './wire.ts';

interface Options extends ConnectOptions {
  readonly json?: boolean;
}

export async function listAttempts(
  terminal: Terminal,
  options: Options & { readonly device?: string; readonly limit: number },
): Promise<ExitCode> {
  const api = connect(terminal, options);
  const deviceId = options.device === undefined ? undefined : (await findDevice(api, options.device)).device_id;
  const { action_attempts: attempts } = await api.get(
    '/action_attempts/list',
    { limit: String(options.limit), ...(deviceId !== undefined && { device_id: deviceId }) },
    z.object({ action_attempts: z.array(attemptAnswer) }),
  );
  if (options.json) terminal.out(json(attempts));
  else if (attempts.length === 0) terminal.err('No attempts yet.');
  else
    for (const line of table(
      attempts.map((attempt) => [
        attempt.action_attempt_id,
        timeOf(attempt.action_attempt_id),
        attempt.action_type,
        outcomeInShort(attempt),
      ]),
    ))
      terminal.out(line);
  return exitCodes.ok;
}

export async function getAttempt(terminal: Terminal, id: string, options: Options): Promise<ExitCode> {
  const { action_attempt: attempt } = await connect(terminal, options).get(
    '/action_attempts/get',
    { action_attempt_id: id },
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
    `/action_attempts/${encodeURIComponent(id)}/history`,
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
  for (const line of table(
    told.history.map(({ state, at, reason }) => [
      at,
      `+${((Date.parse(at) - begin) / 1_000).toFixed(3)} s`,
      state.replaceAll('_', ' '),
      reason,
    ]),
  ))
    terminal.out(line);
  return exitCodes.ok;
}

/** When an attempt was accepted: the first 48 bits of a UUIDv7 are milliseconds (RFC 9562 section 5.7). */
function timeOf(id: string): string {
  const hex = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i.exec(id);
  return hex === null ? '-' : new Date(Number.parseInt(`${hex[1]}${hex[2]}`, 16)).toISOString();
}
