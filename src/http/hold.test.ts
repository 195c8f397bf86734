import { describe, expect, test } from 'vitest';
import { frontDoor } from '../../test/kit/gateway/fake-devices.ts';
import { httpFixture, until } from '../../test/kit/gateway/http-fixture.ts';
import { holdTime } from './serve-route.ts';

const url = '/locks/unlock_door';
const body = { device_id: frontDoor.deviceId };
const opened = { status: 'success', result: { was_confirmed_by_device: true } } as const;

describe('how long', () => {
  test.each([
    [undefined, undefined, 1000],
    ['wait=5', undefined, 5000],
    ['Wait="3"', undefined, 3000],
    ['wait=5, respond-async', undefined, 5000],
    ['respond-async, wait=5', true, 5000],
    ['respond-async', undefined, 0],
    ['respond-async', true, 25_000],
    ['wait=600', undefined, 25_000],
    ['wait=0', true, 0],
    ['wait=soon', undefined, 1000],
    ['wait=-1', undefined, 1000],
    ['handling=lenient; wait=5', undefined, 1000],
    ['', true, 25_000],
  ])('Prefer: %s with sync %s is %d ms', (prefer, sync, ms) => {
    expect(holdTime({ prefer, sync }, 1000)).toBe(ms);
  });

  test('configuration cannot exceed the cap either', () => {
    expect(holdTime({ prefer: undefined, sync: undefined }, 60_000)).toBe(25_000);
  });
});

describe('a held request', () => {
  test('answers as soon as the attempt ended', async () => {
    const { gateway, clock, call } = httpFixture({ holdMs: 1000 });
    const answer = call('POST', url, body);
    await until(() => clock.armedTimers === 1);
    gateway.end(opened);
    expect((await answer).body.action_attempt).toMatchObject({
      status: 'success',
      result: { was_confirmed_by_device: true },
      error: null,
    });
    expect(clock.armedTimers).toBe(0);
  });

  test('answers pending when the time is up, and cancels nothing', async () => {
    const { gateway, clock, call } = httpFixture({ holdMs: 1000 });
    const answer = call('POST', url, body);
    await until(() => clock.armedTimers === 1);
    await clock.advance(1000);
    expect((await answer).body.action_attempt.status).toBe('pending');
    gateway.end(opened);
    const id = gateway.accepted[0]?.actionAttemptId;
    expect((await call('GET', `/action_attempts/get?action_attempt_id=${id}`)).body.action_attempt.status).toBe(
      'success',
    );
  });

  test('holds longer or not at all when asked to', async () => {
    const { gateway, clock, call } = httpFixture({ holdMs: 1000 });
    const atOnce = await call('POST', url, body, { prefer: 'respond-async' });
    expect(atOnce.body.action_attempt.status).toBe('pending');
    expect(atOnce.headers['preference-applied']).toBe('respond-async');
    expect(clock.armedTimers).toBe(0);
    const patient = call('POST', url, { ...body, sync: true });
    await until(() => clock.armedTimers === 1);
    await clock.advance(24_999);
    gateway.end(opened);
    expect((await patient).body.action_attempt.status).toBe('success');
  });

  test('an attempt that ended meanwhile is not waited for', async () => {
    const { gateway, clock, call } = httpFixture({ holdMs: 1000 });
    gateway.outcome = () => ({ status: 'error', error: { type: 'lock_jammed', message: 'The bolt is stuck.' } });
    expect((await call('POST', url, body)).body.action_attempt).toMatchObject({
      status: 'error',
      result: null,
      error: { type: 'lock_jammed', message: 'The bolt is stuck.' },
    });
    expect(clock.armedTimers).toBe(0);
  });
});
