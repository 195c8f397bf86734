import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { AuditLog } from '../audit/audit-log.ts';
import type { DeviceConfig, LoadedConfig } from '../config/loaded-config.ts';
import { ConfigError } from '../config/problems.ts';
import { GatewayError } from '../contract/index.ts';
import type { ManagedDeviceOptions } from '../devices/managed-device.ts';
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

/** A configuration that was judged. */
export interface Wanted {
  readonly config: LoadedConfig;
  /** Puts the file back as it was, where it was written for this. */
  takeBack?(): Promise<unknown>;
}

interface Plan {
  readonly report: ReloadReport;
  readonly isSame: (device: DeviceConfig) => boolean;
  /** Whether a link goes, comes, or is another one. */
  readonly isMoving: (link: string) => boolean;
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

  get current() {
    const { file, digest, shown } = this.#config;
    return { file, configSha256: digest, sections: shown() };
  }

  /**
   * Resolves when all of it is in effect.
   * @param read where the configuration comes from; unless told, the file as it is
   * @throws GatewayError `invalid_input` with everything that is wrong with it. What ran before goes on then.
   */
  reload(by: AuditActor, read: () => Promise<Wanted> = this.#readFile): Promise<ReloadReport> {
    const turn = this.#last.then(() => this.#reload(by, read));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** What runs, as far as it needs no restart. */
  get config(): LoadedConfig {
    return this.#config;
  }

  /** Opens one device anew, as after it was paired. Its commands that wait end as those of a changed device do. */
  reopen(deviceId: string): Promise<void> {
    const turn = this.#last.then(async () => {
      const { core, monitoring, deviceContext } = this.#options;
      const { devices, monitor, digest } = this.#config;
      const fresh = await managedDevices(
        devices.filter((device) => device.deviceId === deviceId),
        deviceContext,
      );
      const byId = new Map(fresh.map((options) => [options.description.deviceId, options]));
      const changing = core.changeDevices(devices.map((device) => byId.get(device.deviceId) ?? device.deviceId));
      await monitoring.change(monitor, digest, false);
      await changing.openAfter(() => Promise.resolve());
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  readonly #readFile = async (): Promise<Wanted> => ({ config: await this.#options.load() });

  async #reload(by: AuditActor, read: () => Promise<Wanted>): Promise<ReloadReport> {
    const { audit, log, backups } = this.#options;
    const before = this.#config;
    const { config: after, takeBack } = await read().catch((error: unknown) => {
      throw asMistakes(error);
    });
    const plan = this.#planFor(before, after);
    const { report } = plan;
    try {
      if (before.digest !== after.digest || report.links.length > 0) await audit.write(entryOf(by, report));
      await this.#apply(before, after, plan);
    } catch (error) {
      await takeBack?.().catch((err: unknown) => {
        log.error({ err }, 'the configuration file was not put back as it was before the change');
      });
      throw notTakenOver(error);
    }
    backups.change(after.backup);
    log.info(
      { ...report.devices, links: report.links, needsRestart: report.needsRestart },
      'the configuration was read anew',
    );
    return report;
  }

  /** What has to be done to come from what runs to what is wanted. */
  #planFor(before: LoadedConfig, after: LoadedConfig): Plan {
    const { links } = this.#options;
    const moving = new Set([...links.touched(after), ...links.missing(after)]);
    const isMoving = (link: string) => moving.has(link);
    const isSame = isSameDevice(before.devices, isMoving);
    return {
      isSame,
      isMoving,
      report: {
        configSha256: after.digest,
        devices: difference(before.devices, after.devices, isSame),
        links: [...moving].sort(),
        isMonitorChanged: !isDeepStrictEqual(before.monitor, after.monitor),
        needsRestart: Object.entries(fixed)
          .filter(([, section]) => !isDeepStrictEqual(section(this.#options.config), section(after)))
          .map(([name]) => name),
      },
    };
  }

  /**
   * Makes it so, or leaves things as they were.
   * @throws what kept a part of it from starting
   */
  async #apply(before: LoadedConfig, after: LoadedConfig, plan: Plan): Promise<void> {
    // What can fail before anything was touched.
    const fresh = await this.#freshDevices(after, plan);
    const failure = await this.#exchange(before, after, plan, fresh);
    this.#config = after;
    if (failure === undefined) return;
    const back = this.#planFor(after, before);
    const old = await this.#freshDevices(before, back);
    const again = await this.#exchange(after, before, back, old);
    this.#config = before;
    if (again !== undefined)
      this.#options.log.error({ err: again }, 'a link that ran before could not be started again');
    throw failure;
  }

  #freshDevices(after: LoadedConfig, { isSame }: Plan): Promise<ManagedDeviceOptions[]> {
    return managedDevices(
      after.devices.filter((device) => !isSame(device)),
      this.#options.deviceContext,
    );
  }

  /** @returns what kept a part of it from starting; the devices are those of `after` in any case */
  async #exchange(
    before: LoadedConfig,
    after: LoadedConfig,
    { report, isMoving }: Plan,
    fresh: readonly ManagedDeviceOptions[],
  ): Promise<unknown> {
    const { core, links, monitoring } = this.#options;
    const failures: unknown[] = [];
    const attempt = (step: Promise<unknown>) =>
      step.then(
        () => undefined,
        (error: unknown) => {
          failures.push(error);
        },
      );
    const { added, removed, changed } = report.devices;
    const isRosterChanged = added.length + removed.length + changed.length > 0 || !isSameOrder(before, after);
    const monitorLink = after.monitor && `mqtt/${after.monitor.mqtt}`;
    const isMonitorMoving = monitorLink !== undefined && isMoving(monitorLink);
    // The one that tells of the doors lets go before its broker goes.
    if (isMonitorMoving) await attempt(monitoring.change(undefined, after.digest, true));

    const byId = new Map(fresh.map((options) => [options.description.deviceId, options]));
    const changing = core.changeDevices(after.devices.map(({ deviceId }) => byId.get(deviceId) ?? deviceId));
    if (!isMonitorMoving && (isRosterChanged || report.isMonitorChanged || before.digest !== after.digest))
      await attempt(monitoring.change(after.monitor, after.digest, false));

    const onLink = (name: string) =>
      before.devices.flatMap(({ deviceId, link }) =>
        nameOf(link) === name ? (changing.closed.get(deviceId) ?? []) : [],
      );
    const moved = attempt(links.change(after, (name) => Promise.all(onLink(name))));
    const linkOf = new Map(after.devices.map(({ deviceId, link }) => [deviceId, nameOf(link)]));
    const opened = changing.openAfter((deviceId) => (isMoving(linkOf.get(deviceId) ?? '') ? moved : Promise.resolve()));
    await moved;
    if (isMonitorMoving) await attempt(monitoring.change(after.monitor, after.digest, true));
    await opened;
    return failures[0];
  }
}

/** A file that cannot be used is nobody's fault but the file's. */
function asMistakes(error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error;
  return new GatewayError('invalid_input', `Nothing was changed: the configuration has mistakes.\n${error.message}`, {
    cause: error,
  });
}

function notTakenOver(error: unknown): unknown {
  if (!(error instanceof Error) || (error instanceof GatewayError && error.http !== undefined)) return error;
  return new GatewayError(
    'invalid_input',
    `Nothing was changed: what the configuration asks for cannot be started, and what ran before goes on. ${error.message}`,
    { cause: error },
  );
}

const entryOf = (by: AuditActor, { configSha256, devices, links, needsRestart }: ReloadReport) => ({
  kind: 'configuration_changed' as const,
  by,
  details: { config_sha256: configSha256, ...devices, links, needs_restart: needsRestart },
});

const nameOf = ({ kind, name }: DeviceConfig['link']): string => `${kind}/${name}`;

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
