import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { storeKeyCredential } from '../model/store-key.ts';
import { Port } from './field-types.ts';
import { ConfigError } from './problems.ts';

/** What containers and units set. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Overrides {
  readonly stateDir: string | undefined;
  readonly httpPort: number | undefined;
  /** The store's key, where the unit brings it. */
  readonly storeKeyFile: string | undefined;
}

/**
 * Reads STRIKEPLATE_STATE_DIR, STRIKEPLATE_HTTP_PORT and CREDENTIALS_DIRECTORY; empty means not set.
 * @throws ConfigError
 */
export function readOverrides(env: Environment): Overrides {
  const port = env.STRIKEPLATE_HTTP_PORT?.trim();
  const stateDir = env.STRIKEPLATE_STATE_DIR;
  const httpPort = port ? Port.safeParse(/^\d+$/.test(port) ? Number(port) : port) : undefined;
  if (httpPort !== undefined && !httpPort.success)
    throw new ConfigError([
      {
        file: '(environment)',
        line: 1,
        column: 1,
        path: 'STRIKEPLATE_HTTP_PORT',
        message: 'must be a port number from 0 to 65535.',
      },
    ]);
  const credential = env.CREDENTIALS_DIRECTORY && join(env.CREDENTIALS_DIRECTORY, storeKeyCredential);
  return {
    stateDir: stateDir ? resolve(stateDir) : undefined,
    httpPort: httpPort?.data,
    storeKeyFile: credential && existsSync(credential) ? credential : undefined,
  };
}

/** Where relative paths of a configuration lead. */
export interface Places {
  readonly stateDir: string;
  /** For what the gateway writes: below the state directory. */
  state(path: string): string;
  /** For what somebody else wrote, passwords and certificates: beside the configuration. */
  beside(path: string): string;
}

/** `fallback` is the state directory when neither the environment nor the file names one. */
export function placesOf(
  file: string,
  stateDirInFile: string | undefined,
  overrides: Overrides,
  fallback: string | undefined,
): Places {
  const beside = (path: string) => resolve(dirname(resolve(file)), path);
  const stateDir = overrides.stateDir ?? fallback ?? beside(stateDirInFile ?? '.');
  return { stateDir, beside, state: (path) => resolve(stateDir, path) };
}
