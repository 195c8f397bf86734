import type { Decibels, Ratio } from '../../../src/contract/index.ts';
import { type DeviceSnapshot, noSettings } from '../../../src/model/device-snapshot.ts';

const snapshot = (
  part: Partial<DeviceSnapshot> & Pick<DeviceSnapshot, 'deviceId' | 'slug' | 'name'>,
): DeviceSnapshot => ({
  driver: 'mqtt/zigbee2mqtt',
  link: 'mqtt/main',
  deviceType: 'yale_lock',
  manufacturer: 'Yale',
  model: 'YRD226',
  timeZone: 'Europe/Zurich',
  limits: { door: { sendByMs: 5000, deadlineMs: 9000 }, code: { sendByMs: 45_000, deadlineMs: 60_000 } },
  createdAt: Date.UTC(2026, 0, 1),
  capabilities: { lock: undefined, accessCodes: undefined, noise: undefined },
  health: { status: 'online' },
  healthSince: Date.UTC(2026, 0, 2),
  lockState: 'unknown',
  door: 'unknown',
  battery: undefined,
  accessoryKeypad: undefined,
  flakySince: undefined,
  serialNumber: undefined,
  isBehindBridge: false,
  noise: undefined,
  changedBy: undefined,
  lastSeenAt: Date.UTC(2026, 0, 2),
  outOfService: false,
  settings: noSettings,
  ...part,
});

export const frontDoor = snapshot({
  deviceId: 'a3f0a1c2-0000-5000-8000-000000000001',
  slug: 'front',
  name: 'Front door',
  capabilities: {
    lock: { observes: 'bolt' },
    accessCodes: {
      observes: 'slot',
      lengths: [4, 5, 6, 7, 8],
      digits: '0123456789',
      slots: { first: 1, count: 30 },
      nativeSchedule: false,
      readCost: 'cheap',
    },
    noise: undefined,
  },
  lockState: 'locked',
  battery: { level: 0.8 as Ratio, low: false },
});

export const gate = snapshot({
  deviceId: 'a3f0a1c2-0000-5000-8000-000000000002',
  slug: 'gate',
  name: 'Gate',
  driver: 'serial/modbus-relay',
  deviceType: 'strikeplate_relay',
  manufacturer: 'Waveshare',
  capabilities: { lock: { observes: 'actuator' }, accessCodes: undefined, noise: undefined },
  lockState: 'locked',
  door: 'closed',
  health: { status: 'offline', reason: 'link_down', hint: 'The serial adapter is gone. Plug it in again.' },
});

export const hall = snapshot({
  deviceId: 'a3f0a1c2-0000-5000-8000-000000000003',
  slug: 'hall',
  name: 'Hall noise',
  deviceType: 'noise_sensor',
  manufacturer: 'RS',
  capabilities: { lock: undefined, accessCodes: undefined, noise: { metric: 'LAeq', expectedIntervalMs: 1000 } },
  noise: { level: 41.5 as Decibels, metric: 'LAeq', at: Date.UTC(2026, 0, 2) },
});
