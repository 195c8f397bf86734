import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

test('with a new database in the place of a lost one, what is on the locks is looked for and listed as unmanaged', async () => {
  const building = await ZigbeeBuilding.open();
  onTestFinished(() => building.close());
  const doors = ['front', 'side'];
  const locks = doors.map((friendlyName) =>
    building.bridge.addLock({ friendlyName, bolt: 'locked', radioMs: 1, motorMs: 1, exposePin: true, slots: 8 }),
  );
  building.bridge.start();
  const box = await GatewayBox.make({
    mqtt: { main: { url: building.url } },
    access_codes: { lead_minutes: 0 },
    devices: doors.map((slug) => zigbeeEntry(slug, { settings: { kind: 'lock', pin_slots: { first: 1, count: 6 } } })),
  });
  onTestFinished(() => box.dispose());
  const first = await box.start();
  const pins = ['4711', '4712'];
  for (const [index, door] of doors.entries()) {
    await first.api.post('/access_codes/create', { device_id: idOf(door), code: pins[index] });
    await expect.poll(() => [...(locks[index]?.keypad.codes.values() ?? [])]).toEqual([pins[index]]);
  }
  await first.close();
  const database = readdirSync(box.stateDir).filter((name) => name.startsWith('strikeplate.db'));
  for (const name of database) if (!name.endsWith('.lock')) rmSync(join(box.stateDir, name));

  await expect(box.start()).rejects.toThrow(/restore.*--new-database/s);
  expect(existsSync(join(box.stateDir, 'strikeplate.db'))).toBe(false);
  for (const [index, lock] of locks.entries()) expect([...lock.keypad.codes.values()]).toEqual([pins[index]]);

  const second = await box.start({ newDatabase: true });
  onTestFinished(() => second.close());
  const { api } = second;
  for (const [index, door] of doors.entries()) {
    const found = async () =>
      (await api.post('/access_codes/unmanaged/list', { device_id: idOf(door) })).body.access_codes ?? [];
    await expect.poll(found).toMatchObject([{ code: pins[index], is_managed: false }]);
    expect((await api.post('/access_codes/list', { device_id: idOf(door) })).body.access_codes).toEqual([]);
    // The slot that is somebody else's now is not written over.
    await api.post('/access_codes/create', { device_id: idOf(door), code: '9988' });
    await expect.poll(() => [...(locks[index]?.keypad.codes.values() ?? [])].sort()).toEqual([pins[index], '9988']);
  }
});
