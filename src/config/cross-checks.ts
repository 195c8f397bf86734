import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { DriverDefinition } from '../contract/index.ts';
import { limitsOf } from '../model/time-limits.ts';
import { canonicalJson } from './canonical-json.ts';
import { findingsOf, inPlainWords } from './findings-of-issues.ts';
import { deviceIdsOf } from './identity.ts';
import type { ConfigurableSimulator } from './loaded-config.ts';
import { isLoopback } from './loopback.ts';
import { type ConfigPath, Findings, quotedUnlessPlain } from './problems.ts';
import { checkAdapters, checkSharedAddresses } from './radio-checks.ts';
import { entriesAt, isRaw, listAt, rawAt } from './raw-values.ts';
import { type ConfigurableLink, isConfigurableLink, linkSections, peerLinkSections } from './schema-links.ts';

/** Half a second to send in; the rest is what a broker may keep a message (docs/decisions/0010). Milliseconds. */
const LEAST_MQTT_SEND_BY_MS = 2_500;

/** What was found behind the ids that a configuration names: the thing itself, or why it cannot be had. */
export type Found<T> = ReadonlyMap<string, T | { readonly problem: string }>;

export interface NamedModules {
  readonly drivers: Found<DriverDefinition>;
  readonly simulators: Found<ConfigurableSimulator>;
}

/**
 * Rules between keys. They look at the file's values as they were read, so that they find what they can while the
 * schema finds something else.
 */
export function crossCheck(file: unknown, named: NamedModules): Findings {
  const findings = new Findings();
  const settingsOf = settingsReader();
  checkBrokers(file, findings);
  checkPorts(file, findings);
  checkAdapters(file, findings);
  checkExposure(file, findings);
  const monitorBroker = rawAt(rawAt(file, 'monitor'), 'mqtt');
  if (typeof monitorBroker === 'string') checkNameExists(file, 'mqtt', monitorBroker, ['monitor', 'mqtt'], findings);
  listAt(file, 'devices').forEach((device, index) => {
    checkDevice(file, device, ['devices', index], named.drivers, findings, settingsOf);
  });
  listAt(file, 'simulation').forEach((peer, index) => {
    checkPeer(file, peer, ['simulation', index], named.simulators, findings);
  });
  checkMonitorTopics(file, named.drivers, findings, settingsOf);
  checkDuplicates(file, findings);
  checkSharedUnits(file, named.drivers, findings, settingsOf);
  checkSharedAddresses(file, findings);
  return findings;
}

function checkBrokers(file: unknown, findings: Findings): void {
  const brokers = rawAt(file, 'mqtt');
  if (!isRaw(brokers)) return;
  for (const [name, broker] of Object.entries(brokers)) {
    if (!isRaw(broker)) continue;
    const path = ['mqtt', name];
    const has = (key: string) => broker[key] !== undefined;
    if (has('url') === has('embedded')) {
      const instead = has('url') ? 'not both' : 'one of them is missing';
      findings.addAtKey(
        path,
        `a broker is either url (one on the network) or embedded (one inside the gateway): ${instead}.`,
      );
    }
    if (has('embedded') && !has('url'))
      for (const key of ['username', 'password_file', 'ca_file', 'cert_file', 'key_file'])
        if (has(key))
          findings.addAtKey([...path, key], 'belongs to a broker with url; the embedded one has no users and no TLS.');
    if (has('password_file') && !has('username'))
      findings.addAtKey([...path, 'password_file'], 'needs username beside it.');
    if (has('cert_file') !== has('key_file'))
      findings.addAtKey(
        [...path, has('cert_file') ? 'cert_file' : 'key_file'],
        'cert_file and key_file belong together; one is missing.',
      );
    if (String(broker.url).startsWith('mqtt:'))
      for (const key of ['ca_file', 'cert_file', 'key_file'])
        if (has(key)) findings.addAtKey([...path, key], 'needs a url that begins with mqtts://.');
  }
}

/** Serial lines and sticks: each has a port of its own. */
function checkPorts(file: unknown, findings: Findings): void {
  const byPath = new Map<string, string>();
  const checkPort = (section: string, name: string, port: unknown) => {
    if (typeof port !== 'string') return;
    const before = byPath.get(port);
    // Two masters on one line take each other's answers.
    if (before !== undefined) findings.add([section, name, 'path'], `${before} is this port already.`);
    else byPath.set(port, `${section}.${name}`);
  };
  for (const [name, line] of entriesAt(file, 'serial')) {
    const path = ['serial', name];
    if ((line.path === undefined) === (line.simulated === undefined)) {
      const instead = line.path === undefined ? 'one of them is missing' : 'not both';
      findings.addAtKey(path, `a line is either path (a port) or simulated (one inside the gateway): ${instead}.`);
    }
    checkPort('serial', name, line.path);
  }
  for (const [name, stick] of entriesAt(file, 'zwave')) checkPort('zwave', name, stick.path);
}

/** Links that devices share, and what the address of one is called; on a broker its settings alone tell it apart. */
const shared = [
  { kind: 'serial', medium: 'line', address: 'unit' },
  { kind: 'zwave', medium: 'stick', address: 'node' },
  { kind: 'mqtt', medium: 'broker', address: undefined },
] as const;

function placeOf(device: unknown) {
  const link = rawAt(device, 'link');
  const found = shared.find(({ kind }) => typeof rawAt(link, kind) === 'string');
  if (found === undefined) return undefined;
  const { kind, medium, address } = found;
  const key = `${kind} ${rawAt(link, kind)} ${address === undefined ? '' : rawAt(link, address)}`;
  return { key, address, place: address === undefined ? medium : `${medium}, ${address}` };
}

/** One unit, or node, is one product, and each part of it, or of a broker, one device. */
function checkSharedUnits(
  file: unknown,
  drivers: Found<DriverDefinition>,
  findings: Findings,
  settingsOf: SettingsReader,
): void {
  const units = new Map<string, { readonly index: number; readonly driver: string }>();
  const parts = new Map<string, number>();
  listAt(file, 'devices').forEach((device, index) => {
    const place = placeOf(device);
    const id = rawAt(device, 'driver');
    if (typeof id !== 'string' || place === undefined) return;
    const { key: unit, address } = place;
    const before = address === undefined ? undefined : units.get(unit);
    if (before === undefined) units.set(unit, { index, driver: id });
    else if (before.driver !== id)
      findings.add(
        ['devices', index, 'link'],
        `devices.${before.index} is this ${address} already, with the driver ${before.driver}.`,
      );
    const driver = drivers.get(id);
    if (driver === undefined || 'problem' in driver) return;
    const settings = settingsOf(driver, device);
    if (!settings.success) return;
    const part = driver.part?.(settings.data) ?? (address === undefined ? undefined : 'all of it');
    if (part === undefined) return;
    const other = parts.get(`${unit} ${part}`);
    if (other === undefined) parts.set(`${unit} ${part}`, index);
    // Settings that are equal altogether are found with the other duplicates.
    else if (!isDeepStrictEqual(rawAt(listAt(file, 'devices')[other], 'settings'), rawAt(device, 'settings')))
      findings.add(
        ['devices', index],
        `this is the same device as devices.${other}: ${place.place} and ${part} are equal.`,
      );
  });
}

/**
 * What the monitor tells must not come back as what a device says: below a bridge's base topic the bridge would read it
 * as commands, and clients as devices.
 */
function checkMonitorTopics(
  file: unknown,
  drivers: Found<DriverDefinition>,
  findings: Findings,
  settingsOf: SettingsReader,
): void {
  const monitor = rawAt(file, 'monitor');
  if (!isRaw(monitor)) return;
  const given = monitor.base_topic;
  const base = typeof given === 'string' ? given : `strikeplate/${rawAt(rawAt(file, 'gateway'), 'id')}`;
  listAt(file, 'devices').forEach((device, index) => {
    const link = rawAt(rawAt(device, 'link'), 'mqtt');
    const driver = drivers.get(String(rawAt(device, 'driver')));
    if (typeof link !== 'string' || driver === undefined || 'problem' in driver) return;
    const settings = settingsOf(driver, device);
    const theirs = settings.success ? rawAt(settings.data, 'base_topic') : undefined;
    if (typeof theirs !== 'string' || !(isWithin(base, theirs) || isWithin(theirs, base))) return;
    const name = quotedUnlessPlain(String(rawAt(device, 'id') ?? index));
    const what = theirs === base ? 'is also that' : `and "${theirs}" lie in one another; the latter is that`;
    const path = typeof given === 'string' ? ['monitor', 'base_topic'] : ['devices', index, 'settings', 'base_topic'];
    findings.add(
      path,
      `"${base}" ${what} of the device ${name}: give the monitor topics of its own, strikeplate/NAME.`,
    );
  });
}

const isWithin = (topic: string, base: string): boolean => topic === base || topic.startsWith(`${base}/`);

function checkExposure(file: unknown, findings: Findings): void {
  const http = rawAt(file, 'http');
  const host = rawAt(http, 'host');
  if (typeof host !== 'string' || isLoopback(host)) return;
  if (rawAt(http, 'tls') === undefined && rawAt(http, 'allow_plaintext') !== true)
    findings.add(
      ['http', 'host'],
      'others on the network could read the keys and PINs that travel to this address. ' +
        'Set http.tls, or http.allow_plaintext: true when the network is trusted, or listen on 127.0.0.1.',
    );
  if (rawAt(http, 'demo_key_file') !== undefined)
    findings.addAtKey(
      ['http', 'demo_key_file'],
      'a demonstration key is for this machine alone: remove it, or listen on 127.0.0.1.',
    );
}

function checkNameExists(file: unknown, section: string, name: string, path: ConfigPath, findings: Findings): void {
  const entries = rawAt(file, section);
  const known = isRaw(entries) ? Object.keys(entries) : [];
  if (known.includes(name)) return;
  const hint =
    known.length === 0
      ? `the section ${section} has no entries`
      : `the section ${section} has: ${known.map(quotedUnlessPlain).join(', ')}`;
  findings.add(path, `${JSON.stringify(name)} is not known; ${hint}.`);
}

function checkDevice(
  file: unknown,
  device: unknown,
  path: ConfigPath,
  drivers: Found<DriverDefinition>,
  findings: Findings,
  settingsOf: SettingsReader,
): void {
  const driver = checkNamed(device, 'driver', path, drivers, findings);
  if (driver === undefined) return;
  checkLink(file, device, driver.link, linkSections, `the driver ${driver.id}`, path, findings);
  checkSettings(device, driver, path, findings, settingsOf);
  const own = limitsOf(driver);
  for (const kind of ['door', 'code'] as const) {
    const given = rawAt(rawAt(device, 'limits'), kind);
    if (!isRaw(given)) continue;
    const sendBy = given.send_by_ms ?? own[kind].sendByMs;
    const deadline = given.deadline_ms ?? own[kind].deadlineMs;
    if (typeof sendBy === 'number' && typeof deadline === 'number' && sendBy >= deadline)
      findings.add(
        [...path, 'limits', kind],
        `send_by_ms (${sendBy}) must be less than deadline_ms (${deadline}); ` +
          `the driver's own are ${own[kind].sendByMs} and ${own[kind].deadlineMs}.`,
      );
    if (driver.link === 'mqtt' && typeof given.send_by_ms === 'number' && given.send_by_ms < LEAST_MQTT_SEND_BY_MS)
      findings.add(
        [...path, 'limits', kind, 'send_by_ms'],
        `${given.send_by_ms} is too short over MQTT: nothing leaves in the last two seconds, since a broker could keep it ` +
          `for longer. Give at least ${LEAST_MQTT_SEND_BY_MS}.`,
      );
  }
}

function checkPeer(
  file: unknown,
  peer: unknown,
  path: ConfigPath,
  simulators: Found<ConfigurableSimulator>,
  findings: Findings,
): void {
  const simulator = checkNamed(peer, 'simulator', path, simulators, findings);
  if (simulator === undefined) return;
  checkLink(file, peer, simulator.link, peerLinkSections, 'this simulator', path, findings);
  checkSettings(peer, simulator, path, findings, settingsReader());
  const name = rawAt(rawAt(peer, 'link'), 'mqtt');
  const embedded = typeof name === 'string' ? rawAt(rawAt(rawAt(file, 'mqtt'), name), 'embedded') : undefined;
  if (rawAt(embedded, 'port') === 0)
    findings.add(
      [...path, 'link', 'mqtt'],
      `the broker ${name} takes any free port; simulated devices need a fixed one.`,
    );
}

/** The driver or simulator that an entry names, when it can be had. */
function checkNamed<T extends object>(
  entry: unknown,
  key: 'driver' | 'simulator',
  path: ConfigPath,
  found: Found<T>,
  findings: Findings,
): T | undefined {
  const id = rawAt(entry, key);
  if (typeof id !== 'string') return undefined;
  const thing = found.get(id);
  if (thing === undefined) return undefined;
  if (!('problem' in thing)) return thing;
  findings.add([...path, key], String(thing.problem));
  return undefined;
}

function checkLink(
  file: unknown,
  entry: unknown,
  kind: string,
  links: Readonly<Record<ConfigurableLink, z.ZodObject>>,
  who: string,
  path: ConfigPath,
  findings: Findings,
): void {
  const link = rawAt(entry, 'link');
  if (!isRaw(link)) return;
  if (!isConfigurableLink(kind)) {
    findings.add([...path, 'link'], `${who} needs a ${kind} link, which cannot be configured yet.`);
    return;
  }
  if (link[kind] === undefined) {
    findings.addAtKey([...path, 'link'], `${who} is reached by ${kind}: write { ${kind}: NAME }.`);
    return;
  }
  const section = links[kind];
  const parsed = section.safeParse(link, inPlainWords);
  if (!parsed.success) findings.addAll(findingsOf(section, parsed.error, [...path, 'link']));
  const name = link[kind];
  if (typeof name === 'string') checkNameExists(file, kind, name, [...path, 'link', kind], findings);
}

type SettingsReader = (owner: ConfigurableSimulator, entry: unknown) => z.ZodSafeParseResult<unknown>;

/** Reads the settings of each entry once, however many rules look at them: there may be ten thousand. */
function settingsReader(): SettingsReader {
  const known = new Map<unknown, z.ZodSafeParseResult<unknown>>();
  return (owner, entry) => {
    const before = known.get(entry);
    if (before !== undefined) return before;
    const parsed = owner.settings.safeParse(rawAt(entry, 'settings') ?? {}, inPlainWords);
    known.set(entry, parsed);
    return parsed;
  };
}

function checkSettings(
  entry: unknown,
  owner: ConfigurableSimulator,
  path: ConfigPath,
  findings: Findings,
  settingsOf: SettingsReader,
): void {
  if (!isRaw(rawAt(entry, 'settings') ?? {})) return;
  const parsed = settingsOf(owner, entry);
  if (!parsed.success) findings.addAll(findingsOf(owner.settings, parsed.error, [...path, 'settings']));
}

function checkDuplicates(file: unknown, findings: Findings): void {
  const gatewayId = rawAt(rawAt(file, 'gateway'), 'id');
  const devices = listAt(file, 'devices');
  const first = new Map<string, number>();
  const check = (index: number, key: string, value: string, what: string) => {
    const entry = `${what} ${value}`;
    const before = first.get(entry);
    if (before === undefined) first.set(entry, index);
    else findings.add(['devices', index, key], `devices.${before} has this ${what} already.`);
  };
  devices.forEach((device, index) => {
    const id = rawAt(device, 'id');
    const name = rawAt(device, 'name');
    const deviceId = rawAt(device, 'device_id');
    if (typeof id === 'string') check(index, 'id', id, 'id');
    if (typeof name === 'string') check(index, 'name', name.toLowerCase(), 'name');
    if (typeof deviceId === 'string') check(index, 'device_id', deviceId.toLowerCase(), 'device_id');
  });
  const places = new Map<string, number>();
  devices.forEach((device, index) => {
    const place = canonicalJson(['driver', 'link', 'settings'].map((key) => rawAt(device, key)));
    const before = places.get(place) ?? index;
    places.set(place, before);
    // Two entries for one lock would command it from two lanes at once.
    if (isRaw(device) && isRaw(device.link) && before !== index)
      findings.add(
        ['devices', index],
        `this is the same device as devices.${before}: driver, link and settings are equal.`,
      );
  });
  if (typeof gatewayId !== 'string' || devices.every((device) => rawAt(device, 'device_id') === undefined)) return;
  const deviceIdOf = deviceIdsOf(gatewayId);
  // An id that is given may be one that is made for another device.
  devices.forEach((device, index) => {
    const id = rawAt(device, 'id');
    const given = rawAt(device, 'device_id');
    if (typeof id !== 'string' || given !== undefined) return;
    const other = first.get(`device_id ${deviceIdOf(id)}`);
    if (other !== undefined)
      findings.add(['devices', other, 'device_id'], `devices.${index} has this device_id already, made of its id.`);
  });
}
