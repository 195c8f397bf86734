/** Where a device and its bridge speak and listen. */
export interface Topics {
  readonly device: string;
  readonly set: string;
  readonly get: string;
  readonly availability: string;
}

export function topicsOf(baseTopic: string, friendlyName: string): Topics {
  const device = `${baseTopic}/${friendlyName}`;
  return { device, set: `${device}/set`, get: `${device}/get`, availability: `${device}/availability` };
}

/** Everything that commands the device under one of its names, also one attribute at a time (`…/set/state`). */
export const commandsOf = (baseTopic: string, alias: string): string => `${baseTopic}/${alias}/set/#`;
