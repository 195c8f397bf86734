import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** Where the Debian layout keeps the configuration: docs/operations.md. */
const siteConfig = '/etc/strikeplate/gateway.yaml';

const demoConfig = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));

export interface ConfigChoice {
  readonly file: string;
  /** The demonstration ships with the product and must not be written beside: its state goes into ./var. */
  readonly stateDir?: string;
}

/** The demonstration's configuration, with its state below the folder in which it is started. */
export const demonstration = ({ cwd }: Pick<Terminal, 'cwd'>): ConfigChoice => ({
  file: demoConfig,
  stateDir: resolve(cwd, 'var'),
});

/**
 * Which configuration a command uses: the one it was told, else the one of the environment, else the site's, else the
 * demonstration that was started in this folder. Starting a gateway never falls back on the site's: a trial on a
 * production box must not open its doors.
 *
 * @throws CommandError `configuration` when there is none: a command never takes the demonstration for a missing file
 */
export function chooseConfig(
  terminal: Terminal,
  given: string | undefined,
  { orSite }: { readonly orSite: boolean },
): ConfigChoice {
  const file = given ?? (terminal.env.STRIKEPLATE_CONFIG || undefined);
  if (file !== undefined) return { file };
  if (orSite && existsSync(siteConfig)) return { file: siteConfig };
  if (orSite && demonstrationRanHere(terminal)) return demonstration(terminal);
  throw new CommandError(
    'configuration',
    orSite
      ? `There is no configuration: ${siteConfig} does not exist, and no demonstration was started in ${terminal.cwd}. ` +
          'Name one with --config FILE or STRIKEPLATE_CONFIG; "strikeplate demo" starts a demonstration.'
      : 'Say which configuration to run, with --config FILE or STRIKEPLATE_CONFIG. ' +
          `The site's is ${siteConfig}; "strikeplate demo" runs a demonstration with simulated devices.`,
  );
}

function demonstrationRanHere({ cwd, env }: Terminal): boolean {
  const stateDir = env.STRIKEPLATE_STATE_DIR || undefined;
  return existsSync(join(stateDir === undefined ? resolve(cwd, 'var') : resolve(cwd, stateDir), 'demo.key'));
}

/** The key that commands on this box use when they are given none. */
export const ownKeyFile = (stateDir: string): string => join(stateDir, 'cli.key');
