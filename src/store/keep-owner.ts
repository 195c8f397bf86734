import { chownSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** What root writes for a gateway that runs as its own user must be that user's: whoever has the folder gets it. */
export function keepOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(path));
  if (uid !== 0) chownSync(path, uid, gid);
}
