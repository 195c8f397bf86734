import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { DeviceConfig, LinkConfig } from '../config/loaded-config.ts';
import type { Clock, LinkKind, LinkKinds, OnLimit, Secret } from '../contract/index.ts';
import type { ManagedDeviceOptions } from '../devices/managed-device.ts';
import type { Change, Store } from '../model/store.ts';

/** Whose link it is. */
export interface NamedDevice {
  readonly name: string;
  readonly deviceId: string;
}

export interface DeviceContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: Store;
  readonly onLimit: OnLimit;
  readonly linkTo: (link: LinkConfig, device: NamedDevice) => LinkKinds[LinkKind];
  /** What pairing left behind. @throws GatewayError `misconfigured` when it cannot be opened */
  readonly credentialsOf: (device: DeviceConfig) => Secret | undefined;
}

/** Of more than these the store is asked for all at once. */
const MANY_DEVICES = 20;

const createdAtFact = (deviceId: string): string => `device_created_at:${deviceId}`;

/** Gives each configured device its link, its log, and the time at which this gateway first knew it. */
export async function managedDevices(
  devices: readonly DeviceConfig[],
  context: DeviceContext,
): Promise<ManagedDeviceOptions[]> {
  const { clock, log, store, linkTo, credentialsOf, onLimit } = context;
  const firstSeen: Change[] = [];
  const seenBefore = devices.length > MANY_DEVICES ? store.read.facts(createdAtFact('')) : undefined;
  const options = devices.map((device): ManagedDeviceOptions => {
    const { slug, deviceId, name, driver, settings, limits, timeZone, noiseRules, doorRules, outOfService } = device;
    const about = driver.describe(settings);
    const fact = createdAtFact(deviceId);
    const known = seenBefore === undefined ? store.read.fact(fact) : seenBefore.get(fact);
    const createdAt = known === undefined ? clock.wallTime() : Number(known);
    if (known === undefined) firstSeen.push({ kind: 'fact_put', name: fact, value: String(createdAt) });
    return {
      description: {
        deviceId,
        slug,
        name,
        driver: driver.id,
        link: `${device.link.kind}/${device.link.name}`,
        deviceType: deviceTypeOf(about.deviceType, about.manufacturer),
        manufacturer: about.manufacturer,
        model: about.model,
        timeZone,
        limits,
        noiseRules,
        doorRules,
        createdAt,
      },
      driver,
      settings,
      link: () => linkTo(device.link, { name, deviceId }),
      outOfService,
      onLimit,
      ...(driver.pairing && { credentials: () => credentialsOf(device) }),
      clock,
      random: Math.random,
      randomBytes,
      log,
    };
  });
  if (firstSeen.length > 0) await store.commit(firstSeen);
  return options;
}

/** Makers for whose locks Seam has a type: the types are in its client's `device_type`. */
const makersOfLocks: ReadonlySet<string> = new Set([
  'akiles',
  'aqara',
  'august',
  'igloo',
  'igloohome',
  'keyincode',
  'kisi',
  'kwikset',
  'linear',
  'lockly',
  'nuki',
  'omnitec',
  'salto',
  'schlage',
  'smartthings',
  'tedee',
  'ttlock',
  'ultraloq',
  'wyze',
  'yacan',
  'yale',
]);

/**
 * A device's type as applications know it: a lock of a maker that Seam knows has that maker's type, however the gateway
 * speaks to it. All others keep their driver's.
 */
export function deviceTypeOf(driversType: string, manufacturer: string): string {
  const [maker = ''] = manufacturer.toLowerCase().split(/[^a-z0-9]+/);
  return driversType.endsWith('_lock') && makersOfLocks.has(maker) ? `${maker}_lock` : driversType;
}
