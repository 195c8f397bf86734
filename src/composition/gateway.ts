import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { timeOrderedIds } from '../attempts/ids.ts';
import { AuditLog } from '../audit/audit-log.ts';
import { ntpStatus } from '../clock/ntp-status.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { DeviceConfig, LoadedConfig } from '../config/loaded-config.ts';
import type { Clock, OnLimit, Unsubscribe } from '../contract/index.ts';
import { LimitNotices } from '../events/event-log.ts';
import { forgetRevokedNames } from '../http/api-key-changes.ts';
import { ApiKeys, type DoorsOfSpace } from '../http/api-keys.ts';
import { assertBindAllowed, CertificateWatch } from '../http/certificate-watch.ts';
import { KeyAdministration } from '../http/key-administration.ts';
import { KeyUse, keyUseFileOf } from '../http/key-use.ts';
import { RefusedKeys } from '../http/refused-keys.ts';
import { createHttpServer } from '../http/server.ts';
import type { AuditActor } from '../model/audit.ts';
import type { Attempts, Devices, GatewayIdentity } from '../model/gateway.ts';
import type { AttemptRecord } from '../model/records.ts';
import type { ReloadReport } from '../model/reload.ts';
import type { LogTap } from '../monitor/log-tap.ts';
import type { StoreRoom } from '../monitor/metrics.ts';
import { startMonitoring } from '../monitor/monitoring.ts';
import type { Recogniser } from '../onboarding/bluetooth-scan.ts';
import { PersonalData } from '../personal-data/personal-data.ts';
import { PlayedDevices } from '../simulation/played-devices.ts';
import { pairingFilesOf } from '../store/pairing-files.ts';
import type { WriterAhead } from '../store/writer-ahead.ts';
import { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import { SimulatedLines } from '../transports/serial/index.ts';
import { WebhookClient } from '../transports/webhook/webhook-client.ts';
import { Backups } from './backups.ts';
import { ConfigurationChanges } from './configuration-changes.ts';
import { Core } from './core.ts';
import { IdleMemory, type ProcessMemory, tellLackOfRoom } from './housekeeping.ts';
import { KeyWatch } from './key-watch.ts';
import { Links } from './links.ts';
import { type DeviceContext, managedDevices } from './managed-devices.ts';
import { startOnboarding } from './onboarding.ts';
import { Reloader } from './reload.ts';
import { type Closable, Startup } from './startup.ts';
import { openStore, writeStart } from './store.ts';

export { processMemory } from './housekeeping.ts';

export interface StartOptions {
  readonly config: LoadedConfig;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Where the monitor hears the log's warnings and errors. */
  readonly logTap?: LogTap;
  /** Where the simulation lays serial lines without a port. */
  readonly simulatedLines?: SimulatedLines;
  /** What the simulation plays in this process. */
  readonly played?: PlayedDevices;
  /** Where the simulation puts Bluetooth adapters without hardware. */
  readonly simulatedRadios?: SimulatedRadios;
  /** Makes a backup of this gateway, in a process of its own. */
  readonly makeBackup?: () => Promise<void>;
  /** Reads the configuration file anew, or judges a text that is to be written there. @throws ConfigError */
  readonly loadAgain?: (text?: string) => Promise<LoadedConfig>;
  /** Drivers that tell their devices by what those send to everybody, loaded when they are wanted. */
  readonly recognisers?: () => Promise<readonly Recogniser[]>;
  /** Given back whenever the doors are quiet; undefined: the process is somebody else's. */
  readonly memory?: ProcessMemory;
  /** The store's thread, where it was started before the configuration was read. */
  readonly writerAhead?: WriterAhead;
  /** Begin with a new database though there are signs of an older one. */
  readonly newDatabase?: boolean;
  /** Called when the process must end: the disk failed to sync, or the store's writer died. */
  readonly onFatal: (error: Error) => void;
}

export interface RunningGateway {
  /** Where the API listens. */
  readonly url: string;
  /** Takes over the configuration file as it is now. @throws GatewayError `invalid_input` when it has mistakes */
  reload(by: AuditActor): Promise<ReloadReport>;
  /** Ends what was not sent, waits shortly for what was, and releases everything. Calling it again does nothing. */
  close(): Promise<void>;
}

/** How long commands that were sent may go on looking for their outcome while the process stops, in milliseconds. */
const stopPatienceMs = 2_000;

/**
 * Starts a gateway: a list of parts, each released in reverse when a later one fails or the process stops.
 * @throws GatewayError `misconfigured` with what to mend
 */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const { config, log } = options;
  const startup = new Startup();
  try {
    const ground = await startGround(options, startup);
    const core = await makeCore(options, ground);
    const watchers = await startWatchers(options, startup, ground, core);
    await startup.add(async () => {
      await core.start();
      return { close: () => core.stop(stopPatienceMs) };
    });
    const { http, reloader } = await startFront(options, startup, { ...ground, ...watchers, core });
    const url = await http.listen({ host: config.http.host, port: config.http.port });
    log.info({ url, devices: config.devices.length, gateway: config.gateway.id }, 'the gateway is up');
    await startup.add(async () => idleMemory(options, core));
    return {
      url,
      reload: (by) => reloader.reload(by),
      close: () => startup.close(),
    };
  } catch (error) {
    await startup.close();
    throw error;
  }
}

/** What only those can tell who are made later. */
interface Later {
  isClockSure: () => boolean;
  doorsOf: DoorsOfSpace;
  /** A device as the configuration has it that runs now. */
  configuredAs: (deviceId: string) => DeviceConfig | undefined;
}

function idleMemory({ config, memory, log }: StartOptions, { clock, attempts }: Core): Closable {
  if (memory === undefined) return { close: async () => undefined };
  tellLackOfRoom(log, memory.limitBytes, config.devices.length);
  const idle = new IdleMemory({ clock, log, memory, onAttempt: (listener) => attempts.onChange(listener) });
  idle.start();
  return { close: async () => idle.close() };
}

type Ground = Awaited<ReturnType<typeof startGround>>;
type Watchers = Awaited<ReturnType<typeof startWatchers>>;

/** What the core stands on: the store, the audit log, the links and the keys. */
async function startGround(options: StartOptions, startup: Startup) {
  const { config, log, clock = systemClock, onFatal } = options;
  const { simulatedLines = new SimulatedLines(), simulatedRadios = new SimulatedRadios() } = options;
  const later: Later = {
    isClockSure: () => true,
    doorsOf: () => [],
    configuredAs: (deviceId) => config.devices.find((device) => device.deviceId === deviceId),
  };
  const limits = new LimitNotices({ clock, log });
  await startup.add(async () => ({ close: async () => limits.close() }));
  const { store, vault } = await startup.add(() => openStore(config, { clock, log, onFatal }, options));
  const audit = await startup.add(() =>
    AuditLog.open({
      store,
      vault,
      clock,
      log,
      randomBytes,
      days: config.store.auditDays,
      isClockSure: () => later.isClockSure(),
    }),
  );
  const onLimit: OnLimit = (bite) => limits.bit(bite);
  const links = new Links({ clock, log, onLimit, store, simulatedLines, simulatedRadios });
  await startup.add(async () => links);
  await links.start(config);
  const pairings = pairingFilesOf(config, randomBytes);
  const deviceContext: DeviceContext = {
    ...{ clock, log, store, onLimit },
    credentialsOf: ({ deviceId, driver, name }) => pairings.read({ deviceId, driver: driver.id, name }),
    linkTo: (link, device) => links.linkTo(link, device),
  };
  const use = await KeyUse.open({ file: keyUseFileOf(config.http.apiKeysFile), clock, log });
  const keys = await startup.add(() =>
    ApiKeys.open(config.http.apiKeysFile, clock, log, use, (spaceId) => later.doorsOf(spaceId)),
  );
  keys.watch();
  return { clock, limits, store, vault, audit, onLimit, links, pairings, deviceContext, use, keys, later };
}

async function makeCore(options: StartOptions, ground: Ground): Promise<Core> {
  const { config, log, played = new PlayedDevices() } = options;
  const { clock, limits, store, vault, links, deviceContext, keys, later } = ground;
  const core = new Core({
    identity: await identify(config, clock),
    clock,
    store,
    log,
    vault,
    accessCodes: config.accessCodes,
    keptDays: { people: config.store.peopleDays, noise: config.store.noiseDays },
    timeSource: ntpStatus,
    random: Math.random,
    randomInt,
    randomBytes,
    permissionOf: (keyId) => keys.permissionOf(keyId),
    webhooks: {
      sender: new WebhookClient(config.webhooks),
      includesCodes: config.webhooks.includeCodes,
      limit: config.webhooks.maxQueued,
    },
    newId: timeOrderedIds(() => clock.wallTime(), randomBytes),
    devices: await managedDevices(config.devices, deviceContext),
    links: () => links.reports(),
    played: (deviceId) => played.find(later.configuredAs(deviceId)),
  });
  later.doorsOf = (spaceId) => core.spaces.keptDoors(spaceId);
  limits.tellEvents((drafts) => core.events.append(drafts));
  later.isClockSure = () => core.time.moment().sure;
  store.keepAllUnless(later.isClockSure);
  return core;
}

/** Those who look on. Before the core starts, so that they see what becomes of attempts that an earlier run left behind. */
async function startWatchers(options: StartOptions, startup: Startup, ground: Ground, core: Core) {
  const { config, log, logTap, makeBackup } = options;
  const { clock, limits, store, audit, links, pairings, keys } = ground;
  const keyWatch = new KeyWatch({
    keys,
    store,
    audit,
    tell: (drafts) => core.events.append(drafts),
    log,
    wallTime: () => clock.wallTime(),
  });
  const refusals = new RefusedKeys(clock, (report) => keyWatch.refused(report));
  await startup.add(async () => ({ close: async () => refusals.close() }));
  const monitoring = await startup.add(async () =>
    startMonitoring({
      gateway: core,
      config: config.monitor,
      configDigest: config.digest,
      connectionTo: (name, will) => links.telemetryTo(name, will),
      storeStats: () => store.stats,
      storeRoom: () => storeRoom(config.store.path),
      limitTotals: () => limits.totals,
      onLimit: (bite) => limits.bit(bite),
      refusedKeys: () => refusals.totals,
      audit,
      log,
      random: Math.random,
      logTap,
    }),
  );
  logDoors(core.attempts, core.devices, log);
  await writeStart(audit, config, core.identity, pairings, store);
  keyWatch.start();
  const backups = new Backups({
    stateDir: config.stateDir,
    config: makeBackup && config.backup,
    make: makeBackup ?? (() => Promise.resolve()),
    ...{ clock, log, audit, store },
  });
  await startup.add(async () => backups);
  await backups.start();
  return { refusals, monitoring, backups };
}

/** What is reached from outside, and what changes the gateway while it runs. */
async function startFront(options: StartOptions, startup: Startup, parts: Ground & Watchers & { readonly core: Core }) {
  const { config, log, loadAgain, recognisers = async () => [] } = options;
  const { clock, limits, audit, links, pairings, deviceContext, keys, refusals, monitoring, backups, core } = parts;
  const certificates = config.http.tls && (await CertificateWatch.open(config.http.tls, clock, log));
  if (certificates) await startup.add(async () => ({ close: async () => certificates.close() }));
  assertBindAllowed(config.http, keys);
  const reloader = new Reloader({
    ...{ config, links, core, monitoring, backups, audit, deviceContext, log },
    load: loadAgain ?? (() => Promise.reject(notAgain())),
  });
  parts.later.configuredAs = (deviceId) => reloader.config.devices.find((device) => device.deviceId === deviceId);
  const onboarding = await startup.add(async () =>
    startOnboarding({ ...{ core, links, reloader, pairings, audit, clock, log, recognisers } }),
  );
  const configuration = loadAgain && new ConfigurationChanges({ file: config.file, clock, reloader, load: loadAgain });
  const http = await startup.add(async () =>
    createHttpServer({
      gateway: core,
      keys,
      keyAdministration: keyAdministration(options, parts),
      audit,
      personalData: personalData(options, parts),
      refusals,
      holdMs: config.http.holdMs,
      publicUrl: config.http.publicUrl,
      maxConnections: config.http.maxConnections,
      onLimit: (bite) => limits.bit(bite),
      log,
      metrics: monitoring.metrics,
      ...(configuration && { configuration }),
      onboarding,
      ...(certificates && { tls: certificates.current }),
    }),
  );
  certificates?.start((certificate) => http.renewCertificate(certificate));
  return { http, reloader };
}

const keyAdministration = ({ config }: StartOptions, { keys, use, clock }: Ground) =>
  new KeyAdministration({
    file: config.http.apiKeysFile,
    keys,
    use,
    random: randomBytes,
    wallTime: () => clock.wallTime(),
  });

const personalData = (
  { config }: StartOptions,
  { core, store, keys, audit, clock }: Ground & { readonly core: Core },
) =>
  new PersonalData({
    gateway: core,
    store,
    keys: {
      live: () => keys.list(),
      forgetRevoked: (matches) => forgetRevokedNames(config.http.apiKeysFile, matches, () => clock.wallTime()),
    },
    reword: (words) => core.reword(words),
    newKey: () => `forgotten-${randomUUID()}`,
    entry: (entry) => audit.entry(entry),
  });

const notAgain = (): Error => new Error('this gateway was started with a configuration that it cannot read again');

async function identify({ gateway }: LoadedConfig, clock: Clock): Promise<GatewayIdentity> {
  const packageFile = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version: string };
  return { ...gateway, version, bootId: randomUUID(), startedAt: clock.wallTime() };
}

/** @param file the database; its write-ahead log lies beside it */
async function storeRoom(file: string): Promise<StoreRoom> {
  const sizeOf = (path: string) =>
    stat(path).then(
      ({ size }) => size,
      () => 0,
    );
  const [database, log, disk] = await Promise.all([sizeOf(file), sizeOf(`${file}-wal`), statfs(dirname(file))]);
  return { takenBytes: database + log, freeBytes: disk.bavail * disk.bsize };
}

/** One line of the log for each door that moved or did not: what a journal is searched for first. */
export const logDoors = (attempts: Attempts, devices: Devices, log: Logger): Unsubscribe =>
  attempts.onChange((attempt) => {
    const { settlement, actionType, deviceId, actionAttemptId, actor } = attempt;
    if (settlement === undefined || (actionType !== 'LOCK_DOOR' && actionType !== 'UNLOCK_DOOR')) return;
    const device = devices.get(deviceId);
    const fields = { notice: true, device: device?.slug ?? deviceId, attempt: actionAttemptId, by: nameOf(actor) };
    log.info(fields, sentence(device?.settings.name ?? device?.name ?? deviceId, actionType, settlement));
  });

function sentence(
  name: string,
  actionType: 'LOCK_DOOR' | 'UNLOCK_DOOR',
  settlement: NonNullable<AttemptRecord['settlement']>,
): string {
  const done = actionType === 'LOCK_DOOR' ? 'locked' : 'unlocked';
  if (settlement.status === 'error') return `${name}: ${settlement.error.type}, asked to be ${done}`;
  return settlement.result.was_confirmed_by_device === true ? `${name} is ${done}` : `${name} is ${done}, not observed`;
}

const nameOf = (actor: AttemptRecord['actor']): string => (actor.kind === 'api_key' ? actor.name : actor.kind);
