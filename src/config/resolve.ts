import type { DriverDefinition, TimeLimits } from '../contract/index.ts';
import { limitsOf } from '../model/time-limits.ts';
import type { Overrides, Places } from './environment.ts';
import { deviceIdsOf, workspaceIdOf } from './identity.ts';
import type {
  BleAdapterConfig,
  BrokerConfig,
  ConfigurableSimulator,
  DeviceConfig,
  HttpConfig,
  LinkConfig,
  LoadedConfig,
  PeerLinkConfig,
  SerialLineConfig,
  SimulationConfig,
  ZwaveStickConfig,
} from './loaded-config.ts';
import {
  type BluetoothSection,
  type BrokerSection,
  type ConfigFile,
  type DeviceSection,
  type HttpSection,
  leastEventDays,
  type SerialSection,
  type SimulationSection,
  type ZwaveSection,
} from './schema.ts';
import { type ConfigurableLink, linkSections, peerLinkSections } from './schema-links.ts';

export function resolveHttp(http: HttpSection, places: Places, overrides: Overrides): HttpConfig {
  return {
    host: http.host,
    port: overrides.httpPort ?? http.port,
    apiKeysFile: places.state(http.api_keys_file),
    demoKeyFile: http.demo_key_file === undefined ? undefined : places.state(http.demo_key_file),
    holdMs: http.hold_ms,
    publicUrl: http.public_url,
    maxConnections: http.max_connections,
    tls: http.tls && { certFile: places.beside(http.tls.cert_file), keyFile: places.beside(http.tls.key_file) },
    allowPlaintext: http.allow_plaintext,
  };
}

/** A broker whose section says neither or both what it is was reported before, and is left out. */
export function resolveBrokers(sections: ConfigFile['mqtt'], places: Places): BrokerConfig[] {
  return Object.entries(sections).flatMap(([name, section]) => resolveBroker(name, section, places) ?? []);
}

function resolveBroker(name: string, section: BrokerSection, places: Places): BrokerConfig | undefined {
  if (section.embedded !== undefined && section.url === undefined)
    return { kind: 'embedded', name, port: section.embedded.port };
  if (section.url === undefined || section.embedded !== undefined) return undefined;
  const file = (path: string | undefined) => (path === undefined ? undefined : places.beside(path));
  return {
    kind: 'external',
    name,
    url: section.url,
    username: section.username,
    passwordFile: file(section.password_file),
    caFile: file(section.ca_file),
    certFile: file(section.cert_file),
    keyFile: file(section.key_file),
  };
}

/** A file in which nothing is wrong, as the rest of the gateway wants it. */
export function resolveConfig(
  file: ConfigFile,
  places: Places,
  overrides: Overrides,
  named: {
    readonly driver: (id: string) => DriverDefinition;
    readonly simulator: (id: string) => ConfigurableSimulator;
  },
): Omit<LoadedConfig, 'file' | 'shown' | 'digest' | 'warnings' | 'stateDirInFile' | 'driverModules'> {
  const { gateway, monitor } = file;
  const deviceIdOf = deviceIdsOf(gateway.id);
  return {
    stateDir: places.stateDir,
    gateway: {
      id: gateway.id,
      name: gateway.name,
      timeZone: gateway.time_zone,
      workspaceId: workspaceIdOf(gateway.id),
    },
    http: resolveHttp(file.http, places, overrides),
    store: {
      path: places.state(file.store.path),
      keyFile: overrides.storeKeyFile ?? places.state(file.store.key_file),
      retentionDays: file.store.retention_days,
      eventRetentionDays: file.store.event_retention_days ?? Math.max(leastEventDays, file.store.retention_days),
      maxEvents: file.store.max_events,
      auditDays: file.store.audit_retention_days,
      peopleDays: file.store.people_retention_days,
      noiseDays: file.store.noise_retention_days,
    },
    pairingsDir: places.state('pairings'),
    mqtt: resolveBrokers(file.mqtt, places),
    serial: Object.entries(file.serial).map(([name, line]) => resolveLine(name, line)),
    ble: Object.entries(file.ble).map(([name, adapter]) => resolveAdapter(name, adapter)),
    zwave: resolveSticks(file.zwave, places),
    webhooks: {
      privateTargets: file.webhooks.private_targets,
      includeCodes: file.webhooks.include_codes,
      maxQueued: file.webhooks.max_queued,
    },
    monitor: monitor && {
      mqtt: monitor.mqtt,
      baseTopic: monitor.base_topic ?? `strikeplate/${gateway.id}`,
      homeAssistant: monitor.home_assistant,
      commands: monitor.commands,
      consoleUrl: file.http.public_url,
      intervalMs: monitor.interval_s * 1_000,
    },
    accessCodes: {
      leadMs: file.access_codes.lead_minutes * 60_000,
      nativeLeadMs: file.access_codes.native_lead_hours * 3_600_000,
      duplicates: file.access_codes.duplicates,
      backupCodes: file.access_codes.backup_codes,
    },
    backup: file.backup && {
      folder: places.state(file.backup.folder),
      passphraseFile: places.beside(file.backup.passphrase_file),
      everyMs: file.backup.every_hours * 3_600_000,
      keep: file.backup.keep,
    },
    logLevel: file.log.level,
    logFormat: file.log.format,
    devices: file.devices.map((device) => resolveDevice(device, file, named.driver(device.driver), deviceIdOf)),
    simulation: file.simulation.map((peer) => resolvePeer(peer, named.simulator(peer.simulator))),
  };
}

const resolveLine = (name: string, line: SerialSection): SerialLineConfig => ({
  name,
  path: line.path,
  baudRate: line.baud_rate,
  parity: line.parity,
  stopBits: line.stop_bits,
});

/** Of the boards in Zephyr's `hci_uart` sample; it is the dongle's firmware that decides. */
const HCI_BAUD_RATE = 1_000_000;

function resolveAdapter(name: string, section: BluetoothSection): BleAdapterConfig {
  const { adapter, uart, dbus, connections } = section;
  if (uart !== undefined)
    return { name, radio: { kind: 'uart', path: uart, baudRate: section.baud_rate ?? HCI_BAUD_RATE }, connections };
  if (adapter !== undefined)
    return { name, radio: { kind: 'kernel', adapter, userChannel: section.user_channel ?? false }, connections };
  if (dbus !== undefined) return { name, radio: { kind: 'dbus', adapter: dbus }, connections };
  return { name, radio: { kind: 'simulated' }, connections };
}

export const resolveSticks = (sections: Readonly<Record<string, ZwaveSection>>, places: Places): ZwaveStickConfig[] =>
  Object.entries(sections).map(([name, stick]) => ({
    name,
    path: stick.path,
    keysFile: places.state(stick.keys_file),
    cacheDir: places.state(stick.cache_dir),
    homeId: stick.home_id,
  }));

function resolveDevice(
  device: DeviceSection,
  { gateway, doors }: ConfigFile,
  driver: DriverDefinition,
  deviceIdOf: (slug: string) => string,
): DeviceConfig {
  const own = limitsOf(driver);
  return {
    slug: device.id,
    deviceId: device.device_id ?? deviceIdOf(device.id),
    name: device.name,
    driver,
    link: resolveLink(driver.link as ConfigurableLink, device.link),
    settings: driver.settings.parse(device.settings),
    limits: {
      door: resolveLimits(device.limits?.door, own.door),
      code: resolveLimits(device.limits?.code, own.code),
    },
    timeZone: device.time_zone ?? gateway.time_zone,
    noiseRules: { averageMs: device.noise.average_s * 1_000, sustainedMs: device.noise.sustained_s * 1_000 },
    doorRules: resolveDoorRules(device, doors),
    outOfService: device.out_of_service,
  };
}

function resolveDoorRules({ door }: DeviceSection, doors: ConfigFile['doors']): DeviceConfig['doorRules'] {
  const reportForced = door?.report_forced ?? doors.report_forced;
  return {
    heldOpenMs: (door?.held_open_s ?? doors.held_open_s) * 1_000,
    ...(reportForced !== undefined && { reportForced }),
  };
}

const resolveLimits = (
  given: { readonly send_by_ms?: number | undefined; readonly deadline_ms?: number | undefined } | undefined,
  own: TimeLimits,
): TimeLimits => ({
  sendByMs: given?.send_by_ms ?? own.sendByMs,
  deadlineMs: given?.deadline_ms ?? own.deadlineMs,
});

function resolvePeer(peer: SimulationSection, simulator: ConfigurableSimulator): SimulationConfig {
  return {
    simulator: peer.simulator,
    link: resolvePeerLink(simulator.link as ConfigurableLink, peer.link),
    settings: simulator.settings.parse(peer.settings),
  };
}

/** The kind was checked to be one that can be configured. */
function resolveLink(kind: ConfigurableLink, link: Readonly<Record<string, unknown>>): LinkConfig {
  switch (kind) {
    case 'mqtt':
      return { kind, name: linkSections.mqtt.parse(link).mqtt };
    case 'serial': {
      const { serial, unit } = linkSections.serial.parse(link);
      return { kind, name: serial, unit };
    }
    case 'ble': {
      const { ble, address, address_type } = linkSections.ble.parse(link);
      return { kind, name: ble, address, addressType: address_type };
    }
    case 'zwave': {
      const { zwave, node } = linkSections.zwave.parse(link);
      return { kind, name: zwave, node };
    }
  }
}

function resolvePeerLink(kind: ConfigurableLink, link: Readonly<Record<string, unknown>>): PeerLinkConfig {
  switch (kind) {
    case 'mqtt':
      return { kind, name: peerLinkSections.mqtt.parse(link).mqtt };
    case 'serial':
      return { kind, name: peerLinkSections.serial.parse(link).serial };
    case 'ble':
      return { kind, name: peerLinkSections.ble.parse(link).ble };
    case 'zwave':
      return { kind, name: peerLinkSections.zwave.parse(link).zwave };
  }
}
