import { describe, expect, test } from 'vitest';
import { frontDoor, hall } from '../../test/kit/gateway/fake-devices.ts';
import { httpFixture } from '../../test/kit/gateway/http-fixture.ts';

const base = '/noise_sensors/noise_thresholds';
const quietHours = { device_id: hall.deviceId, starts_daily_at: '22:00:00[Europe/Zurich]', ends_daily_at: '06:00:00' };

test('a threshold is created, got, listed and deleted, in every spelling', async () => {
  const { gateway, call } = httpFixture();
  const { body } = await call('POST', `${base}/create`, {
    ...quietHours,
    name: 'Night',
    noise_threshold_decibels: 55.5,
  });
  expect(body).toMatchObject({
    noise_threshold: {
      device_id: hall.deviceId,
      name: 'Night',
      starts_daily_at: '22:00:00[Europe/Zurich]',
      ends_daily_at: '06:00:00[Europe/Zurich]',
      noise_threshold_decibels: 55.5,
      sustained_seconds: 60,
      kept_by: 'gateway',
    },
    action_attempt: { action_type: 'CREATE_NOISE_THRESHOLD', status: 'pending' },
  });
  gateway.end({ status: 'success', result: { noise_threshold_id: 'x' } });
  const id = body.noise_threshold.noise_threshold_id;
  const attempt = `/action_attempts/get?action_attempt_id=${body.action_attempt.action_attempt_id}`;
  expect((await call('GET', attempt)).body.action_attempt.result).toEqual({ noise_threshold: body.noise_threshold });
  for (const answer of [
    await call('GET', `${base}/get?noise_threshold_id=${id}`),
    await call('POST', `${base}/get`, { noise_threshold_id: id }),
  ])
    expect(answer.body.noise_threshold).toEqual(body.noise_threshold);
  expect((await call('GET', `${base}/list?device_id=${hall.deviceId}`)).body.noise_thresholds).toEqual([
    body.noise_threshold,
  ]);
  expect(await call('GET', `${base}/list?device_id=x`)).toMatchObject({ status: 404 });
  gateway.outcome = () => ({ status: 'success', result: {} });
  const wrongDevice = { noise_threshold_id: id, device_id: frontDoor.deviceId };
  expect(await call('DELETE', `${base}/delete`, wrongDevice)).toMatchObject({ status: 404 });
  const removed = await call('DELETE', `${base}/delete?device_id=${hall.deviceId}&noise_threshold_id=${id}`);
  expect(removed.body.action_attempt).toMatchObject({
    action_type: 'REMOVE_NOISE_THRESHOLD',
    status: 'success',
    result: {},
  });
  expect(await call('POST', `${base}/delete`, { noise_threshold_id: id })).toMatchObject({
    status: 404,
    body: { error: { type: 'noise_threshold_not_found' } },
  });
});

test('a threshold is changed, under every method', async () => {
  const { gateway, call } = httpFixture();
  gateway.outcome = () => ({ status: 'success', result: {} });
  const created = await call('POST', `${base}/create`, { ...quietHours, noise_threshold_decibels: 55 });
  const { noise_threshold_id, device_id } = created.body.noise_threshold;
  const changes = [
    ['PATCH', { name: 'Night', noise_threshold_decibels: 60 }],
    ['PUT', { starts_daily_at: '23:00:00', ends_daily_at: '05:00:00', sustained_seconds: 900 }],
    ['POST', { name: 'Late' }],
  ] as const;
  for (const [method, change] of changes) {
    const { body } = await call(method, `${base}/update`, { noise_threshold_id, device_id, ...change });
    expect(body.action_attempt).toMatchObject({ action_type: 'UPDATE_NOISE_THRESHOLD', status: 'success' });
    expect(body.action_attempt.result.noise_threshold).toMatchObject({ noise_threshold_id });
  }
  expect((await call('POST', `${base}/get`, { noise_threshold_id })).body.noise_threshold).toMatchObject({
    name: 'Late',
    noise_threshold_decibels: 60,
    starts_daily_at: '23:00:00[Europe/Zurich]',
    ends_daily_at: '05:00:00[Europe/Zurich]',
    sustained_seconds: 900,
  });
  const refused: [object, RegExp][] = [
    [{ starts_daily_at: '23:00:00' }, /both of starts_daily_at and ends_daily_at/],
    [{ noise_threshold_nrs: 3 }, /measure decibels and no risk score/],
    [{ sustained_seconds: 901 }, /sustained_seconds/],
  ];
  for (const [change, message] of refused) {
    const { status, body } = await call('PATCH', `${base}/update`, { noise_threshold_id, device_id, ...change });
    expect(status).toBe(400);
    expect(body.error.message).toMatch(message);
  }
  const elsewhere = { noise_threshold_id, device_id: frontDoor.deviceId, name: 'x' };
  expect(await call('PATCH', `${base}/update`, elsewhere)).toMatchObject({ status: 404 });
});

test('a day of levels is listed by the minute', async () => {
  const { gateway, call, clock } = httpFixture();
  const now = clock.wallTime();
  gateway.noise.heard = [3, 2, 1].map((ago) => ({
    startsAt: now - ago * 60_000,
    level: 40 + ago / 3,
    highest: 50,
    knownMs: 30_000,
  }));
  const list = '/noise_sensors/levels/list';
  const { body } = await call('GET', `${list}?device_id=${hall.deviceId}`);
  expect(body).toMatchObject({ metric: 'LAeq', interval_seconds: 60, ok: true });
  expect(body.noise_levels).toHaveLength(3);
  expect(body.noise_levels[0]).toEqual({
    starts_at: new Date(now - 180_000).toISOString(),
    average_decibels: 41,
    highest_decibels: 50,
    known_seconds: 30,
  });
  const part = {
    device_id: hall.deviceId,
    from: new Date(now - 120_000).toISOString(),
    to: new Date(now - 60_000).toISOString(),
  };
  expect((await call('POST', list, part)).body.noise_levels).toHaveLength(1);
  const byHour = await call('GET', `${list}?device_id=${hall.deviceId}&interval_seconds=3600`);
  expect(byHour.body).toMatchObject({ interval_seconds: 3_600, ok: true });
  expect((await call('POST', list, { device_id: hall.deviceId, interval_seconds: 61 })).status).toBe(400);
  expect(await call('POST', list, { device_id: frontDoor.deviceId })).toMatchObject({
    status: 400,
    body: { error: { type: 'unsupported_action' } },
  });
});

describe('wrong thresholds', () => {
  test.each([
    [{}, '_errors', /exactly one/],
    [{ noise_threshold_decibels: 50, noise_threshold_nrs: 3 }, '_errors', /exactly one/],
    [{ noise_threshold_nrs: 3 }, 'noise_threshold_nrs', /decibels/],
    [{ noise_threshold_decibels: '50' }, 'noise_threshold_decibels', /number/],
    [{ noise_threshold_decibels: 50, starts_daily_at: 22 }, 'starts_daily_at', /string/],
  ])('%j', async (part, parameter, text) => {
    const { gateway, call } = httpFixture();
    const { status, body } = await call('POST', `${base}/create`, { ...quietHours, ...part });
    expect(status).toBe(400);
    const { validation_errors: tree, message } = body.error;
    expect((parameter === '_errors' ? tree._errors : tree[parameter]._errors).join()).toMatch(text);
    expect(message).toMatch(text);
    expect(gateway.accepted).toEqual([]);
  });

  test('on a device that hears nothing', async () => {
    const { call } = httpFixture();
    const answer = await call('POST', `${base}/create`, {
      ...quietHours,
      device_id: frontDoor.deviceId,
      noise_threshold_decibels: 50,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: { type: 'unsupported_action' } } });
  });
});

test('sensors are listed as sensors and as devices', async () => {
  const { call } = httpFixture();
  const { noise_sensors, devices } = (await call('POST', '/noise_sensors/list', {})).body;
  expect(noise_sensors).toEqual(devices);
  expect(noise_sensors).toHaveLength(1);
  expect(noise_sensors[0].properties.noise_level_decibels).toBe(41.5);
});
