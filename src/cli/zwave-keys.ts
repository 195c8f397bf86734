import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { newZwaveKeys } from '../config/zwave-keys.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** Makes the security keys of a new Z-Wave network, never over others: locks obey nobody who has lost theirs. */
export function createZwaveKeys(terminal: Terminal, name: string): ExitCode {
  const file = resolve(terminal.cwd, name);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, newZwaveKeys(randomBytes), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST' ? 'it exists already, and the locks of its network need the keys in it' : String(code);
    throw new CommandError('failed', `No keys were made, because ${file} cannot be written: ${why}.`, { cause: error });
  }
  terminal.out(`The keys of a new Z-Wave network are in ${file}. Back it up before the first lock is included.`);
  return exitCodes.ok;
}
