import { createHash } from 'node:crypto';

export interface SoughtSecret {
  readonly name: string;
  readonly value: string | Buffer;
  /** Also the digests of it: a few digits are found again from their digest by trying all. Default false. */
  readonly digests?: boolean;
}

/** What of a base64 text depends on the secret alone when `before` bytes of something else come first. */
function withinBase64(secret: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), secret]).toString('base64');
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + secret.length) * 8) / 6));
}

/** Every form in which a secret could lie somewhere and still be read. */
function formsOf({ value, digests = false }: SoughtSecret): ReadonlyMap<string, Buffer> {
  const raw = Buffer.from(value);
  const text = typeof value === 'string' ? value : undefined;
  const wide = text === undefined ? undefined : Buffer.from(text, 'utf16le');
  const forms = new Map<string, Buffer>([['as it is', raw]]);
  const add = (name: string, form: string | Buffer) => forms.set(name, Buffer.from(form));
  if (wide !== undefined) {
    add('UTF-16LE', wide);
    add('UTF-16BE', Buffer.from(wide).swap16());
    add('percent', [...raw].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
    add('backwards', [...(text ?? '')].reverse().join(''));
  }
  for (const [name, bytes] of [
    ['', raw],
    [' of UTF-16LE', wide],
  ] as const) {
    if (bytes === undefined) continue;
    add(`hex${name}`, bytes.toString('hex'));
    add(`HEX${name}`, bytes.toString('hex').toUpperCase());
    for (const before of [0, 1, 2]) {
      const base64 = withinBase64(bytes, before);
      add(`base64${name}, ${before} before`, base64);
      add(`base64url${name}, ${before} before`, base64.replaceAll('+', '-').replaceAll('/', '_'));
    }
  }
  if (digests)
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512'])
      for (const encoding of ['hex', 'base64'] as const)
        add(`${algorithm}, ${encoding}`, createHash(algorithm).update(raw).digest(encoding));
  return forms;
}

/** Looks for the secrets, in every form. @returns what was found, in words; never the secret itself */
export function tracesOf(secrets: readonly SoughtSecret[], where: string | Buffer, place: string): string[] {
  const haystack = Buffer.from(where);
  return secrets.flatMap((secret) =>
    [...formsOf(secret)]
      .filter(([, form]) => haystack.includes(form))
      .map(([form]) => `${secret.name} (${form}) in ${place}`),
  );
}
