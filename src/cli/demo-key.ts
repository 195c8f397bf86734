import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { GatewayError } from '../contract/index.ts';
import { createApiKey, revokeApiKey } from '../http/api-key-changes.ts';
import { hashOfApiKey, listApiKeys } from '../http/api-key-file.ts';

const name = 'demonstration';

/**
 * The demonstration's key: made at the first start, kept with mode 0600 so that it can be printed again, and made anew
 * when one of the two files was lost.
 */
export async function demoKey(keyFile: string, apiKeysFile: string, wallTime: () => number): Promise<string> {
  const kept = readKey(keyFile);
  const known = await listApiKeys(apiKeysFile);
  if (kept !== undefined) {
    const hash = hashOfApiKey(kept).toString('hex');
    if (known.some((key) => key.hash === hash)) return kept;
  }
  if (known.some((key) => key.name === name)) await revokeApiKey(apiKeysFile, name, wallTime);
  const { key } = await createApiKey(apiKeysFile, { name }, randomBytes, wallTime);
  mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  // Moved into place, so that the mode holds even where a file of that name was open to others.
  writeFileSync(`${keyFile}.new`, `${key}\n`, { mode: 0o600 });
  renameSync(`${keyFile}.new`, keyFile);
  return key;
}

function readKey(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new GatewayError(
      'misconfigured',
      `The demonstration’s key cannot be read: ${(error as Error).message}. Check the state directory (state_dir, or ` +
        'STRIKEPLATE_STATE_DIR).',
    );
  }
}
