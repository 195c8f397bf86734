import { expect, it } from 'vitest';
import { advertisementOf } from './bluez-binding.ts';

const variant = (value: unknown) => ({ signature: 'ay', value });

it('is put together again as it was on the air', () => {
  const properties = {
    Alias: '54-D2-72-11-22-33',
    Name: 'Nuki_1A2B3C4D',
    UUIDs: ['0000180f-0000-1000-8000-00805f9b34fb', 'a92ee200-5501-11e4-916c-0800200c9a66'],
    ManufacturerData: { 76: variant(Buffer.from([2, 21])) },
    ServiceData: { '0000180f-0000-1000-8000-00805f9b34fb': variant(Buffer.from([87])) },
  };
  expect(advertisementOf(properties, {})).toMatchObject({
    localName: 'Nuki_1A2B3C4D',
    manufacturerData: Buffer.from('4c000215', 'hex'),
    serviceUuids: ['180f', 'a92ee200550111e4916c0800200c9a66'],
    serviceData: [{ uuid: '180f', data: Buffer.from([87]) }],
  });
});

it('has no name where BlueZ shows an address instead, and prefers what was just heard', () => {
  const before = { 76: variant(Buffer.from([1])) };
  const now = { 725: variant(Buffer.from([2])) };
  const properties = { Alias: '54-D2-72-11-22-33', ManufacturerData: { ...before, ...now } };
  expect(advertisementOf(properties, { ManufacturerData: now })).toMatchObject({
    localName: undefined,
    manufacturerData: Buffer.from('d50202', 'hex'),
  });
});
