import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian puts daemons, which is not on every user's PATH. */
const MORE = ['/usr/sbin', '/sbin'];

/**
 * The path of an installed program that plays a peer; undefined when it is missing, so that its tests can be skipped.
 * @throws Error under CI, where a missing peer must not pass unnoticed
 */
export function peerProgram(name: string, debianPackage: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...MORE]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  if (process.env.CI) throw new Error(`${name} is not installed. Run: apt-get install -y ${debianPackage}`);
  return undefined;
}
