/** Where a device and its bridge speak and listen. */
export interface Topics {
  readonly device: string;
  readonly set: string;
  readonly get: string;
  /** Everything that commands this device, also one attribute at a time (`…/set/state`). */
  readonly commands: string;
  readonly availability: string;
  readonly bridgeState: string;
  readonly bridgeLogging: string;
}

export function topicsOf(baseTopic: string, friendlyName: string): Topics {
  const device = `${baseTopic}/${friendlyName}`;
  return {
    device,
    set: `${device}/set`,
    get: `${device}/get`,
    commands: `${device}/set/#`,
    availability: `${device}/availability`,
    bridgeState: `${baseTopic}/bridge/state`,
    bridgeLogging: `${baseTopic}/bridge/logging`,
  };
}
