import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/** CC:009F.01: the keys of S2 and S0 are 16 bytes each. */
const keyBytes = 16;

const Key = z
  .string()
  .regex(/^[0-9a-fA-F]{32}$/, `must be ${keyBytes * 2} hexadecimal digits`)
  .transform((hex) => Buffer.from(hex, 'hex'));

/** As zwave-js and its user interface write them, so that the keys of a network that exists can be brought along. */
const keysFile = z.strictObject({
  S0_Legacy: Key,
  S2_Unauthenticated: Key,
  S2_Authenticated: Key,
  S2_AccessControl: Key,
  long_range: z.strictObject({ S2_Authenticated: Key, S2_AccessControl: Key }).optional(),
});

/** The keys of one Z-Wave network, 16 bytes each. They are in no log and no error. */
export type ZwaveKeys = z.output<typeof keysFile>;

/**
 * Reads a file with the keys of a network: one `NAME: HEX` a line, or the same as JSON.
 * @throws Error in words, without anything of the file's content, for whoever wrote it
 */
export async function readZwaveKeys(file: string): Promise<ZwaveKeys> {
  const descriptor = openSync(file, 'r');
  let text: string;
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new Error(`${file} is not a file.`);
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw new Error(`others may read the keys in ${file} (mode ${mode}); chmod 600 it.`);
    }
    text = readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
  const parsed = keysFile.safeParse(await contentOf(file, text));
  if (!parsed.success) throw new Error(`the keys in ${file} cannot be used: ${whatIsWrong(parsed.error)}.`);
  const { long_range, ...classic } = parsed.data;
  const all = [...Object.values(classic), ...Object.values(long_range ?? {})].map((key) => key.toString('hex'));
  if (new Set(all).size < all.length) throw new Error(`the keys in ${file} must all be different.`);
  return parsed.data;
}

/** Every scalar is text: a key of digits alone, or like 12e4..., is no number. */
async function contentOf(file: string, text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(text, { schema: 'failsafe' });
  } catch {
    throw new Error(`${file} is neither YAML nor JSON; it has one "NAME: HEX" a line.`);
  }
}

/** Paths and rules alone: what stands there may be a key with a slip of the pen. */
function whatIsWrong(error: z.ZodError): string {
  return error.issues
    .map(({ path, code, message }) => {
      if (code === 'unrecognized_keys') return 'it has names that are not known';
      const name = path.join('.');
      return name === ''
        ? 'it must have one "NAME: HEX" a line'
        : `${name} ${code === 'invalid_type' ? 'is missing' : message}`;
    })
    .join('; ');
}

/** A keys file for a new network. @param randomBytes unpredictable ones */
export function newZwaveKeys(randomBytes: (length: number) => Uint8Array): string {
  const key = () => Buffer.from(randomBytes(keyBytes)).toString('hex');
  return [
    '# Security keys of one Z-Wave network. Whoever has them opens its doors; without them its locks obey nobody.',
    '# Back this file up. Never change a key: every lock would have to be included again.',
    `S0_Legacy: ${key()}`,
    `S2_Unauthenticated: ${key()}`,
    `S2_Authenticated: ${key()}`,
    `S2_AccessControl: ${key()}`,
    'long_range:',
    `  S2_Authenticated: ${key()}`,
    `  S2_AccessControl: ${key()}`,
    '',
  ].join('\n');
}
