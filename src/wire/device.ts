import { z } from 'zod';
import { tellsOfBolt } from '../contract/index.ts';
import { batteryStatus } from '../model/battery-status.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { SimulatedEvent } from '../model/sandbox.ts';
import { connectedAccountIdOf } from './connected-account.ts';
import { deviceErrors, deviceProblemSchema, deviceWarnings, type WarningSurroundings } from './device-problems.ts';
import { providerNameOf } from './device-provider.ts';
import { isoTime } from './iso-time.ts';
import { onceAsked } from './once-asked.ts';

const batterySchema = onceAsked(() =>
  z.object({ level: z.number(), status: z.enum(['critical', 'low', 'good', 'full']) }),
);

const propertiesSchema = onceAsked(() =>
  z.object({
    online: z.boolean(),
    name: z.string(),
    appearance: z.object({ name: z.string() }),
    model: z.object({ display_name: z.string(), manufacturer_display_name: z.string() }),
    manufacturer: z.string(),
    locked: z.boolean().optional().describe('Only where the bolt itself is seen, and known.'),
    door_open: z.boolean().optional(),
    auto_lock_enabled: z.boolean().optional(),
    auto_lock_delay_seconds: z.number().optional(),
    battery_level: z.number().optional(),
    battery: batterySchema().optional(),
    supported_code_lengths: z.array(z.number()).optional(),
    max_active_codes_supported: z.number().optional(),
    has_native_entry_events: z.boolean().optional(),
    accessory_keypad: z.object({ is_connected: z.boolean() }).optional(),
    serial_number: z.string().optional(),
    code_constraints: z.array(z.object({ constraint_type: z.string() })).optional(),
    supports_backup_access_code_pool: z.boolean().optional(),
    backup_access_code_pool_enabled: z.boolean().optional(),
    online_access_codes_enabled: z.boolean().optional(),
    offline_access_codes_enabled: z.boolean().optional(),
    noise_level_decibels: z.number().optional(),
    currently_triggering_noise_threshold_ids: z.array(z.string()).optional(),
    strikeplate_metadata: z
      .object({
        slug: z.string(),
        driver: z.string(),
        link: z.string(),
        health: z.string(),
        health_reason: z.string().nullable(),
        health_since: z.string(),
        last_seen_at: z.string().nullable(),
        lock_state: z.enum(['locked', 'unlocked', 'locking', 'unlocking', 'jammed', 'unknown']).optional(),
        observes: z.enum(['bolt', 'reports', 'actuator', 'nothing']).optional(),
        last_operated_by: z.string().nullable(),
        battery_low: z.boolean().optional(),
        keypad_battery_low: z.boolean().optional(),
        noise_metric: z.string().optional(),
        noise_measured_at: z.string().optional(),
        out_of_service: z.boolean(),
        out_of_service_since: z.string().nullable(),
        out_of_service_by: z.string().nullable(),
        out_of_service_reason: z.string().nullable(),
      })
      .describe('What this gateway knows beyond the wire contract.'),
  }),
);

/** The device of the wire contract, with the properties that locks and noise sensors have here. */
export const deviceSchema = onceAsked(() =>
  z
    .object({
      device_id: z.string(),
      device_type: z.string(),
      display_name: z.string(),
      nickname: z.string(),
      capabilities_supported: z.array(z.enum(['access_code', 'lock', 'noise_detection', 'battery'])),
      can_remotely_lock: z.boolean(),
      can_remotely_unlock: z.boolean(),
      can_program_online_access_codes: z.boolean(),
      can_unlock_with_code: z.boolean(),
      can_program_offline_access_codes: z.boolean(),
      can_simulate_connection: z.boolean(),
      can_simulate_disconnection: z.boolean(),
      can_simulate_hub_connection: z.boolean(),
      can_simulate_hub_disconnection: z.boolean(),
      can_simulate_removal: z.boolean(),
      can_configure_auto_lock: z.boolean(),
      properties: propertiesSchema(),
      device_manufacturer: z.object({ manufacturer: z.string(), display_name: z.string() }),
      device_provider: z.object({
        device_provider_name: z.string(),
        display_name: z.string(),
        provider_category: z.string(),
      }),
      location: z.object({ location_name: z.string(), time_zone: z.string() }),
      connected_account_id: z.string(),
      workspace_id: z.string(),
      space_ids: z.array(z.string()),
      errors: z.array(deviceProblemSchema().extend({ error_code: z.string(), is_device_error: z.literal(true) })),
      warnings: z.array(
        deviceProblemSchema().extend({
          warning_code: z.string(),
          active_access_code_count: z.number().optional(),
          max_active_access_code_count: z.number().optional(),
        }),
      ),
      created_at: z.string(),
      is_managed: z.boolean(),
      custom_metadata: z.record(z.string(), z.union([z.string(), z.boolean()])),
    })
    .meta({ id: 'device' }),
);

export type WireDevice = z.output<ReturnType<typeof deviceSchema>>;

export interface DeviceSurroundings extends WarningSurroundings {
  readonly workspaceId: string;
  /** Where the gateway stands, as people call it. */
  readonly gatewayName: string;
  /** Noise thresholds of this device that are exceeded now. */
  readonly exceeded: readonly string[];
  /** The spaces that it is in. */
  readonly spaceIds: readonly string[];
  /** What can be made to happen to it; undefined for a real one. */
  readonly simulates?: ReadonlySet<SimulatedEvent> | undefined;
}

/** Flags come from what the device can do, never from whether it is reachable: callers read them before they call. */
export function wireDevice(device: DeviceSnapshot, around: DeviceSurroundings): WireDevice {
  const { workspaceId, gatewayName, exceeded, spaceIds, simulates } = around;
  const { lock, accessCodes, noise } = device.capabilities;
  const capabilities: WireDevice['capabilities_supported'] = [];
  if (accessCodes !== undefined) capabilities.push('access_code');
  if (lock !== undefined) capabilities.push('lock');
  if (noise !== undefined) capabilities.push('noise_detection');
  if (device.battery !== undefined) capabilities.push('battery');
  return {
    device_id: device.deviceId,
    device_type: device.deviceType,
    display_name: device.name,
    nickname: device.name,
    capabilities_supported: capabilities,
    can_remotely_lock: lock !== undefined,
    can_remotely_unlock: lock !== undefined,
    can_program_online_access_codes: accessCodes !== undefined,
    can_unlock_with_code: accessCodes !== undefined,
    can_program_offline_access_codes: false,
    can_simulate_connection: simulates?.has('connect') === true,
    can_simulate_disconnection: simulates?.has('disconnect') === true,
    can_simulate_hub_connection: simulates?.has('connect_to_hub') === true,
    can_simulate_hub_disconnection: simulates?.has('disconnect_from_hub') === true,
    can_simulate_removal: simulates?.has('remove') === true,
    can_configure_auto_lock: device.capabilities.autoLock !== undefined,
    properties: {
      online: device.health.status === 'online',
      name: device.name,
      appearance: { name: device.name },
      model: { display_name: device.model, manufacturer_display_name: device.manufacturer },
      manufacturer: device.manufacturer,
      ...lockProperties(device),
      ...batteryProperties(device),
      ...codeProperties(device, around),
      ...(device.serialNumber !== undefined && { serial_number: device.serialNumber }),
      ...(noise === undefined
        ? {}
        : {
            ...(device.noise === undefined ? {} : { noise_level_decibels: device.noise.level }),
            currently_triggering_noise_threshold_ids: [...exceeded],
          }),
      strikeplate_metadata: metadata(device),
    },
    device_manufacturer: { manufacturer: snakeCase(device.manufacturer), display_name: device.manufacturer },
    device_provider: {
      device_provider_name: providerNameOf(device.driver),
      display_name: device.driver,
      provider_category: 'stable',
    },
    location: { location_name: gatewayName, time_zone: device.timeZone },
    connected_account_id: connectedAccountIdOf(workspaceId, device.link),
    workspace_id: workspaceId,
    space_ids: [...spaceIds],
    errors: deviceErrors(device),
    warnings: deviceWarnings(device, around),
    created_at: isoTime(device.createdAt),
    is_managed: device.settings.isManaged,
    custom_metadata: { ...device.settings.customMetadata },
  };
}

function lockProperties(
  device: DeviceSnapshot,
): Pick<WireDevice['properties'], 'locked' | 'door_open' | 'auto_lock_enabled' | 'auto_lock_delay_seconds'> {
  const { lockState, door, autoLock } = device;
  // `locked` is a claim about the bolt: a strike's coil or an acknowledgement does not make it.
  const known = tellsOfBolt(device.capabilities.lock?.observes) && (lockState === 'locked' || lockState === 'unlocked');
  return {
    ...(known ? { locked: lockState === 'locked' } : {}),
    ...(door === 'unknown' ? {} : { door_open: door === 'open' }),
    ...(autoLock && { auto_lock_enabled: autoLock.enabled }),
    ...(autoLock?.delaySeconds !== undefined && { auto_lock_delay_seconds: autoLock.delaySeconds }),
  };
}

function batteryProperties({ battery }: DeviceSnapshot): Pick<WireDevice['properties'], 'battery' | 'battery_level'> {
  if (battery?.level === undefined) return {};
  const { level } = battery;
  return { battery_level: level, battery: { level, status: batteryStatus(battery) } };
}

function codeProperties(
  device: DeviceSnapshot,
  { backupPool }: DeviceSurroundings,
): Pick<
  WireDevice['properties'],
  | 'supported_code_lengths'
  | 'max_active_codes_supported'
  | 'code_constraints'
  | 'supports_backup_access_code_pool'
  | 'backup_access_code_pool_enabled'
  | 'online_access_codes_enabled'
  | 'offline_access_codes_enabled'
  | 'has_native_entry_events'
  | 'accessory_keypad'
> {
  const rules = device.capabilities.accessCodes;
  if (rules === undefined) return {};
  return {
    supported_code_lengths: [...rules.lengths],
    ...(rules.slots === 'device' ? {} : { max_active_codes_supported: rules.slots.count }),
    code_constraints: rules.digits.includes('0') ? [] : [{ constraint_type: 'no_zeros' }],
    supports_backup_access_code_pool: true,
    backup_access_code_pool_enabled: backupPool.wanted > 0,
    online_access_codes_enabled: true,
    offline_access_codes_enabled: false,
    has_native_entry_events: device.capabilities.lock?.tellsWho === true,
    ...(device.accessoryKeypad && { accessory_keypad: { is_connected: device.accessoryKeypad.connected } }),
  };
}

function metadata(device: DeviceSnapshot): WireDevice['properties']['strikeplate_metadata'] {
  const { health, capabilities, noise, battery } = device;
  const { stopped } = device.settings;
  return {
    slug: device.slug,
    driver: device.driver,
    link: device.link,
    health: health.status,
    health_reason: health.status === 'online' ? null : health.reason,
    health_since: isoTime(device.healthSince),
    last_seen_at: device.lastSeenAt === undefined ? null : isoTime(device.lastSeenAt),
    ...(capabilities.lock === undefined ? {} : { lock_state: device.lockState, observes: capabilities.lock.observes }),
    last_operated_by: device.changedBy ?? null,
    ...(battery === undefined ? {} : { battery_low: battery.low }),
    ...(device.accessoryKeypad?.low !== undefined && { keypad_battery_low: device.accessoryKeypad.low }),
    ...(noise === undefined ? {} : { noise_metric: noise.metric, noise_measured_at: isoTime(noise.at) }),
    out_of_service: device.outOfService,
    out_of_service_since: stopped === undefined ? null : isoTime(stopped.at),
    out_of_service_by: stopped?.by ?? null,
    out_of_service_reason: stopped?.reason ?? null,
  };
}

const snakeCase = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '_');
