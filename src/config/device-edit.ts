import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../contract/index.ts';
import type { DeviceEdit, DeviceEntry } from '../model/reload.ts';
import { addItem, NotEditable, removeItem, removeValue, setValue } from './yaml-edit.ts';
import { readPlacedYaml } from './yaml-source.ts';

/** The entries of a configuration, in its order. @throws ConfigError when it is no YAML */
export function deviceEntries(file: string, text: string): readonly DeviceEntry[] {
  const { value } = readPlacedYaml(file, text);
  const devices = isObject(value) ? value.devices : undefined;
  return Array.isArray(devices) ? devices.filter(isObject) : [];
}

/**
 * Changes one device in the text of a configuration and leaves everything else in it as it is, to the character. Whether
 * the result can be used is for others to say.
 *
 * @throws ConfigError when it is no YAML
 * @throws GatewayError `device_not_found`; `invalid_input` where it cannot be changed without touching something else
 */
export function editDevices(file: string, text: string, edit: DeviceEdit): string {
  const { value: before, problems } = readPlacedYaml(file, text);
  const first = problems[0];
  if (first !== undefined) throw byHand(`line ${first.line} gives a key twice, and what is meant is unclear`, file);
  if (!isObject(before)) throw byHand('it is no list of sections', file);
  const devices: readonly unknown[] = Array.isArray(before.devices) ? before.devices : [];
  try {
    const edited = editText(file, text, devices, edit);
    // The text was changed by where things stand; what it says now is the proof that it was the right place.
    const wanted = { ...before, devices: edited.devices };
    if (!isDeepStrictEqual(plain(readPlacedYaml(file, edited.text).value), plain(wanted)))
      throw new NotEditable('it shares lines with something else');
    return edited.text;
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw byHand(error instanceof NotEditable ? lowerFirst(error.message) : 'it is written in an unusual way', file);
  }
}

function editText(
  file: string,
  text: string,
  devices: readonly unknown[],
  edit: DeviceEdit,
): { readonly text: string; readonly devices: readonly unknown[] } {
  if (edit.kind === 'add') {
    const { id } = edit.entry;
    if (typeof id !== 'string' || id === '')
      throw new GatewayError('invalid_input', 'Nothing was changed: a device needs a short id, such as front.');
    if (devices.some((device) => idOf(device) === id))
      throw new GatewayError(
        'invalid_input',
        `Nothing was changed: there is a device "${id}" already. Choose another id, or change that one.`,
      );
    return { text: addItem(text, 'devices', edit.entry, ['settings']), devices: [...devices, edit.entry] };
  }
  const index = devices.findIndex((device) => idOf(device) === edit.id);
  const device = devices[index];
  if (!isObject(device)) {
    const ids = devices.map(idOf).filter((id) => id !== undefined);
    throw new GatewayError(
      'device_not_found',
      `Nothing was changed: ${file} has no device "${edit.id}". It has: ${ids.join(', ') || 'none'}.`,
    );
  }
  if (devices.some((other, at) => at !== index && idOf(other) === edit.id))
    throw byHand(`it has the device "${edit.id}" twice`, file);
  if (edit.kind === 'remove')
    return { text: removeItem(text, 'devices', index), devices: devices.filter((_, at) => at !== index) };
  if (edit.changes.id !== undefined && edit.changes.id !== edit.id)
    throw new GatewayError(
      'invalid_input',
      'Nothing was changed: with another id it would be another device, with a device_id of its own. Remove this one, and add that one.',
    );
  return {
    text: patched(text, ['devices', index], device, edit.changes),
    devices: devices.map((other, at) => (at === index ? merged(device, edit.changes) : other)),
  };
}

/** One change after the other: each moves what stands behind it. */
function patched(text: string, path: readonly (string | number)[], before: DeviceEntry, changes: DeviceEntry): string {
  let after = text;
  for (const [key, value] of Object.entries(changes)) {
    const old = before[key];
    const place = [...path, key];
    if (value === null || value === undefined) after = key in before ? removeValue(after, place) : after;
    else if (isObject(value) && isObject(old) && Object.keys(old).length > 0) after = patched(after, place, old, value);
    else if (!isDeepStrictEqual(old, value)) after = setValue(after, place, withoutNulls(value));
  }
  return after;
}

function merged(before: unknown, changes: unknown): unknown {
  if (!isObject(changes)) return changes;
  const after: Record<string, unknown> = isObject(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(changes))
    if (value === null || value === undefined) delete after[key];
    else after[key] = merged(after[key], value);
  return after;
}

const withoutNulls = (value: unknown): unknown => merged(undefined, value);

const byHand = (why: string, file: string) =>
  new GatewayError(
    'invalid_input',
    `Nothing was changed: ${file} cannot be changed by a program here, because ${why}. Change it by hand, and run: strikeplate reload`,
  );

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');

const idOf = (device: unknown): string | undefined =>
  isObject(device) && typeof device.id === 'string' ? device.id : undefined;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without what JSON does not know: shared objects, and keys without a value. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
