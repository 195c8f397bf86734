import { z } from 'zod';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import { onceAsked } from './once-asked.ts';

/** The categories are Seam's. */
const providerCategory = z.enum(['stable', 'noise_sensors']);

export const deviceProviderSchema = onceAsked(() =>
  z
    .object({
      device_provider_name: z.string(),
      display_name: z.string(),
      image_url: z.string(),
      provider_categories: z.array(providerCategory),
      can_remotely_lock: z.boolean(),
      can_remotely_unlock: z.boolean(),
      can_program_online_access_codes: z.boolean(),
      can_program_offline_access_codes: z.boolean(),
      can_unlock_with_code: z.boolean(),
      can_configure_auto_lock: z.boolean(),
    })
    .meta({ id: 'device_provider' }),
);

export type WireDeviceProvider = z.output<ReturnType<typeof deviceProviderSchema>>;

/** A driver, by its name: `ble/nuki` is `nuki`, as at Seam. */
export const providerNameOf = (driver: string): string => driver.split('/').at(-1) ?? driver;

/** @param devices those of one driver: one at least */
export function wireDeviceProvider(
  driver: string,
  devices: readonly DeviceSnapshot[],
  imageUrl: string,
): WireDeviceProvider {
  const hasLocks = devices.some(({ capabilities }) => capabilities.lock !== undefined);
  const hasCodes = devices.some(({ capabilities }) => capabilities.accessCodes !== undefined);
  const hasNoise = devices.some(({ capabilities }) => capabilities.noise !== undefined);
  return {
    device_provider_name: providerNameOf(driver),
    display_name: driver,
    image_url: imageUrl,
    provider_categories: ['stable', ...(hasNoise ? ['noise_sensors' as const] : [])],
    can_remotely_lock: hasLocks,
    can_remotely_unlock: hasLocks,
    can_program_online_access_codes: hasCodes,
    can_program_offline_access_codes: false,
    can_unlock_with_code: hasCodes,
    can_configure_auto_lock: false,
  };
}
