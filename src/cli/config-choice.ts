import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Terminal } from './terminal.ts';

/** Where the Debian layout keeps the configuration: docs/operations.md. */
const siteConfig = '/etc/strikeplate/gateway.yaml';

const demoConfig = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));

export interface ConfigChoice {
  readonly file: string;
  /** The demonstration ships with the product and must not be written beside: its state goes into ./var. */
  readonly stateDir?: string;
}

/**
 * Which configuration a command uses: the one it was told, else the one of the environment, else the site's, else the
 * demonstration. Starting a gateway never falls back on the site's: a trial on a production box must not open its doors.
 */
export function chooseConfig(
  terminal: Terminal,
  given: string | undefined,
  { orSite }: { readonly orSite: boolean },
): ConfigChoice {
  const file = given ?? (terminal.env.STRIKEPLATE_CONFIG || undefined);
  if (file !== undefined) return { file };
  if (orSite && existsSync(siteConfig)) return { file: siteConfig };
  return { file: demoConfig, stateDir: resolve(terminal.cwd, 'var') };
}

/** The key that commands on this box use when they are given none. */
export const ownKeyFile = (stateDir: string): string => join(stateDir, 'cli.key');
