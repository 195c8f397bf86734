/** A mapping of a configuration file as it was read, before any schema saw it. */
export type Raw = Readonly<Record<string, unknown>>;

export const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const rawAt = (value: unknown, key: string): unknown => (isRaw(value) ? value[key] : undefined);

/** Empty when there is no list. */
export const listAt = (value: unknown, key: string): readonly unknown[] => {
  const list = rawAt(value, key);
  return Array.isArray(list) ? list : [];
};
