/*
 * What D-Bus hands over is typed by whoever sent it: read as what it should be, and as nothing where it is something
 * else, so that no message can throw where a signal is heard.
 */

/** Properties of one object's interface, by name, without the D-Bus wrapping of their values. */
export type Properties = Readonly<Record<string, unknown>>;

const isDictionary = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

const plainValue = (value: unknown): unknown =>
  isDictionary(value) && 'signature' in value && 'value' in value ? value.value : value;

/** Takes the D-Bus wrapping off the values of a dictionary; empty for anything else. */
export const plain = (dictionary: unknown): Properties =>
  Object.fromEntries(
    isDictionary(dictionary) ? Object.entries(dictionary).map(([key, value]) => [key, plainValue(value)]) : [],
  );

export const plainInterfaces = (interfaces: unknown): Readonly<Record<string, Properties>> =>
  Object.fromEntries(
    isDictionary(interfaces) ? Object.entries(interfaces).map(([name, properties]) => [name, plain(properties)]) : [],
  );

/** The bytes of an `ay`; undefined for anything else. */
export const bytesOf = (value: unknown): Buffer | undefined =>
  value instanceof Uint8Array ? Buffer.from(value) : undefined;

/** The texts of an `as`; what is none is left out. */
export const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
