import { GatewayError } from '../../contract/index.ts';
import type { DatabaseFactory } from './databases.ts';

export type ZwaveLibrary = typeof import('zwave-js');

/**
 * Loads zwave-js, which is large (some 94 MiB of memory, see docs/performance.md) and therefore no dependency of those who have no stick.
 * @throws GatewayError `misconfigured` when it is not installed
 */
export async function loadZwaveLibrary(): Promise<ZwaveLibrary> {
  try {
    return await import('zwave-js');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    throw new GatewayError(
      'misconfigured',
      missing
        ? 'The configuration has a Z-Wave stick, but the package zwave-js is not installed. Run: npm install --no-save zwave-js@15.29.0, or remove the zwave section.'
        : `The package zwave-js cannot be loaded: ${String(cause)}. Install it again: npm install --no-save zwave-js@15.29.0.`,
      { cause },
    );
  }
}

/** Where zwave-js keeps what it knows of a network, unless it is told otherwise. Comes with {@link loadZwaveLibrary}. */
export async function loadZwaveDatabases(): Promise<DatabaseFactory> {
  const { db } = await import('@zwave-js/core/bindings/db/jsonl');
  return db;
}
