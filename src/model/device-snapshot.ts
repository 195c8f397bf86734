import type {
  AccessCodeRules,
  AutoLock,
  Decibels,
  Device,
  DeviceReport,
  Health,
  LockState,
  NoiseMetric,
  Observes,
  ObservesCodes,
  Ratio,
  TimeLimits,
} from '../contract/index.ts';

/** In milliseconds. */
export interface NoiseRules {
  /** Over what levels are averaged before they are compared with a threshold. */
  readonly averageMs: number;
  /** How long a threshold must be exceeded before an episode begins, unless the threshold says otherwise. */
  readonly sustainedMs: number;
}

/** When a door that has a contact is worth an event. */
export interface DoorRules {
  /** After how long an open door is told of, in milliseconds; 0 for never. */
  readonly heldOpenMs?: number;
  /** Whether a door that opens while it stands locked is. By default only where the bolt itself is seen. */
  readonly reportForced?: boolean;
}

/** What a device is and can do. It follows from configuration alone and never changes while the gateway runs. */
export interface DeviceDescription {
  /** UUIDv5 of the gateway's id and the slug, unless configuration gives one. */
  readonly deviceId: string;
  /** The short name in configuration. */
  readonly slug: string;
  readonly name: string;
  readonly driver: string;
  readonly link: string;
  readonly deviceType: string;
  readonly manufacturer: string;
  readonly model: string;
  /** IANA */
  readonly timeZone: string;
  readonly limits: { readonly door: TimeLimits; readonly code: TimeLimits };
  /** How its levels are judged, where configuration says so. */
  readonly noiseRules?: NoiseRules | undefined;
  /** What is told of its door's contact, where configuration says so. */
  readonly doorRules?: DoorRules | undefined;
  /** Milliseconds since the Unix epoch: when the gateway first knew this device. */
  readonly createdAt: number;
}

/** What people set for a device while the gateway runs. It goes before what configuration says. */
export interface DeviceSettings {
  /** Undefined: as configured. */
  readonly name: string | undefined;
  readonly customMetadata: Readonly<Record<string, string | boolean>>;
  /** False: whoever set it wants to see it no more among the others, and to command it no more. */
  readonly isManaged: boolean;
  /** Whether backup codes are kept on it; undefined: as configured. */
  readonly backupPool: boolean | undefined;
  /** How many digits its codes may have, where somebody found the lock to take fewer lengths than it says. */
  readonly codeLengths: readonly number[] | undefined;
  /** Taken out of service: when, in milliseconds since the Unix epoch, by whom, and why. */
  readonly stopped: { readonly at: number; readonly by: string; readonly reason: string | undefined } | undefined;
}

export const noSettings: DeviceSettings = {
  name: undefined,
  customMetadata: {},
  isManaged: true,
  backupPool: undefined,
  codeLengths: undefined,
  stopped: undefined,
};

/** What is known of a device now: the latest of each report, and when it was heard. */
export interface DeviceSnapshot extends DeviceDescription {
  readonly capabilities: {
    readonly lock: { readonly observes: Observes; readonly tellsWho?: boolean } | undefined;
    readonly accessCodes: (AccessCodeRules & { readonly observes: ObservesCodes }) | undefined;
    /** The delays, in seconds, after which it can be told to lock itself. */
    readonly autoLock?: { readonly min: number; readonly max: number };
    readonly noise:
      | {
          readonly metric: NoiseMetric;
          readonly expectedIntervalMs: number;
          /** True when the sensor keeps a limit of its own as well. */
          readonly keepsLimit?: boolean;
        }
      | undefined;
  };
  readonly health: Health;
  /** Since when the health has been what it is, in milliseconds since the Unix epoch. */
  readonly healthSince: number;
  readonly lockState: LockState;
  readonly door: 'open' | 'closed' | 'unknown';
  /** Whether it locks itself, as it told last; undefined before it did. */
  readonly autoLock?: AutoLock | undefined;
  readonly battery: { readonly level: Ratio | undefined; readonly low: boolean } | undefined;
  /** A keypad that is a device of its own; undefined where the lock tells of none. */
  readonly accessoryKeypad: { readonly connected: boolean; readonly low?: boolean } | undefined;
  /** Since when its connection is unsteady, in milliseconds since the Unix epoch; undefined while it holds. */
  readonly flakySince: number | undefined;
  readonly serialNumber: string | undefined;
  /** Its health is a bridge's word: the device itself may have been silent for long. */
  readonly isBehindBridge: boolean;
  readonly noise: { readonly level: Decibels; readonly metric: NoiseMetric; readonly at: number } | undefined;
  /** What operated the lock last, as far as it told. */
  readonly changedBy: string | undefined;
  /** Milliseconds since the Unix epoch of the last report other than bad health; undefined before the first. */
  readonly lastSeenAt: number | undefined;
  /** By configuration, or because somebody took it out. Commands are refused; reads go on. */
  readonly outOfService: boolean;
  readonly settings: DeviceSettings;
}

/** What an opened device can do, as it is shown. */
export const capabilitiesOf = (
  { lock, accessCodes, autoLock, noise }: Device,
  { codeLengths }: DeviceSettings,
): DeviceSnapshot['capabilities'] => ({
  lock: lock && { observes: lock.observes, ...(lock.tellsWho && { tellsWho: true }) },
  accessCodes: accessCodes && {
    ...accessCodes.rules,
    ...(codeLengths && { lengths: accessCodes.rules.lengths.filter((length) => codeLengths.includes(length)) }),
    observes: accessCodes.observes,
  },
  ...(autoLock?.delays && { autoLock: autoLock.delays }),
  noise: noise && {
    metric: noise.metric,
    expectedIntervalMs: noise.expectedIntervalMs,
    keepsLimit: noise.setThreshold !== undefined,
  },
});

/** The snapshot after a report. Pure: what is known follows from what was said. */
export function applyReport(snapshot: DeviceSnapshot, report: DeviceReport, at: number): DeviceSnapshot {
  // In one copy: it has some thirty fields, and is made anew with each report.
  const lastSeenAt = report.hearsay ? snapshot.lastSeenAt : at;
  switch (report.kind) {
    case 'health':
      return applyHealth(snapshot, report.health, report.health.status === 'online' ? lastSeenAt : undefined, at);
    case 'lock_state':
      return { ...snapshot, lastSeenAt, lockState: report.state };
    case 'lock_operated':
      return { ...snapshot, lastSeenAt, changedBy: report.method };
    case 'auto_lock':
      return { ...snapshot, lastSeenAt, autoLock: { enabled: report.enabled, delaySeconds: report.delaySeconds } };
    case 'door':
      return { ...snapshot, lastSeenAt, door: report.contact };
    case 'battery':
      return { ...snapshot, lastSeenAt, battery: { level: report.level, low: report.low } };
    case 'accessory_keypad':
      return {
        ...snapshot,
        lastSeenAt,
        accessoryKeypad: { connected: report.connected, ...(report.low !== undefined && { low: report.low }) },
      };
    case 'noise':
      return { ...snapshot, lastSeenAt, noise: { level: report.level, metric: report.metric, at } };
    case 'code_slot':
    case 'operations_missed':
    case 'tamper':
    case 'heard':
      return report.hearsay ? snapshot : { ...snapshot, lastSeenAt };
    case 'capabilities':
      return snapshot;
  }
}

/** @param lastSeenAt undefined: as it was */
function applyHealth(
  snapshot: DeviceSnapshot,
  health: Health,
  lastSeenAt: number | undefined,
  at: number,
): DeviceSnapshot {
  return {
    ...snapshot,
    lastSeenAt: lastSeenAt ?? snapshot.lastSeenAt,
    health,
    healthSince: snapshot.health.status === health.status ? snapshot.healthSince : at,
  };
}
