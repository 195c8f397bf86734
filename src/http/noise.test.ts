import { describe, expect, test } from 'vitest';
import { frontDoor, hall } from '../../test/kit/fake-gateway.ts';
import { httpFixture } from '../../test/kit/http-fixture.ts';

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
