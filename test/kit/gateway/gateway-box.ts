import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { drivers } from '../../../drivers/index.ts';
import { startGateway } from '../../../src/composition/gateway.ts';
import { deviceIdOf } from '../../../src/config/identity.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Clock } from '../../../src/contract/index.ts';
import { createApiKey, type NewApiKey } from '../../../src/http/api-key-changes.ts';
import type { ReloadReport } from '../../../src/model/reload.ts';
import { PlayedDevices } from '../../../src/simulation/played-devices.ts';
import { ApiCaller } from '../sdk/api-caller.ts';

const gatewayId = 'box';
const stateFolder = 'state';

/** The device_id of a device of any box. */
export const idOf = (slug: string): string => deviceIdOf(gatewayId, slug);

/** A device behind the simulated bridge `zigbee2mqtt`, as the configuration has it; its friendly name is its slug. */
export function zigbeeEntry(slug: string, more: { readonly settings?: object; readonly limits?: object } = {}) {
  const { settings, ...rest } = more;
  return {
    id: slug,
    name: slug,
    driver: 'mqtt/zigbee2mqtt',
    link: { mqtt: 'main' },
    settings: { friendly_name: slug, ...settings },
    ...rest,
  };
}

/** The sections of a configuration file. */
export interface BoxConfig {
  readonly devices: readonly object[];
  readonly http?: object;
  readonly [section: string]: unknown;
}

export interface BoxStart {
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly onFatal?: (error: Error) => void;
  /** As `run --new-database` does. */
  readonly newDatabase?: boolean;
  /** What of the box's devices is played in this process. */
  readonly played?: PlayedDevices;
}

export interface BoxedGateway {
  readonly url: string;
  readonly api: ApiCaller;
  /** As SIGHUP does. */
  reload(): Promise<ReloadReport>;
  close(): Promise<void>;
}

/** Where a gateway lives: a folder with its configuration, its keys and its database, kept from start to start. */
export class GatewayBox {
  readonly folder: string;
  readonly configFile: string;
  readonly stateDir: string;
  /** An API key that may do everything. */
  readonly key: string;

  static async make(config: BoxConfig): Promise<GatewayBox> {
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-box-'));
    const { key } = await createApiKey(join(folder, stateFolder, 'api-keys'), { name: 'test' }, randomBytes, Date.now);
    const box = new GatewayBox(folder, key);
    box.configure(config);
    return box;
  }

  /** Use {@link GatewayBox.make}. */
  constructor(folder: string, key: string) {
    this.folder = folder;
    this.configFile = join(folder, 'gateway.yaml');
    this.stateDir = join(folder, stateFolder);
    this.key = key;
  }

  /** Another API key. A gateway that runs takes it at once. */
  makeKey(key: NewApiKey): Promise<{ readonly id: string; readonly key: string }> {
    return createApiKey(join(this.stateDir, 'api-keys'), key, randomBytes, Date.now);
  }

  /** Writes the configuration: any free port, answers without waiting, files in the box's state directory. */
  configure({ http, ...config }: BoxConfig): void {
    const whole = {
      state_dir: stateFolder,
      gateway: { id: gatewayId, name: 'Box', time_zone: 'Europe/Zurich' },
      http: { port: 0, hold_ms: 0, ...http },
      ...config,
    };
    // JSON is YAML.
    writeFileSync(this.configFile, JSON.stringify(whole, undefined, 2));
  }

  /** Starts the whole gateway in this process, as `strikeplate run` does. */
  async start({
    log = pino({ level: 'silent' }),
    clock,
    onFatal = unexpected,
    newDatabase = false,
    played = new PlayedDevices(),
  }: BoxStart = {}): Promise<BoxedGateway> {
    const loadAgain = (text?: string) =>
      loadConfig(this.configFile, {
        ...{ drivers, simulators: {}, env: {}, now: Date.now() },
        ...(text !== undefined && { text }),
      });
    const config = await loadAgain();
    const { url, close, reload } = await startGateway({
      config,
      log,
      ...(clock && { clock }),
      onFatal,
      loadAgain,
      newDatabase,
      played,
    });
    return { url, api: new ApiCaller(url, this.key), close, reload: () => reload({ kind: 'cli' }) };
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function unexpected(error: Error): never {
  throw error;
}
