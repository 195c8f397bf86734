import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/loaded-config.ts';
import type { Terminal } from './terminal.ts';

/** Behind everything else on this machine, its disk included: ioprio_set(2) follows from it. */
const niceness = 15;

/**
 * Runs `strikeplate backup --scheduled` beside the gateway: copying and encrypting a database takes seconds, in which no
 * door may wait.
 * @throws Error with what it said
 */
export function backupInOwnProcess({ file, stateDir }: LoadedConfig, { env }: Terminal): Promise<void> {
  const program = process.argv[1];
  if (program === undefined) return Promise.reject(new Error('the program does not know where it lies'));
  const { PATH, NODE_OPTIONS } = env;
  return new Promise((done, fail) => {
    const child = spawn(
      process.execPath,
      [...process.execArgv, program, 'backup', '--scheduled', '--config', resolve(file)],
      {
        env: { PATH, NODE_OPTIONS, STRIKEPLATE_STATE_DIR: stateDir },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    try {
      if (child.pid !== undefined) setPriority(child.pid, niceness);
    } catch {
      // It ended already, or may not be made to wait: it goes on as it is.
    }
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-2_000);
    });
    child.once('error', fail);
    child.once('close', (code) => (code === 0 ? done() : fail(new Error(said.trim() || `it ended with ${code}`))));
  });
}
