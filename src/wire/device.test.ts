import { describe, expect, test } from 'vitest';
import { frontDoor, gate, hall } from '../../test/kit/gateway/fake-devices.ts';
import type { Health, Ratio } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import { connectedAccountIdOf } from './connected-account.ts';
import { deviceSchema, wireDevice } from './device.ts';

const workspaceId = '20000000-0000-5000-8000-000000000000';
const around = {
  workspaceId,
  gatewayName: 'Lobby',
  exceeded: ['threshold-1'],
  time: { confirmed: true as const },
  backupPool: { ready: 1, wanted: 1 },
  codeCount: 3,
  now: Date.UTC(2026, 0, 2),
  spaceIds: ['space-1'],
};
const wire = (device: DeviceSnapshot) => {
  const mapped = wireDevice(device, around);
  expect(deviceSchema().strict().parse(mapped)).toEqual(mapped);
  return mapped;
};

test('has every field that the wire contract demands', () => {
  expect(wire(frontDoor)).toMatchObject({
    device_id: frontDoor.deviceId,
    device_type: 'yale_lock',
    display_name: 'Front door',
    capabilities_supported: ['access_code', 'lock', 'battery'],
    properties: {
      online: true,
      name: 'Front door',
      appearance: { name: 'Front door' },
      model: { display_name: 'YRD226', manufacturer_display_name: 'Yale' },
      locked: true,
      battery: { level: 0.8, status: 'good' },
      battery_level: 0.8,
      supported_code_lengths: [4, 5, 6, 7, 8],
      max_active_codes_supported: 30,
    },
    connected_account_id: connectedAccountIdOf(workspaceId, 'mqtt/main'),
    workspace_id: workspaceId,
    space_ids: ['space-1'],
    errors: [],
    warnings: [],
    created_at: '2026-01-01T00:00:00.000Z',
    is_managed: true,
    custom_metadata: {},
    location: { location_name: 'Lobby', time_zone: 'Europe/Zurich' },
  });
});

describe('what it can do', () => {
  test('does not depend on whether it is reachable', () => {
    const flags = ({
      can_remotely_lock,
      can_remotely_unlock,
      can_program_online_access_codes,
    }: ReturnType<typeof wire>) => ({
      can_remotely_lock,
      can_remotely_unlock,
      can_program_online_access_codes,
    });
    const health: Health = { status: 'offline', reason: 'not_answering', hint: 'Move the lock closer.' };
    expect(flags(wire({ ...frontDoor, health }))).toEqual(flags(wire(frontDoor)));
    expect(flags(wire(gate))).toEqual({
      can_remotely_lock: true,
      can_remotely_unlock: true,
      can_program_online_access_codes: false,
    });
    expect(wire(hall)).toMatchObject({
      can_remotely_lock: false,
      capabilities_supported: ['noise_detection'],
      properties: { noise_level_decibels: 41.5, currently_triggering_noise_threshold_ids: ['threshold-1'] },
    });
  });
});

describe('locked', () => {
  test('is told where the bolt is seen and known, and nowhere else', () => {
    expect(wire({ ...frontDoor, lockState: 'unlocked' }).properties.locked).toBe(false);
    for (const lockState of ['locking', 'unlocking', 'jammed', 'unknown'] as const) {
      const { properties } = wire({ ...frontDoor, lockState });
      expect(properties).not.toHaveProperty('locked');
      expect(properties.strikeplate_metadata.lock_state).toBe(lockState);
    }
  });

  test('never claims a bolt for a relay or a lock that tells nothing', () => {
    expect(wire(gate).properties).not.toHaveProperty('locked');
    expect(wire(gate).properties).toMatchObject({
      door_open: false,
      strikeplate_metadata: { lock_state: 'locked', observes: 'actuator' },
    });
    const blind = { ...frontDoor, capabilities: { ...frontDoor.capabilities, lock: { observes: 'nothing' as const } } };
    expect(wire(blind).properties).not.toHaveProperty('locked');
    expect(wire(hall).properties.strikeplate_metadata).not.toHaveProperty('lock_state');
  });
});

describe('health', () => {
  const health = (value: Health) => {
    const { properties, errors, warnings } = wire({ ...frontDoor, health: value });
    return {
      online: properties.online,
      errors: errors.map((e) => e.error_code),
      warnings: warnings.map((w) => w.warning_code),
    };
  };
  const hint = 'Do this.';

  test.each([
    [{ status: 'online' }, true, [], []],
    [{ status: 'offline', reason: 'link_down', hint }, false, ['hub_disconnected'], []],
    [{ status: 'offline', reason: 'bridge_down', hint }, false, ['bridge_disconnected'], []],
    [{ status: 'offline', reason: 'out_of_range', hint }, false, ['device_offline'], []],
    [{ status: 'offline', reason: 'not_answering', hint }, false, ['device_offline'], []],
    [{ status: 'offline', reason: 'device_gone', hint }, false, ['device_removed'], []],
    [{ status: 'not_ready', reason: 'asleep', hint }, false, [], ['power_saving_mode']],
    [{ status: 'not_ready', reason: 'interviewing', hint }, false, ['device_offline'], []],
    [{ status: 'misconfigured', reason: 'key_refused', hint }, false, ['missing_device_credentials'], []],
    [{ status: 'misconfigured', reason: 'wrong_settings', hint }, false, ['misconfigured'], []],
  ] satisfies [Health, boolean, string[], string[]][])('%j', (value, online, errors, warnings) => {
    expect(health(value)).toEqual({ online, errors, warnings });
  });

  test('says what a person can do, and since when', () => {
    expect(wire(gate).errors).toEqual([
      {
        error_code: 'hub_disconnected',
        message: 'The serial adapter is gone. Plug it in again.',
        is_device_error: true,
        created_at: '2026-01-02T00:00:00.000Z',
      },
    ]);
    expect(wire({ ...frontDoor, outOfService: true }).warnings).toMatchObject([{ warning_code: 'out_of_service' }]);
  });
});

test.each([
  [0.03, false, 'critical'],
  [0.15, false, 'low'],
  [0.8, true, 'low'],
  [0.5, false, 'good'],
  [1, false, 'full'],
])('a battery at %d (low: %s) is %s', (level, low, status) => {
  expect(wire({ ...frontDoor, battery: { level: level as Ratio, low } }).properties.battery).toEqual({ level, status });
});

test('a battery whose level is not told has no invented one', () => {
  const { properties } = wire({ ...frontDoor, battery: { level: undefined, low: true } });
  expect(properties).not.toHaveProperty('battery');
  expect(properties.strikeplate_metadata.battery_low).toBe(true);
});

test('a clock in doubt is a warning on devices with codes alone', () => {
  const time = { confirmed: false, since: Date.UTC(2026, 0, 3), reason: 'The clock jumped.' } as const;
  const warnings = (device: DeviceSnapshot) => wireDevice(device, { ...around, time }).warnings;
  expect(warnings(frontDoor)).toEqual([
    {
      warning_code: 'clock_not_confirmed',
      message: "Codes of Front door neither begin nor end until the gateway's clock is confirmed. The clock jumped.",
      created_at: '2026-01-03T00:00:00.000Z',
    },
  ]);
  expect(warnings(gate)).toEqual([]);
});

test('a lock that takes codes and tells of none says so', () => {
  const { accessCodes } = frontDoor.capabilities;
  if (accessCodes === undefined) throw new Error('the front door has a keypad');
  const mute = {
    ...frontDoor,
    capabilities: { ...frontDoor.capabilities, accessCodes: { ...accessCodes, observes: 'nothing' as const } },
  };
  const warned = wireDevice(mute, around).warnings;
  expect(warned).toMatchObject([
    { warning_code: 'codes_cannot_be_confirmed', message: expect.stringContaining('Front door') },
  ]);
});

describe('a warning that an application acts on', () => {
  const warnings = (device: Partial<DeviceSnapshot>, more: Partial<typeof around> = {}) =>
    wireDevice({ ...frontDoor, ...device }, { ...around, ...more }).warnings;
  const day = 24 * 3_600_000;

  test('says since when the connection is flaky', () => {
    expect(warnings({ flakySince: Date.UTC(2026, 0, 2, 3) })).toEqual([
      {
        warning_code: 'device_has_flaky_connection',
        message: expect.stringContaining('Front door'),
        created_at: '2026-01-02T03:00:00.000Z',
      },
    ]);
  });

  test('counts the codes of a lock that has no room for more', () => {
    expect(warnings({}, { codeCount: 29 })).toEqual([]);
    expect(warnings({}, { codeCount: 30 })).toMatchObject([
      { warning_code: 'max_access_codes_reached', active_access_code_count: 30, max_active_access_code_count: 30 },
    ]);
  });

  test('says how many backup codes are missing', () => {
    expect(warnings({}, { backupPool: { ready: 1, wanted: 3 } })).toMatchObject([
      { warning_code: 'partial_backup_access_code_pool', message: expect.stringContaining('1 of 3') },
    ]);
  });

  test('does not believe a bridge for ever', () => {
    const silent = { isBehindBridge: true, lastSeenAt: Date.UTC(2026, 0, 2) };
    const at = (now: number) => warnings(silent, { now: Date.UTC(2026, 0, 2) + now }).map((one) => one.warning_code);
    expect(at(day)).toEqual([]);
    expect(at(2 * day)).toEqual(['unreliable_online_status']);
    expect(warnings({ ...silent, isBehindBridge: false }, { now: Date.UTC(2026, 0, 9) })).toEqual([]);
  });
});

test('what a lock is beyond its bolt', () => {
  const { properties } = wire({
    ...frontDoor,
    serialNumber: '2B0F4D1A',
    accessoryKeypad: { connected: true, low: true },
    capabilities: { ...frontDoor.capabilities, lock: { observes: 'bolt', tellsWho: true } },
  });
  expect(properties).toMatchObject({
    serial_number: '2B0F4D1A',
    has_native_entry_events: true,
    accessory_keypad: { is_connected: true },
    strikeplate_metadata: { keypad_battery_low: true },
  });
});
