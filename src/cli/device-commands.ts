import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import type { ApiConnection } from './api-connection.ts';
import { outcomeInShort } from './attempt-words.ts';
import { type Commands, examples, seconds } from './commands.ts';
import { type ConnectOptions, connect } from './connect.ts';
import type { Setting } from './device-settings.ts';
import { commandDoor } from './door.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { allDevices, findDevice, slugOf } from './find-device.ts';
import { columnsOf, folded, isShortId, json, localTime, shortId, type Terminal, table } from './terminal.ts';
import { attemptAnswer, type DeviceAnswer, deviceAnswer, historyAnswer, ownAttempt } from './wire.ts';

/** `strikeplate devices`. */
export function defineDeviceCommands({ program, terminal, catalogues, connected, done }: Commands): void {
  const devices = program
    .command('devices')
    .description('list locks and sensors, and how they are; add, change and remove them');
  connected(devices.command('list', { isDefault: true }))
    .description('list them, and how they are')
    .action(async (options) => done(await listDevices(terminal, options)));

  const described = (command: Command) =>
    connected(command)
      .option('--name <text>', 'its name for people')
      .option('--driver <driver>', 'which driver speaks to it, such as mqtt/zigbee2mqtt')
      .option('--link <parts>', 'how it is reached: mqtt=main, or serial=bus1,unit=2', link)
      .option('--set <place=value>', 'a setting of its driver; may be given for each: pin_slots.count=20', setting, [])
      .option('--from <file>', 'its entry as YAML, as the scans print it; - reads from standard input');
  described(devices.command('add <id>'))
    .description('write a device into the configuration, and have it taken over')
    .action(async (id, options) => {
      const { changeDevice } = await import('./change-configuration.ts');
      done(await changeDevice(terminal, catalogues, 'add', id, options));
    });
  described(devices.command('change <id>'))
    .description('change what is named, and nothing else of it')
    .option('--unset <place>', 'take a setting away; may be given for each', collected, [])
    .option('--out-of-service', 'refuse all commands to it')
    .option('--in-service', 'take commands to it again')
    .action(async (id, options) => {
      const { changeDevice } = await import('./change-configuration.ts');
      done(await changeDevice(terminal, catalogues, 'change', id, options));
    });
  connected(devices.command('remove <id>'))
    .description('take a device out of the configuration, and let go of it')
    .action(async (id, options) => {
      const { changeDevice } = await import('./change-configuration.ts');
      done(await changeDevice(terminal, catalogues, 'remove', id, options));
    });
  devices.addHelpText(
    'after',
    `\nThe configuration file is changed in place: comments, order and everything else in it stay. It is judged before it is
written; with a mistake nothing is changed. Run it as root on the gateway's box, or with --url from elsewhere.

Examples:
  strikeplate devices
  strikeplate devices --json | jq -r ".[].device_id"
  strikeplate devices add side --name "Side door" --driver mqtt/zigbee2mqtt --link mqtt=main --set friendly_name="Side Door"
  strikeplate scan serial /dev/ttyUSB0 > found.yaml
  strikeplate devices add yard --from found.yaml
  strikeplate devices change side --name "Side entrance" --set pin_slots.count=30
  strikeplate devices remove side`,
  );
}

function setting(text: string, before: readonly Setting[]): readonly Setting[] {
  const [, place, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (place === undefined || value === undefined)
    throw new InvalidArgumentError('It must be a setting and its value: friendly_name=Front.');
  return [...before, [place.trim(), value]];
}

const collected = (text: string, before: readonly string[]): readonly string[] => [...before, text];

function link(text: string): readonly Setting[] {
  return text.split(',').reduce<readonly Setting[]>((before, part) => setting(part, before), []);
}

async function listDevices(
  terminal: Terminal,
  options: ConnectOptions & { readonly json?: boolean },
): Promise<ExitCode> {
  const devices = await allDevices(await connect(terminal, options));
  if (options.json) terminal.out(json(devices));
  else if (devices.length === 0) terminal.err('No devices are configured.');
  else {
    const heading = ['DEVICE', 'NAME', 'HEALTH', 'STATE', 'BATTERY'];
    for (const line of table([heading, ...devices.map(rowOf)], columnsOf(terminal))) terminal.out(line);
  }
  return exitCodes.ok;
}

const rowOf = (device: DeviceAnswer): string[] => [
  slugOf(device),
  device.display_name,
  healthOf(device),
  stateOf(device),
  batteryOf(device),
];

function healthOf({ properties: { strikeplate_metadata: own } }: DeviceAnswer): string {
  if (own.out_of_service) return 'out of service';
  const health = own.health.replaceAll('_', ' ');
  return own.health_reason === null ? health : `${health} (${own.health_reason.replaceAll('_', ' ')})`;
}

function stateOf({ properties }: DeviceAnswer): string {
  const { strikeplate_metadata: own, noise_level_decibels: level, door_open: open } = properties;
  const parts = [
    own.lock_state,
    open === undefined ? undefined : `door ${open ? 'open' : 'closed'}`,
    level === undefined ? undefined : `${level.toFixed(1)} dB${own.noise_metric ? ` (${own.noise_metric})` : ''}`,
  ];
  return parts.filter((part) => part !== undefined).join(', ') || '-';
}

function batteryOf({ properties: { battery_level: level, strikeplate_metadata: own } }: DeviceAnswer): string {
  const percent = level === undefined ? '' : `${Math.round(level * 100)} %`;
  if (own.battery_low !== true) return percent || '-';
  return percent === '' ? 'low' : `${percent}, low`;
}

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
  const api = await connect(terminal, options);
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
  const api = await connect(terminal, options);
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
  const api = await connect(terminal, options);
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
  const api = await connect(terminal, options);
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
