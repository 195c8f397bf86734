/**
 * What a key may do. `read`: see everything but digits. `control`: doors and noise thresholds. `codes`: create and
 * delete access codes and see their digits. `metrics`: counts alone, for a monitoring system whose key lies in a file.
 * `admin`: make, change and revoke keys, and read the audit log.
 */
export const permissionScopes = ['read', 'control', 'codes', 'metrics', 'admin'] as const;
export type PermissionScope = (typeof permissionScopes)[number];

/** Device_ids, as they are at the moment of asking: the doors of a space come and go. A `Set` is one. */
export interface DeviceReach extends Iterable<string> {
  has(deviceId: string): boolean;
}

/** What somebody may do, and where. */
export interface Permission {
  /** The id of the key that it belongs to. */
  readonly id: string;
  readonly scopes: ReadonlySet<PermissionScope>;
  /** The device_ids that it reaches; undefined: every device, and what concerns the whole gateway. */
  readonly devices: DeviceReach | undefined;
}

/**
 * Whether something is within a permission's reach. This is the one question that everything asks which shows or does
 * anything: routes through the gateway that they are given, event streams and webhooks for each event.
 *
 * @param deviceId of the device that it is about; undefined: it concerns the whole gateway
 */
export const reaches = ({ devices }: Permission, deviceId: string | undefined): boolean =>
  devices === undefined || (deviceId !== undefined && devices.has(deviceId));

/**
 * The reach of whoever is restricted to some devices, or to the doors of some spaces, or to both; undefined for whoever is
 * restricted to neither. A space without doors, or one that is gone, gives none.
 *
 * @param doorsOf the device_ids that are in a space now
 */
export function deviceReach(
  devices: readonly string[] | undefined,
  spaces: readonly string[] | undefined,
  doorsOf: (spaceId: string) => readonly string[],
): DeviceReach | undefined {
  if (spaces === undefined) return devices && new Set(devices);
  const named = new Set(devices);
  return {
    has: (deviceId) => named.has(deviceId) || spaces.some((spaceId) => doorsOf(spaceId).includes(deviceId)),
    [Symbol.iterator]: () => new Set([...named, ...spaces.flatMap(doorsOf)]).values(),
  };
}
