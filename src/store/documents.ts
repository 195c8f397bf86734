/** Records that are kept as one JSON document: bytes as `{"bytes": hex}`, what is undefined left out. */
export const documentOf = (record: object): string =>
  JSON.stringify(record, (_name, value: unknown) =>
    value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('hex') } : value,
  );

/**
 * The same back. Members that were undefined, or that an older version did not have, are what `empty` says.
 *
 * @param empty every member of the record that may be missing
 */
export const recordOf = <Kept extends object>(document: unknown, empty: Partial<Kept>): Kept => ({
  ...empty,
  ...(withBytes(JSON.parse(String(document))) as Kept),
});

/** In place: a function that JSON.parse calls for each value costs several times as much, and a start reads thousands. */
function withBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isBytes(value)) return bytesOf(value.bytes);
  const members = value as Record<string, unknown>;
  for (const name of Object.keys(members)) {
    const member = members[name];
    if (typeof member === 'object' && member !== null) members[name] = withBytes(member);
  }
  return value;
}

const isBytes = (value: unknown): value is { readonly bytes: string } =>
  typeof value === 'object' &&
  value !== null &&
  'bytes' in value &&
  typeof value.bytes === 'string' &&
  Object.keys(value).length === 1;

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
