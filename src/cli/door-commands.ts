import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import type { ApiConnection } from './api-connection.ts';
import { outcomeInShort } from './attempt-words.ts';
import { type Commands, examples, seconds } from './commands.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { commandDoor } from './door.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { allDevices, findDevice, slugOf } from './find-device.ts';
import { columnsOf, folded, isShortId, json, localTime, shortId, type Terminal, table } from './terminal.ts';
import { attemptAnswer, deviceAnswer, historyAnswer, ownAttempt } from './wire.ts';

/** `strikeplate lock`, `unlock`, `out-of-service` and `in-service`. */
export function defineDoorCommands({ program, terminal, connected, done }: Commands): void {
  for (const action of ['lock', 'unlock'] as const)
    connected(program.command(`${action} <device>`))
      .description(`${action} a door, wait for the end and say what became of it`)
      .option('--timeout <seconds>', 'how long to wait for the end', seconds, 60)
      .option('--no-wait', 'return as soon as the attempt is accepted')
      .addHelpText(
        'after',
        `\nThe device is named by its short id, its name or its device_id.${examples([
          `strikeplate ${action} front`,
          `strikeplate ${action} "Front door" --json`,
          `strikeplate ${action} front --url https://gateway.lan:8080 --key-file ~/.strikeplate.key`,
        ])}`,
      )
      .action(async (device, options) => done(await commandDoor(terminal, action, device, options)));

  connected(program.command('out-of-service <device>'))
    .description('refuse all commands to a device until it is put back, also over a restart')
    .option('--reason <text>', 'for people: shown with the device')
    .addHelpText('after', examples(['strikeplate out-of-service front --reason "Cylinder is being changed"']))
    .action(async (device, options) => done(await setService(terminal, 'out', device, options)));
  connected(program.command('in-service <device>'))
    .description('take commands to a device again')
    .addHelpText('after', examples(['strikeplate in-service front']))
    .action(async (device, options) => done(await setService(terminal, 'in', device, options)));
}

/** `strikeplate attempts` and `watch`. */
export function defineAttemptCommands({ program, terminal, connected, stopSignal, done }: Commands): void {
  const attempts = program.command('attempts').description('what was asked for and what became of it');
  connected(attempts.command('list', { isDefault: true }))
    .description('the newest attempts')
    .option('--device <device>', 'only those of one device')
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .action(async (options) => done(await listAttempts(terminal, options)));
  connected(attempts.command('get <id>'))
    .description('one attempt')
    .action(async (id, options) => done(await getAttempt(terminal, id, options)));
  connected(attempts.command('history <id>'))
    .description('every step of one attempt, with time and reason: why a door did not open')
    .action(async (id, options) => done(await attemptHistory(terminal, id, options)));
  attempts.addHelpText(
    'after',
    examples([
      'strikeplate attempts',
      'strikeplate attempts list --device front --limit 5',
      'strikeplate attempts history ID',
    ]),
  );

  connected(program.command('watch'))
    .description('doors and attempts as they change, until q is pressed; a line for each change in a pipe')
    .addHelpText('after', examples(['strikeplate watch', 'strikeplate watch --json | jq .']))
    .action(async (options) => {
      const { watch } = await import('./watch.ts');
      done(await watch(terminal, options, stopSignal('The watch was ended.')));
    });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 500) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 500.');
}

const one = z.object({ device: deviceAnswer });

/** Takes a device out of service, or puts it back. */
async function setService(
  terminal: Terminal,
  direction: 'out' | 'in',
  wanted: string,
  options: ConnectOptions & { readonly json?: boolean; readonly reason?: string },
): Promise<ExitCode> {
  const api = connect(terminal, options);
  const { device_id } = await findDevice(api, wanted);
  const path = direction === 'out' ? '/devices/take_out_of_service' : '/devices/put_into_service';
  const body = { device_id, ...(options.reason !== undefined && { reason: options.reason }) };
  const { device } = await api.post(path, body, one);
  if (options.json) terminal.out(json(device));
  else if (direction === 'out')
    terminal.out(`${device.display_name} is out of service: commands are refused, its state is still read.`);
  else terminal.out(`${device.display_name} is in service: commands are taken again.`);
  return exitCodes.ok;
}

interface Options extends ConnectOptions {
  readonly json?: boolean;
}

async function listAttempts(
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

async function getAttempt(terminal: Terminal, id: string, options: Options): Promise<ExitCode> {
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

async function attemptHistory(terminal: Terminal, id: string, options: Options): Promise<ExitCode> {
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
