import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TextDecoder } from 'node:util';
import { contractMismatch } from '../contract/index.ts';
import { crossCheck, type Found } from './cross-checks.ts';
import { type Environment, type Overrides, type Places, placesOf, readOverrides } from './environment.ts';
import { checkFiles, openToAll } from './file-checks.ts';
import { findingsOf, inPlainWords } from './findings-of-issues.ts';
import { deviceIdOf } from './identity.ts';
import type { DriverCatalogue, HttpConfig, LoadedConfig, SimulatorCatalogue } from './loaded-config.ts';
import { loadOutside } from './outside-modules.ts';
import { ConfigError, type ConfigProblem, type Finding, formatProblem } from './problems.ts';
import { readYaml, type YamlText } from './read-yaml.ts';
import { resolveBrokers, resolveConfig, resolveHttp, resolveSticks } from './resolve.ts';
import { configSchema, httpSection } from './schema.ts';

/** What drivers and simulators were called before. */
const formerNames: Readonly<Record<string, string>> = { 'serial/zwave': 'zwave/node' };

export interface LoadOptions {
  readonly drivers: DriverCatalogue;
  readonly simulators: SimulatorCatalogue;
  readonly env: Environment;
  /** Milliseconds since the Unix epoch: for the ends of certificates. */
  readonly now: number;
  /** State directory for a configuration that ships with the product, which must not be written beside. */
  readonly stateDir?: string;
  /** Judged instead of what the file holds: what is about to be written there. */
  readonly text?: string;
}

/**
 * Reads a configuration and everything that can be known about it before anything is started.
 * @throws ConfigError with everything that is wrong
 */
export async function loadConfig(file: string, options: LoadOptions): Promise<LoadedConfig> {
  const text = options.text?.replace(/^\uFEFF/, '') ?? readText(file);
  const overrides = readOverrides(options.env);
  const source = withoutEmptySections(await readYaml(file, text));
  const parsed = configSchema.safeParse(source.value, inPlainWords);
  const taken = new Set([
    ...Object.keys(options.drivers),
    ...Object.keys(options.simulators).map((id) => `simulator ${id}`),
  ]);
  const outside = await loadOutside(valueAt(source.value, 'drivers'), file, taken);
  const drivers = { ...options.drivers, ...outside.drivers };
  const simulators = { ...options.simulators, ...outside.simulators };
  const named = {
    drivers: await find(idsIn(source.value, 'devices', 'driver'), drivers, 'driver', ({ contract }) =>
      contractMismatch(contract),
    ),
    simulators: await find(idsIn(source.value, 'simulation', 'simulator'), simulators, 'simulator'),
  };

  const places = placesOf(file, parsed.data?.state_dir, overrides, options.stateDir);
  const findings: Finding[] = [...outside.findings, ...crossCheck(source.value, named).all];
  if (!parsed.success) findings.push(...findingsOf(configSchema, parsed.error));
  const files = await checkFiles(filesOf(source.value, places, overrides), options.now);
  findings.push(...files.problems.all);
  const open = openToAll(file);
  if (open !== undefined) findings.push({ path: [], at: 'value', message: open });
  const openState = openToAll(places.stateDir);
  if (openState !== undefined && openState !== open)
    findings.push({ path: ['state_dir'], at: 'value', message: openState });
  const problems = [...source.problems, ...(await source.locate(findings))];
  if (problems.length > 0 || !parsed.success) throw new ConfigError(inOrder(problems));

  const { data } = parsed;
  return {
    ...resolveConfig(data, places, overrides, {
      driver: (id) => had(named.drivers, id),
      simulator: (id) => had(named.simulators, id),
    }),
    file,
    shown: shownOf(data),
    stateDirInFile: overrides.stateDir ?? options.stateDir ?? data.state_dir ?? '.',
    driverModules: data.drivers,
    ...(data.drivers.length > 0 && { outside: { drivers: outside.drivers, simulators: outside.simulators } }),
    digest: createHash('sha256').update(text).digest('hex'),
    warnings: inOrder(await source.locate(files.warnings.all)),
  };
}

/** Made when somebody asks: of 10,000 doors it is large. In a scope of its own, so that nothing but the data stays for it. */
const shownOf = (data: unknown) => (): Record<string, unknown> => hideSecrets(data) as Record<string, unknown>;

/** What a program that talks to a running gateway, or keeps its keys, needs to know of its configuration. */
export interface GatewayTarget {
  readonly stateDir: string;
  readonly http: HttpConfig;
  readonly store: { readonly path: string; readonly keyFile: string };
  readonly pairingsDir: string;
  /** The device_id of a device that is named by its id in the configuration or by its device_id. */
  deviceIdOf(device: string): string | undefined;
}

/**
 * Reads only where the API is and where keys are kept. Nothing else needs to be in order.
 * @throws ConfigError
 */
export async function readTarget(file: string, options: Pick<LoadOptions, 'env' | 'stateDir'>): Promise<GatewayTarget> {
  const overrides = readOverrides(options.env);
  const source = withoutEmptySections(await readYaml(file, readText(file)));
  const stateDir = valueAt(source.value, 'state_dir');
  const parsed = httpSection.safeParse(valueAt(source.value, 'http'), inPlainWords);
  if (!parsed.success) throw await locate(source, findingsOf(httpSection, parsed.error, ['http']));
  if (stateDir !== undefined && typeof stateDir !== 'string')
    throw await locate(source, [{ path: ['state_dir'], message: 'must be text.', at: 'value' }]);
  const places = placesOf(file, stateDir, overrides, options.stateDir);
  const devices = deviceIdsIn(source.value);
  return {
    stateDir: places.stateDir,
    http: resolveHttp(parsed.data, places, overrides),
    store: storePlaces(valueAt(source.value, 'store'), places, overrides),
    pairingsDir: places.state('pairings'),
    deviceIdOf: (device) => devices.get(device) ?? [...devices.values()].find((id) => id === device.toLowerCase()),
  };
}

/** Where the database and its key are, by what can be read of the section. */
function storePlaces(section: unknown, places: Places, overrides: Overrides): GatewayTarget['store'] {
  const named = (name: string, usual: string) => {
    const given = valueAt(section, name);
    return places.state(typeof given === 'string' ? given : usual);
  };
  return { path: named('path', 'strikeplate.db'), keyFile: overrides.storeKeyFile ?? named('key_file', 'store.key') };
}

/** By slug. What cannot be read is left out: checking a configuration is another command's work. */
function deviceIdsIn(value: unknown): ReadonlyMap<string, string> {
  const gateway = valueAt(valueAt(value, 'gateway'), 'id');
  const devices = valueAt(value, 'devices');
  const found = new Map<string, string>();
  for (const device of Array.isArray(devices) ? devices : []) {
    const slug = valueAt(device, 'id');
    const given = valueAt(device, 'device_id');
    if (typeof slug !== 'string') continue;
    if (typeof given === 'string') found.set(slug, given.toLowerCase());
    else if (typeof gateway === 'string') found.set(slug, deviceIdOf(gateway, slug));
  }
  return found;
}

async function locate(source: YamlText, findings: readonly Finding[]): Promise<ConfigError> {
  return new ConfigError(inOrder(await source.locate(findings)));
}

function readText(file: string): string {
  const problem = (message: string) => new ConfigError([{ file, line: 1, column: 1, path: '(file)', message }]);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw problem('there is no such file.');
    if (code === 'EACCES' || code === 'EPERM') throw problem('the user who runs this may not read it.');
    if (code === 'EISDIR') throw problem('this is a folder; name the file in it.');
    throw problem(`it cannot be read (${code ?? String(error)}).`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problem('this is not a text in UTF-8.');
  }
}

/** A section whose lines are all commented out is one that was left out. */
function withoutEmptySections(source: YamlText): YamlText {
  const { value } = source;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return source;
  return { ...source, value: Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null)) };
}

const valueAt = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

function idsIn(file: unknown, section: string, key: string): Set<string> {
  const entries = valueAt(file, section);
  const ids = Array.isArray(entries) ? entries.map((entry) => valueAt(entry, key)) : [];
  return new Set(ids.filter((id) => typeof id === 'string'));
}

async function find<T>(
  ids: ReadonlySet<string>,
  catalogue: Readonly<Record<string, () => Promise<T>>>,
  what: string,
  mismatch: (thing: T) => string | undefined = () => undefined,
): Promise<Found<T>> {
  const known = Object.keys(catalogue);
  const found = new Map<string, T | { readonly problem: string }>();
  for (const id of ids) {
    const load = Object.hasOwn(catalogue, id) ? catalogue[id] : undefined;
    if (load === undefined) {
      const today = Object.hasOwn(formerNames, id) ? formerNames[id] : undefined;
      const hint = today === undefined ? `known are: ${known.join(', ')}` : `it is called ${today} now`;
      found.set(id, { problem: `there is no such ${what}; ${hint}.` });
      continue;
    }
    try {
      const thing = await load();
      const why = mismatch(thing);
      found.set(id, why === undefined ? thing : { problem: `this ${what} cannot be used: ${why}` });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      found.set(id, { problem: `this ${what} cannot be loaded: ${why}` });
    }
  }
  return found;
}

function had<T extends object>(found: Found<T>, id: string): T {
  const thing = found.get(id);
  if (thing === undefined || 'problem' in thing) throw new Error(`${id} was used without having been found`);
  return thing;
}

/** Each section that is right by itself: a mistake elsewhere must not hide a missing file. */
function filesOf(value: unknown, places: Places, overrides: Overrides) {
  const http = httpSection.safeParse(valueAt(value, 'http'));
  const brokers = configSchema.shape.mqtt.safeParse(valueAt(value, 'mqtt'));
  const sticks = configSchema.shape.zwave.safeParse(valueAt(value, 'zwave'));
  const passphrase = valueAt(valueAt(value, 'backup'), 'passphrase_file');
  return {
    http: resolveHttp(http.success ? http.data : httpSection.parse({}), places, overrides),
    mqtt: brokers.success ? resolveBrokers(brokers.data, places) : [],
    zwave: sticks.success ? resolveSticks(sticks.data, places) : [],
    backup: typeof passphrase === 'string' ? { passphraseFile: places.beside(passphrase) } : undefined,
  };
}

function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const distinct = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...distinct.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Names of fields whose text is a secret itself, and not the name of a file or of another thing. */
const secretName = /(^|_)(password|passphrase|secret|token|pin|psk|(api|security|network|shared|private)_?key|code)$/i;

/**
 * A configuration to be shown. Secrets belong into files of their own, and stand in none of ours; what a driver from
 * outside takes as one, by its name, is hidden, and so is what stands before the `@` of an address.
 */
export function hideSecrets(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => hideSecrets(one, name));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, hideSecrets(one, key)]));
  if (value === undefined || value === null || typeof value === 'boolean') return value;
  if (secretName.test(name)) return '***';
  return typeof value === 'string' ? value.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/@]*@/i, '$1***@') : value;
}
