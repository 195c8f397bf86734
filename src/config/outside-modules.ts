import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { contractMismatch, type DriverDefinition, type LinkKind } from '../contract/index.ts';
import type { ConfigurableSimulator, DriverCatalogue, SimulatorCatalogue } from './loaded-config.ts';
import type { Finding } from './problems.ts';

/** What the modules that a configuration names bring with them. */
export interface OutsideModules {
  readonly drivers: DriverCatalogue;
  readonly simulators: SimulatorCatalogue;
  readonly findings: readonly Finding[];
}

/**
 * Loads the modules under `drivers`: a path relative to the configuration, or an npm package that is installed beside it
 * or beside the gateway. A module may export drivers, each under any name, and `simulators` by their ids.
 *
 * @param named the section as it was read
 * @param own ids that the gateway has itself, which nobody else may take
 */
export async function loadOutside(named: unknown, file: string, own: ReadonlySet<string>): Promise<OutsideModules> {
  const drivers: Record<string, () => Promise<DriverDefinition>> = {};
  const simulators: Record<string, () => Promise<ConfigurableSimulator>> = {};
  const findings: Finding[] = [];
  const names = Array.isArray(named) ? named : [];
  for (const [index, name] of names.entries()) {
    if (typeof name !== 'string' || name === '') continue;
    const complain = (message: string) => findings.push({ path: ['drivers', index], message, at: 'value' });
    try {
      const module = await moduleOf(name, file);
      const found = Object.values(module).filter(isDriverLike);
      if (found.length === 0) complain('this module exports no driver: see docs/writing-a-driver.md.');
      for (const driver of found) {
        const problem = problemOf(driver) ?? taken(driver.id, own, drivers);
        if (problem === undefined) drivers[driver.id] = async () => driver;
        else complain(`the driver ${driver.id} of this module cannot be used: ${problem}`);
      }
      for (const [id, simulator] of Object.entries(recordOf(module.simulators)))
        if (isSimulator(simulator) && !own.has(`simulator ${id}`)) simulators[id] = async () => simulator;
        else
          complain(
            `the simulator ${id} of this module cannot be used: its id is taken, or it has no link, settings or start.`,
          );
    } catch (error) {
      complain(`this module cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { drivers, simulators, findings };
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

const isDriverLike = (value: unknown): value is DriverDefinition =>
  typeof recordOf(value).id === 'string' && typeof recordOf(value).open === 'function';

const isSimulator = (value: unknown): value is ConfigurableSimulator =>
  isSchema(recordOf(value).settings) && typeof recordOf(value).start === 'function' && isLink(recordOf(value).link);

const isSchema = (value: unknown): boolean => typeof recordOf(value).safeParse === 'function';
const links: ReadonlySet<unknown> = new Set<LinkKind>(['ble', 'mqtt', 'serial', 'zwave']);
const isLink = (value: unknown): boolean => links.has(value);

/** The contract first: a driver for another one may be made otherwise altogether. */
function problemOf(driver: DriverDefinition): string | undefined {
  const { id, link, settings, describe, title } = driver;
  const mismatch = contractMismatch(driver.contract);
  if (mismatch !== undefined) return mismatch;
  if (!isLink(link)) return `its link is ${JSON.stringify(link)}, and this gateway has ${[...links].join(', ')}.`;
  if (!id.startsWith(`${link}/`)) return `its id must begin with ${link}/, as its link does.`;
  if (!isSchema(settings)) return 'its settings are no zod schema.';
  return typeof describe === 'function' && typeof title === 'string' ? undefined : 'it has no title or no describe.';
}

function taken(id: string, own: ReadonlySet<string>, others: object): string | undefined {
  if (own.has(id)) return 'the gateway has a driver of that name itself. Its author gives it another id.';
  return Object.hasOwn(others, id) ? 'another module has a driver of that name.' : undefined;
}

async function moduleOf(name: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  const folder = dirname(resolve(file));
  const isPath = name.startsWith('.') || isAbsolute(name);
  const path = isPath ? resolve(folder, name) : packageOf(name, folder);
  if (isPath && !existsSync(path)) throw new Error(`there is no file ${path}.`);
  return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
}

/** Installed beside the configuration, or else beside the gateway. */
function packageOf(name: string, folder: string): string {
  for (const from of [join(folder, 'gateway.yaml'), import.meta.filename]) {
    const found = entryOf(name, from);
    if (found !== undefined) return found;
  }
  throw new Error(`the package is not installed. Run "npm install ${name}" in ${folder}.`);
}

function entryOf(name: string, from: string): string | undefined {
  const { resolve: resolveFrom } = createRequire(from);
  try {
    return resolveFrom(name);
  } catch {
    // A package for import alone tells its entry to nobody who requires it.
    for (const modules of resolveFrom.paths(name) ?? []) {
      const manifest = join(modules, name, 'package.json');
      if (!existsSync(manifest)) continue;
      const { exports } = recordOf(JSON.parse(readFileSync(manifest, 'utf8')));
      const main = recordOf(exports)['.'] ?? exports;
      const entry = recordOf(main).import ?? recordOf(main).default ?? main;
      const path = recordOf(entry).default ?? entry;
      if (typeof path === 'string') return join(modules, name, path);
    }
    return undefined;
  }
}
