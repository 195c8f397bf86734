import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { AuditLog } from '../audit/audit-log.ts';
import type { DeviceConfig, LoadedConfig } from '../config/loaded-config.ts';
import { ConfigError } from '../config/problems.ts';
import { GatewayError } from '../contract/index.ts';
import type { AuditActor } from '../model/audit.ts';
import type { ReloadReport } from '../model/reload.ts';
import type { Monitoring } from '../monitor/monitoring.ts';
import type { Backups } from './backups.ts';
import type { Core } from './core.ts';
import type { Links } from './links.ts';
import { type DeviceContext, managedDevices } from './managed-devices.ts';

export interface ReloaderOptions {
  /** With which the gateway was started. */
  readonly config: LoadedConfig;
  /** Reads the file anew. @throws ConfigError */
  readonly load: () => Promise<LoadedConfig>;
  readonly links: Links;
  readonly core: Core;
  readonly monitoring: Monitoring;
  readonly backups: Backups;
  readonly audit: Pick<AuditLog, 'write'>;
  readonly deviceContext: DeviceContext;
  readonly log: Logger;
}

/** What a running gateway cannot take over, by its name in the file. */
const fixed: Readonly<Record<string, (config: LoadedConfig) => unknown>> = {
  state_dir: ({ stateDir }) => stateDir,
  gateway: ({ gateway }) => gateway,
  http: ({ http }) => http,
  store: ({ store }) => store,
  webhooks: ({ webhooks }) => webhooks,
  access_codes: ({ accessCodes }) => accessCodes,
  log: ({ logLevel, logFormat }) => ({ logLevel, logFormat }),
  drivers: ({ driverModules }) => driverModules,
  simulation: ({ simulation }) => simulation,
};

/** Takes over a changed configuration while the gateway runs. What did not change is not touched. */
export class Reloader {
  readonly #options: ReloaderOptions;
  /** What runs: of what needs a restart, as it was at the start. */
  #config: LoadedConfig;
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /**
   * Resolves when all of it is in effect.
   * @throws GatewayError `invalid_input` with everything that is wrong with the file; nothing was changed then
   */
  reload(by: AuditActor): Promise<ReloadReport> {
    const turn = this.#last.then(() => this.#reload(by));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #reload(by: AuditActor): Promise<ReloadReport> {
    const { load, links, audit, log, backups } = this.#options;
    const before = this.#config;
    const after = await load().catch((error: unknown) => {
      if (!(error instanceof ConfigError)) throw error;
      throw new GatewayError(
        'invalid_input',
        `Nothing was changed: the configuration has mistakes.\n${error.message}`,
        {
          cause: error,
        },
      );
    });
    const touched = links.touched(after);
    const news = new Set(linkNames(after).filter((name) => !linkNames(before).includes(name)));
    const isSame = isSameDevice(before.devices, (name) => touched.has(name));
    const report: ReloadReport = {
      configSha256: after.digest,
      devices: difference(before.devices, after.devices, isSame),
      links: [...touched, ...news].sort(),
      isMonitorChanged: !isDeepStrictEqual(before.monitor, after.monitor),
      needsRestart: Object.entries(fixed)
        .filter(([, section]) => !isDeepStrictEqual(section(this.#options.config), section(after)))
        .map(([name]) => name),
    };
    if (before.digest !== after.digest || report.links.length > 0)
      await audit.write({
        kind: 'configuration_changed',
        by,
        details: {
          config_sha256: after.digest,
          added: report.devices.added,
          removed: report.devices.removed,
          changed: report.devices.changed,
          links: report.links,
          needs_restart: report.needsRestart,
        },
      });
    this.#config = after;
    await this.#apply(before, after, report, { isSame, isMoving: (name) => touched.has(name) || news.has(name) });
    backups.change(after.backup);
    log.info(
      { ...report.devices, links: report.links, needsRestart: report.needsRestart },
      'the configuration was read anew',
    );
    return report;
  }

  async #apply(
    before: LoadedConfig,
    after: LoadedConfig,
    report: ReloadReport,
    { isSame, isMoving }: { isSame: (device: DeviceConfig) => boolean; isMoving: (link: string) => boolean },
  ): Promise<void> {
    const { core, links, monitoring, deviceContext, log } = this.#options;
    const { added, removed, changed } = report.devices;
    const isRosterChanged = added.length + removed.length + changed.length > 0 || !isSameOrder(before, after);
    const monitorLink = after.monitor && `mqtt/${after.monitor.mqtt}`;
    const isMonitorMoving = monitorLink !== undefined && isMoving(monitorLink);
    // The one that tells of the doors lets go before its broker goes.
    if (isMonitorMoving) await monitoring.change(undefined, after.digest, true);

    const fresh = await managedDevices(
      after.devices.filter((device) => !isSame(device)),
      deviceContext,
    );
    const byId = new Map(fresh.map((options) => [options.description.deviceId, options]));
    const changing = core.changeDevices(after.devices.map(({ deviceId }) => byId.get(deviceId) ?? deviceId));
    if (!isMonitorMoving && (isRosterChanged || report.isMonitorChanged || before.digest !== after.digest))
      await monitoring.change(after.monitor, after.digest, false);

    const onLink = (name: string) =>
      before.devices.flatMap(({ deviceId, link }) =>
        nameOf(link) === name ? (changing.closed.get(deviceId) ?? []) : [],
      );
    const moved = links
      .change(after, (name) => Promise.all(onLink(name)))
      .catch((error: unknown) => {
        log.error({ err: error }, 'a link of the new configuration could not be started');
      });
    const linkOf = new Map(after.devices.map(({ deviceId, link }) => [deviceId, nameOf(link)]));
    const opened = changing.openAfter((deviceId) => (isMoving(linkOf.get(deviceId) ?? '') ? moved : Promise.resolve()));
    await moved;
    if (isMonitorMoving) await monitoring.change(after.monitor, after.digest, true);
    await opened;
  }
}

const nameOf = ({ kind, name }: DeviceConfig['link']): string => `${kind}/${name}`;

const linkNames = ({ mqtt, serial, ble, zwave }: LoadedConfig): string[] => [
  ...mqtt.map(({ name }) => `mqtt/${name}`),
  ...serial.map(({ name }) => `serial/${name}`),
  ...ble.map(({ name }) => `ble/${name}`),
  ...zwave.map(({ name }) => `zwave/${name}`),
];

const isSameOrder = (before: LoadedConfig, after: LoadedConfig) =>
  isDeepStrictEqual(
    before.devices.map(({ deviceId }) => deviceId),
    after.devices.map(({ deviceId }) => deviceId),
  );

/** Whether a device is the same as before, and is reached as before. */
function isSameDevice(before: readonly DeviceConfig[], isTouched: (link: string) => boolean) {
  const known = new Map(before.map((device) => [device.deviceId, device]));
  return (device: DeviceConfig): boolean => {
    const old = known.get(device.deviceId);
    if (old === undefined || isTouched(nameOf(device.link)) || old.driver !== device.driver) return false;
    const { driver: _new, ...now } = device;
    const { driver: _old, ...then } = old;
    return isDeepStrictEqual(now, then);
  };
}

function difference(
  before: readonly DeviceConfig[],
  after: readonly DeviceConfig[],
  isSame: (device: DeviceConfig) => boolean,
): ReloadReport['devices'] {
  const had = new Set(before.map(({ deviceId }) => deviceId));
  const has = new Set(after.map(({ deviceId }) => deviceId));
  const slugs = (devices: readonly DeviceConfig[]) => devices.map(({ slug }) => slug);
  return {
    added: slugs(after.filter(({ deviceId }) => !had.has(deviceId))),
    removed: slugs(before.filter(({ deviceId }) => !has.has(deviceId))),
    changed: slugs(after.filter((device) => had.has(device.deviceId) && !isSame(device))),
  };
}
