import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LoadedConfig } from '../config/loaded-config.ts';

/** What the one who asks cannot do and the gateway must, in words; nothing is opened or made for it. */
export function outOfReach(config: LoadedConfig): { readonly problems: string[]; readonly warnings: string[] } {
  const problems: string[] = [];
  const warnings: string[] = [];
  const files = [config.store.path, config.http.apiKeysFile, config.store.keyFile];
  const folders = [config.stateDir, config.pairingsDir, ...files.map((file) => dirname(file))];
  for (const folder of new Set([...folders, ...config.zwave.map(({ cacheDir }) => cacheDir)])) {
    const standing = firstThatIs(folder);
    if (!may(standing, constants.W_OK | constants.X_OK))
      problems.push(
        standing === folder ? `may not write into ${folder}.` : `may not make ${folder}: ${standing} is not writable.`,
      );
  }
  for (const file of files) if (existsSync(file) && !may(file, constants.R_OK)) problems.push(`may not read ${file}.`);
  if (existsSync(config.store.path) && !may(config.store.path, constants.W_OK))
    problems.push(`may not write ${config.store.path}.`);
  for (const { name, port } of portsOf(config)) {
    if (!existsSync(port)) warnings.push(`${name}: ${port} is not there now.`);
    else if (!may(port, constants.R_OK | constants.W_OK))
      problems.push(`may not open ${port} (${name}): is the user in its group, dialout say?`);
  }
  const { port } = config.http;
  if (port > 0 && port < 1024 && process.getuid?.() !== 0)
    problems.push(`may not listen on port ${port}: those below 1024 are root's. Take another.`);
  return { problems, warnings };
}

function portsOf({ serial, zwave, ble }: LoadedConfig): { readonly name: string; readonly port: string }[] {
  return [
    ...serial.flatMap(({ name, path }) => (path === undefined ? [] : [{ name: `serial.${name}`, port: path }])),
    ...zwave.map(({ name, path }) => ({ name: `zwave.${name}`, port: path })),
    ...ble.flatMap(({ name, ...one }) =>
      'radio' in one && one.radio.kind === 'uart' ? [{ name: `ble.${name}`, port: one.radio.path }] : [],
    ),
  ];
}

/** The folder itself, or the nearest above it: that is where it would be made. */
function firstThatIs(folder: string): string {
  for (let at = folder; ; at = dirname(at)) if (existsSync(at) || at === dirname(at)) return at;
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
