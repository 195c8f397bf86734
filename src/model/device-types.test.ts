import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deviceTypeOf } from '../composition/managed-devices.ts';

describe('the type of a device', () => {
  test.each([
    ['zigbee_lock', 'Yale', 'yale_lock'],
    ['zwave_lock', 'Schlage', 'schlage_lock'],
    ['zwave_lock', 'KWIKSET Corp.', 'kwikset_lock'],
    ['nuki_lock', 'nuki', 'nuki_lock'],
    ['zigbee_lock', 'Danalock', 'zigbee_lock'],
    ['zigbee_lock', 'unknown', 'zigbee_lock'],
    ['zigbee_lock', '', 'zigbee_lock'],
    ['zigbee_noise_sensor', 'Yale', 'zigbee_noise_sensor'],
    ['modbus_relay', 'Schlage', 'modbus_relay'],
  ])('%s of %s is %s', (driversType, maker, type) => expect(deviceTypeOf(driversType, maker)).toBe(type));

  test('is one that the official client has, for each maker', () => {
    const declared = readFileSync(
      new URL('../../node_modules/@seamapi/http/lib/routes/devices/devices.d.ts', import.meta.url),
      'utf8',
    );
    const types = new Set([...declared.matchAll(/'(\w+_lock)'/g)].map(([, type]) => type ?? ''));
    expect(types.size).toBeGreaterThan(15);
    const ours = [...types].filter((type) => deviceTypeOf('zigbee_lock', type.replace(/_lock$/, '')) === type);
    expect(ours.sort()).toEqual([...types].filter((type) => !['akuvox_lock', 'doorking_lock'].includes(type)).sort());
  });
});
