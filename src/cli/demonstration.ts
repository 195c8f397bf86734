import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LoadedConfig } from '../config/loaded-config.ts';
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

/** What somebody who tries the gateway needs to see: where it is, the key, and three commands that work as printed. */
export function welcome(config: LoadedConfig, url: string, key: string): string {
  const bearer = `-H 'Authorization: Bearer ${key}'`;
  const [first] = config.devices;
  const doors = config.devices.map((device) => `  ${device.slug.padEnd(8)} ${device.name}`).join('\n');
  return `Strikeplate listens on ${url}

${doors}

API key: ${key}
(kept in ${config.http.demoKeyFile})

List the devices, unlock ${first?.name ?? 'a door'}, and see what became of it:

curl -s ${bearer} ${url}/devices/list

curl -s ${bearer} -H 'Content-Type: application/json' -d '{"device_id":"${first?.deviceId}"}' ${url}/locks/unlock_door

curl -s ${bearer} '${url}/action_attempts/list?limit=1'

Or with the command line:  npx strikeplate devices    npx strikeplate unlock ${first?.slug ?? 'DEVICE'}
Stop with Ctrl-C.`;
}
