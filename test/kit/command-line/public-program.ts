import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtCli } from './built-command.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A program that anybody may run: Node.js and the command line as built. */
export interface PublicProgram {
  readonly node: string;
  readonly cli: string;
  /** To be removed afterwards; undefined where nothing had to be copied. */
  readonly folder: string | undefined;
}

/**
 * The built program where another user may read it: a checkout, or Node.js, in root's own folder is copied out of it.
 * @param user who must be able to
 */
export function publicProgram(user: string): PublicProgram {
  const may = ['-u', user, '--', process.execPath, '--check', builtCli];
  if (spawnSync('runuser', may, { cwd: '/' }).status === 0)
    return { node: process.execPath, cli: builtCli, folder: undefined };
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-public-'));
  chmodSync(folder, 0o755);
  const node = join(folder, 'node');
  cpSync(process.execPath, node);
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  for (const [path, { dev }] of Object.entries<{ dev?: boolean }>(packages)) {
    if (path === '' || dev === true) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path), { recursive: true, force: true, errorOnExist: false });
  }
  return { node, cli: join(folder, 'dist/src/cli.js'), folder };
}
