import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { livePath } from '../../src/http/console/live.ts';
import { metricsPath } from '../../src/http/routes/gateway.ts';
import { aPin, flatKey, twoFlats } from '../kit/gateway/two-flats.ts';

/* A key that is restricted to a space follows the doors that are in it. */

const clock = new SimulatedClock();
let world: Awaited<ReturnType<typeof twoFlats>>;
afterEach(() => world.close());

describe('a key for one space', () => {
  beforeEach(async () => {
    world = await twoFlats(clock, 'its space');
  });

  /** Every way in which something can be asked about a door, and what each says of it. */
  const asked = async (device_id: string): Promise<number[]> => {
    const answers = [
      await world.post('/devices/get', { device_id }, flatKey),
      await world.post('/locks/get', { device_id }, flatKey),
      await world.post('/locks/unlock_door', { device_id }, flatKey),
      await world.post('/access_codes/list', { device_id }, flatKey),
      await world.post('/access_codes/create', { device_id }, flatKey),
      await world.post('/devices/take_out_of_service', { device_id }, flatKey),
      await world.post('/devices/put_into_service', { device_id }, flatKey),
    ];
    return answers.map(({ status }) => status);
  };
  const devicesSeen = async (): Promise<string[]> => {
    const { text } = await world.post('/devices/list', {}, flatKey);
    return JSON.parse(text).devices.map(({ device_id }: { device_id: string }) => device_id);
  };
  const membership = (verb: 'add' | 'remove', ...device_ids: string[]) =>
    world.post(`/spaces/${verb}_devices`, { space_id: world.ownSpace, device_ids });

  test('loses a door that leaves, and has one that joins, at once: routes, streams and webhooks', async () => {
    await world.post('/webhooks/create', { url: 'https://mine.example/hook' }, flatKey);
    const heard = await world.listen(flatKey, {});
    await world.post('/locks/unlock_door', { device_id: 'flat-1' });
    expect(await devicesSeen()).toEqual(['flat-1', 'noise-1']);

    const page = await world.listen(flatKey, {}, livePath);
    expect((await membership('remove', 'flat-1')).status).toBe(200);
    // The console's page ends, and comes back for what is there now.
    expect(await page('that never comes')).toMatch(/^event: hello/);
    expect(await devicesSeen()).toEqual(['noise-1']);
    expect(new Set(await asked('flat-1'))).toEqual(new Set([404]));
    world.sent.length = 0;
    await world.post('/locks/lock_door', { device_id: 'flat-1' });
    await world.post('/devices/take_out_of_service', { device_id: 'flat-1' });

    await membership('add', 'flat-2');
    expect(await devicesSeen()).toEqual(['noise-1', 'flat-2']);
    expect(new Set(await asked('flat-2'))).toEqual(new Set([200]));
    await clock.advance(1_000);
    const text = await heard('"device_id":"flat-2"');
    const told = [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data));
    const ofFirst = told.filter(({ device_id }) => device_id === 'flat-1').map(({ event_type }) => event_type);
    expect(ofFirst).toContain('action_attempt.unlock_door.succeeded');
    expect(ofFirst).not.toContain('action_attempt.lock_door.succeeded');
    expect(ofFirst).not.toContain('strikeplate.device.taken_out_of_service');
    const mine = world.sent.filter(({ url }) => url.startsWith('https://mine.example'));
    expect(new Set(mine.map(({ body }) => JSON.parse(body).device_id))).toEqual(new Set(['flat-2']));
  });

  test('reaches nothing at all once its space has no door, or is gone', async () => {
    await membership('remove', 'flat-1', 'noise-1');
    expect(await devicesSeen()).toEqual([]);
    expect(new Set(await asked('flat-1'))).toEqual(new Set([404]));
    expect((await world.post('/spaces/delete', { space_id: world.ownSpace })).status).toBe(200);
    expect(await devicesSeen()).toEqual([]);
    for (const device_id of ['flat-1', 'flat-2']) expect(new Set(await asked(device_id))).toEqual(new Set([404]));
    expect((await world.send('GET', metricsPath, undefined, flatKey)).status).toBe(403);
  });

  test('sees its space, and cannot widen it', async () => {
    const space = { space_id: world.ownSpace };
    expect((await world.post('/spaces/get', space, flatKey)).status).toBe(200);
    for (const [url, body] of [
      ['/spaces/add_devices', { ...space, device_ids: ['flat-1'] }],
      ['/spaces/remove_devices', { ...space, device_ids: ['flat-1'] }],
      ['/spaces/update', { ...space, name: 'Mine' }],
      ['/spaces/delete', space],
    ] as const)
      expect([url, (await world.post(url, body, flatKey)).status]).toEqual([url, 403]);
    // A grant of its own for its own space follows it as well.
    const grant = { user_identity: { full_name: 'Mine' }, space_ids: [world.ownSpace], ...aPin };
    const { status, text } = await world.post('/access_grants/create', grant, flatKey);
    expect([status, text]).toEqual([200, text]);
    const { access_grant_id } = JSON.parse(text).access_grant;
    await membership('add', 'flat-2');
    expect((await world.post('/access_grants/get', { access_grant_id }, flatKey)).status).toBe(200);
    await membership('remove', 'flat-1', 'noise-1', 'flat-2');
    expect((await world.post('/access_grants/get', { access_grant_id }, flatKey)).status).toBe(404);
  });
});
