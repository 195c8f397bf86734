import { z } from 'zod';
import type { Health } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { ClockTrust } from '../model/gateway.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

export const deviceProblemSchema = onceAsked(() => z.object({ message: z.string(), created_at: z.string() }));

export interface DeviceError {
  readonly error_code: string;
  readonly message: string;
  readonly is_device_error: true;
  readonly created_at: string;
}

export interface DeviceWarning {
  readonly warning_code: string;
  readonly message: string;
  readonly created_at: string;
  readonly active_access_code_count?: number;
  readonly max_active_access_code_count?: number;
}

type Reason = Exclude<Health, { status: 'online' }>['reason'];

/** Seam's `error_code` for each reason, the nearest there is; `misconfigured` has no such word and is ours. */
const errorCodes: Readonly<Record<Exclude<Reason, 'asleep'>, string>> = {
  link_down: 'hub_disconnected',
  bridge_down: 'bridge_disconnected',
  out_of_range: 'device_offline',
  not_answering: 'device_offline',
  device_gone: 'device_removed',
  opening: 'device_offline',
  interviewing: 'device_offline',
  key_refused: 'missing_device_credentials',
  wrong_settings: 'misconfigured',
  unsupported_device: 'misconfigured',
  missing_dependency: 'misconfigured',
};

/** The `error_code` of a reason that was written down; it may be one of an older version. */
export const errorCodeOf = (reason: string): string =>
  Object.entries(errorCodes).find(([known]) => known === reason)?.[1] ?? 'device_offline';

/** What keeps the device from working now. The message is what a person can do about it. */
export function deviceErrors({ health, healthSince }: DeviceSnapshot): DeviceError[] {
  if (health.status === 'online' || health.reason === 'asleep') return [];
  return [
    {
      error_code: errorCodes[health.reason],
      message: health.hint,
      is_device_error: true,
      created_at: isoTime(healthSince),
    },
  ];
}

/** @param since when the gateway was started without it, in milliseconds since the Unix epoch */
export const noLongerConfigured = (since: number): DeviceError => ({
  error_code: 'device_removed',
  message:
    'The lock is no longer in the configuration: it may still take this code, and the gateway cannot change that. Put ' +
    'the lock back there to delete the code, or delete it at the lock.',
  is_device_error: true,
  created_at: isoTime(since),
});

/** What is shown with a device's warnings beside its own snapshot. */
export interface WarningSurroundings {
  /** What is known of the clock by which the codes of a device come and go. */
  readonly time: ClockTrust['confidence'];
  /** Codes that are on it or are to be: the gateway's and others'. */
  readonly codeCount: number;
  readonly backupPool: { readonly ready: number; readonly wanted: number };
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** A device that a bridge calls reachable and that said nothing for so long may be gone, in milliseconds. A guess. */
const longSilenceMs = 25 * 3_600_000;

export const deviceWarnings = (device: DeviceSnapshot, around: WarningSurroundings): DeviceWarning[] => [
  ...conditionWarnings(device, around),
  ...ofCodes(device, around),
];

/** Those that bear on each of its codes as well. */
export function conditionWarnings(
  device: DeviceSnapshot,
  { time, now }: Pick<WarningSurroundings, 'time' | 'now'>,
): DeviceWarning[] {
  const { health, healthSince } = device;
  const warnings: DeviceWarning[] = [];
  if (health.status === 'not_ready' && health.reason === 'asleep')
    warnings.push({ warning_code: 'power_saving_mode', message: health.hint, created_at: isoTime(healthSince) });
  if (!time.confirmed && device.capabilities.accessCodes !== undefined)
    warnings.push({
      warning_code: 'clock_not_confirmed',
      message: `Codes of ${device.name} neither begin nor end until the gateway's clock is confirmed. ${time.reason}`,
      created_at: isoTime(time.since),
    });
  if (device.capabilities.accessCodes?.observes === 'nothing')
    warnings.push({
      warning_code: 'codes_cannot_be_confirmed',
      message: `${device.name} takes codes and tells of none: they are written, and nobody can confirm that it holds them.`,
      created_at: isoTime(device.createdAt),
    });
  if (device.outOfService) warnings.push(outOfService(device));
  warnings.push(...ofConnection(device, now));
  return warnings;
}

function ofConnection(device: DeviceSnapshot, now: number): DeviceWarning[] {
  const { name, flakySince, health, healthSince, isBehindBridge, lastSeenAt } = device;
  const warnings: DeviceWarning[] = [];
  if (flakySince !== undefined)
    warnings.push({
      warning_code: 'device_has_flaky_connection',
      message:
        `The connection to ${name} was lost three times or more within an hour. Look for what disturbs it: distance, ` +
        'a loose cable, an adapter or a bridge that restarts.',
      created_at: isoTime(flakySince),
    });
  const silentSince = Math.max(lastSeenAt ?? 0, healthSince);
  if (isBehindBridge && health.status === 'online' && now - silentSince > longSilenceMs)
    warnings.push({
      warning_code: 'unreliable_online_status',
      message:
        `${name} counts as reachable because its bridge says so; it has said nothing itself for more than a day. Check ` +
        'its battery, and switch on the bridge’s own check of availability.',
      created_at: isoTime(silentSince + longSilenceMs),
    });
  return warnings;
}

function ofCodes(device: DeviceSnapshot, { codeCount, backupPool }: WarningSurroundings): DeviceWarning[] {
  const { name, createdAt, capabilities } = device;
  const { slots } = capabilities.accessCodes ?? {};
  const warnings: DeviceWarning[] = [];
  if (slots !== undefined && slots !== 'device' && codeCount >= slots.count)
    warnings.push({
      warning_code: 'max_access_codes_reached',
      message: `${name} has room for ${slots.count} codes, and as many are on it or wait for it. Delete one to add one.`,
      created_at: isoTime(createdAt),
      active_access_code_count: codeCount,
      max_active_access_code_count: slots.count,
    });
  if (backupPool.ready < backupPool.wanted)
    warnings.push({
      warning_code: 'partial_backup_access_code_pool',
      message:
        `${backupPool.ready} of ${backupPool.wanted} backup codes lie ready on ${name}. The gateway writes the others as ` +
        'soon as the lock can be reached and has room.',
      created_at: isoTime(createdAt),
    });
  return warnings;
}

function outOfService({ name, settings: { stopped }, createdAt }: DeviceSnapshot): DeviceWarning {
  const warning_code = 'out_of_service';
  if (stopped === undefined)
    return {
      warning_code,
      message: `${name} is out of service by configuration: commands are refused.`,
      created_at: isoTime(createdAt),
    };
  const why = stopped.reason === undefined ? '' : ` (${stopped.reason})`;
  return {
    warning_code,
    message: `${name} was taken out of service by ${stopped.by}${why}: commands are refused until it is put back.`,
    created_at: isoTime(stopped.at),
  };
}
