import { loadConfig } from '../config/load.ts';
import { ConfigError, type ConfigProblem, formatProblem } from '../config/problems.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { configSchemaText } from './config-schema.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

export async function checkConfig(
  terminal: Terminal,
  catalogues: Catalogues,
  options: { readonly config?: string; readonly json?: boolean; readonly schema?: boolean },
): Promise<ExitCode> {
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  try {
    const config = await loadConfig(file, { ...catalogues, ...place, env: terminal.env, now: Date.now() });
    if (options.schema) terminal.out((await configSchemaText(withOutside(catalogues, config))).trimEnd());
    else if (options.json) terminal.out(json({ file, ok: true, problems: [], warnings: config.warnings }));
    else {
      for (const warning of config.warnings) terminal.err(`warning: ${formatProblem(warning)}`);
      const { devices, mqtt, gateway } = config;
      terminal.out(
        `${file} is in order: gateway ${gateway.id}, ${count(devices, 'device')}, ${count(mqtt, 'broker')}.`,
      );
    }
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ConfigError) || !options.json) throw error;
    terminal.out(json({ file, ok: false, problems: error.problems satisfies readonly ConfigProblem[], warnings: [] }));
    return exitCodes.configuration;
  }
}

const count = (list: readonly unknown[], what: string) => `${list.length} ${what}${list.length === 1 ? '' : 's'}`;
