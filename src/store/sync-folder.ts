import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Names that were made, changed or taken away in the folder are on disk afterwards. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
