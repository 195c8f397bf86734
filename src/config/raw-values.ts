/** A mapping of a configuration file as it was read, before any schema saw it. */
export type Raw = Readonly<Record<string, unknown>>;

export const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const rawAt = (value: unknown, key: string): unknown => (isRaw(value) ? value[key] : undefined);

/** The mappings in a mapping; anything else in it is for the schema to find. */
export const entriesAt = (value: unknown, key: string): readonly (readonly [string, Raw])[] => {
  const entries = rawAt(value, key);
  return isRaw(entries) ? Object.entries(entries).filter((entry): entry is [string, Raw] => isRaw(entry[1])) : [];
};

/** Empty when there is no list. */
export const listAt = (value: unknown, key: string): readonly unknown[] => {
  const list = rawAt(value, key);
  return Array.isArray(list) ? list : [];
};
