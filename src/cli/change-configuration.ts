import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { systemClock } from '../clock/system-clock.ts';
import { asRefusal, putBack } from '../composition/configuration-changes.ts';
import { changeConfigurationFile } from '../composition/configuration-file.ts';
import { editDevices } from '../config/device-edit.ts';
import { loadConfig } from '../config/load.ts';
import { GatewayError } from '../contract/index.ts';
import type { DeviceEdit, DeviceEntry } from '../model/reload.ts';
import type { Catalogues } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { type Setting, settingsTree } from './device-settings.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

export interface DeviceChangeOptions extends ConnectOptions {
  readonly json?: boolean;
  readonly name?: string;
  readonly driver?: string;
  readonly link?: readonly Setting[];
  readonly set?: readonly Setting[];
  readonly unset?: readonly string[];
  readonly from?: string;
  readonly outOfService?: boolean;
  readonly inService?: boolean;
}

/** Adds, changes or removes a device: on this box in the file itself, elsewhere through the gateway. */
export async function changeDevice(
  terminal: Terminal,
  catalogues: Catalogues,
  kind: DeviceEdit['kind'],
  id: string,
  options: DeviceChangeOptions,
): Promise<ExitCode> {
  const edit = editOf(kind, id, options);
  if (options.url !== undefined || terminal.env.STRIKEPLATE_URL) return overHttp(terminal, edit, options);
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  const { before, after } = await changeConfigurationFile(file, systemClock, async (text) => {
    const edited = editDevices(file, text, edit);
    const judged = { ...catalogues, ...place, env: terminal.env, now: Date.now(), text: edited };
    await loadConfig(file, judged).catch((error: unknown) => {
      throw asRefusal(error);
    });
    return edited;
  }).catch((error: unknown) => {
    throw asCommandError(error);
  });
  try {
    const report = await askForReload(terminal, options);
    return tellReload(terminal, report, options);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const written = `${file} was changed`;
    if (error.exitCode === exitCodes.unreachable) {
      terminal.err(`${written}. No gateway answers, which would take it over now: the next start does.`);
      return exitCodes.ok;
    }
    if (error.exitCode === exitCodes.unauthorized) {
      terminal.err(
        `${written}, and the running gateway was not told: ${error.message}\nHave it taken over: systemctl reload strikeplate`,
      );
      return exitCodes.unauthorized;
    }
    // The gateway judges as its own user, and has tried to start it.
    await changeConfigurationFile(file, systemClock, async (text) => putBack(text, after, before)).catch(() => {
      throw new CommandError('failed', `${written}, and could not be put back after this: ${error.message}`);
    });
    throw error;
  }
}

async function overHttp(terminal: Terminal, edit: DeviceEdit, options: DeviceChangeOptions): Promise<ExitCode> {
  const [path, body] =
    edit.kind === 'add'
      ? (['add', { device: edit.entry }] as const)
      : edit.kind === 'change'
        ? (['change', { id: edit.id, changes: edit.changes }] as const)
        : (['remove', { id: edit.id }] as const);
  return tellReload(terminal, await askForReload(terminal, options, `devices/${path}`, body), options);
}

function asCommandError(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  if (error.type === 'device_not_found') return new CommandError('notFound', error.message, { cause: error });
  if (error.type === 'still_in_use') return new CommandError('occupied', error.message, { cause: error });
  return new CommandError(error.cause === undefined ? 'failed' : 'configuration', error.message, { cause: error });
}

function editOf(kind: DeviceEdit['kind'], id: string, options: DeviceChangeOptions): DeviceEdit {
  if (kind === 'remove') return { kind, id };
  const { name, driver, from, link = [], set = [], unset = [], outOfService, inService } = options;
  const given = from === undefined ? {} : entryIn(from, id);
  const entry: Record<string, unknown> = {
    ...(kind === 'add' && { id }),
    ...(name !== undefined && { name }),
    ...(driver !== undefined && { driver }),
  };
  const linked = settingsTree(link);
  const settings = settingsTree(set, unset);
  const described: DeviceEntry = {
    ...(kind === 'add' ? { id } : {}),
    ...given,
    ...entry,
    ...(link.length > 0 && { link: linked }),
    ...((set.length > 0 || unset.length > 0) && { settings: { ...(given.settings as object), ...settings } }),
    ...(outOfService && { out_of_service: true }),
    ...(inService && { out_of_service: null }),
  };
  if (kind === 'add') return { kind, entry: described };
  const { id: _, ...changes } = described;
  if (Object.keys(changes).length === 0)
    throw new CommandError('usage', 'Say what to change, with --name, --driver, --link, --set, --unset or --from.');
  return { kind, id, changes };
}

/** The entry in a file: by itself, as a list, or within what a scan printed. */
function entryIn(from: string, id: string): DeviceEntry {
  let value: unknown;
  try {
    value = parse(readFileSync(from === '-' ? 0 : resolve(from), 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new CommandError('usage', `${from} holds no device: ${why}.`, { cause: error });
  }
  const listed = isObject(value) && Array.isArray(value.devices) ? value.devices : value;
  const entries = (Array.isArray(listed) ? listed : [listed]).filter(isObject);
  const found = entries.find((entry) => entry.id === id) ?? (entries.length === 1 ? entries[0] : undefined);
  if (found !== undefined) return { ...found, id };
  const ids = entries.map((entry) => String(entry.id)).join(', ');
  throw new CommandError(
    'usage',
    `${from} holds no device "${id}". ${ids === '' ? 'It has none.' : `It has: ${ids}.`}`,
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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
  return (await (await connect(terminal, options)).post(`/strikeplate/configuration/${what}`, body, answer)).reload;
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
