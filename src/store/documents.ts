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
  ...(JSON.parse(String(document), (_name, value: unknown) => (isBytes(value) ? bytesOf(value.bytes) : value)) as Kept),
});

const isBytes = (value: unknown): value is { readonly bytes: string } =>
  typeof value === 'object' &&
  value !== null &&
  'bytes' in value &&
  typeof value.bytes === 'string' &&
  Object.keys(value).length === 1;

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
