import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { ConfigError, type ConfigProblem, formatProblem } from '../config/problems.ts';
import { runAs, serviceUser } from './as-user.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { configSchemaText } from './config-schema.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { outOfReach } from './reach.ts';
import { json, type Terminal } from './terminal.ts';

export async function checkConfig(
  terminal: Terminal,
  catalogues: Catalogues,
  options: { readonly config?: string; readonly json?: boolean; readonly schema?: boolean; readonly user?: string },
): Promise<ExitCode> {
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  // Root may everything: what the service may is known by asking as its user.
  const asRoot = process.getuid?.() === 0;
  const unit = asRoot && !options.schema ? serviceUser() : undefined;
  const user = options.user === undefined ? unit : { name: options.user, groups: unit?.groups ?? [] };
  if (options.user !== undefined && !asRoot)
    throw new CommandError('usage', 'Only root can look as somebody else: sudo strikeplate check-config --user ...');
  if (user !== undefined && user.name !== 'root')
    return runAs(user, ['check-config', '--config', resolve(file), ...(options.json ? ['--json'] : [])], terminal);
  try {
    const config = await loadConfig(file, { ...catalogues, ...place, env: terminal.env, now: Date.now() });
    const reach = options.schema ? { problems: [], warnings: [] } : outOfReach(config);
    const who = userInfo().username;
    if (reach.problems.length > 0)
      throw new ConfigError(reach.problems.map((what) => ({ ...nowhere(file), message: `${who} ${what}` })));
    const warnings = [...config.warnings, ...reach.warnings.map((message) => ({ ...nowhere(file), message }))];
    if (options.schema) terminal.out((await configSchemaText(withOutside(catalogues, config))).trimEnd());
    else if (options.json) terminal.out(json({ file, ok: true, problems: [], warnings }));
    else {
      for (const warning of warnings) terminal.err(`warning: ${formatProblem(warning)}`);
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

/** About no line of the file, but about what it leads to. */
const nowhere = (file: string) => ({ file, line: 1, column: 1, path: '' });

const count = (list: readonly unknown[], what: string) => `${list.length} ${what}${list.length === 1 ? '' : 's'}`;
