import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { GatewayError } from '../contract/index.ts';
import { ProcessLock } from '../store/process-lock.ts';
import { CommandError } from './exit.ts';

/** Whether a gateway with this configuration runs on this machine. */
export function isGatewayRunning({ store }: { readonly store: Pick<LoadedConfig['store'], 'path'> }): boolean {
  if (!existsSync(dirname(store.path))) return false;
  try {
    ProcessLock.take(store.path).release();
    return false;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return true;
  }
}

/**
 * Runs `work` while the gateway of this configuration does not, and cannot start.
 * @param why what needs it stopped, as a sentence
 * @throws CommandError when it runs
 */
export async function whileStopped<T>(
  { store }: { readonly store: Pick<LoadedConfig['store'], 'path'> },
  why: string,
  work: () => Promise<T>,
): Promise<T> {
  if (!existsSync(dirname(store.path))) mkdirSync(dirname(store.path), { recursive: true, mode: 0o700 });
  let lock: ProcessLock;
  try {
    lock = ProcessLock.take(store.path);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const holder = / by (.+?)\. /.exec(error.message)?.[1] ?? 'another process';
    throw new CommandError(
      'failed',
      `The gateway is running (${holder}). ${why} Stop it first, for example with: systemctl stop strikeplate`,
      { cause: error },
    );
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}
