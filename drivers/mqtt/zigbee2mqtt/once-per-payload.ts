/**
 * Reads a payload once, however many devices hear it: a bridge's lists name all of them, and each reads what is said of
 * itself. What was read is shared, and gone with the payload.
 */
export function oncePerPayload<Read>(read: (payload: Buffer) => Read): (payload: Buffer) => Read {
  const known = new WeakMap<Buffer, { readonly value: Read }>();
  return (payload) => {
    const before = known.get(payload);
    if (before !== undefined) return before.value;
    const value = read(payload);
    known.set(payload, { value });
    return value;
  };
}
