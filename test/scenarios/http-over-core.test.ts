import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { GatewayError } from '../../src/contract/index.ts';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { scriptedCore } from '../kit/gateway/core-fixture.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';
import { ScriptedKeypad } from '../kit/locks/scripted-keypad.ts';
import { type Script, sendAndHearNothing } from '../kit/locks/scripted-lock.ts';

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** The whole way from a request to a lock, without hardware, disk or socket. Time passes while a request is under way. */
async function building(kept?: { clock: SimulatedClock; store: MemoryStore }) {
  const clock = kept?.clock ?? new SimulatedClock();
  const store = kept?.store ?? new MemoryStore({ clock, commitMs: () => 2 });
  const keypad = new ScriptedKeypad();
  const fixture = await scriptedCore({ clock, store, keypad });
  const server = createHttpServer({
    gateway: fixture.core,
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 1000,
    log: pino({ level: 'silent' }),
  });
  servers.push(server);
  const post = async (url: string, payload: object, headers: Record<string, string> = {}) => {
    const pending = server.inject({
      method: 'POST',
      url,
      headers: { authorization: `Bearer ${apiKey}`, ...headers },
      payload,
    });
    let answered = false;
    const mark = () => {
      answered = true;
    };
    pending.then(mark, mark);
    const began = clock.now();
    while (!answered) await clock.advance(1);
    const answer = await pending;
    return { status: answer.statusCode, headers: answer.headers, body: answer.json(), tookMs: clock.now() - began };
  };
  return { ...fixture, clock, store, keypad, server, post };
}

const front = { device_id: 'front' };

test('a fast door is final in the first answer', async () => {
  const { post, lock } = await building();
  const { body, tookMs } = await post('/locks/unlock_door', front);
  expect(body.action_attempt).toMatchObject({ status: 'success', result: { was_confirmed_by_device: true } });
  expect(lock.sent).toHaveLength(1);
  expect(tookMs).toBeLessThan(50);
});

test('a slow door is pending after the hold, and its truth is told later', async () => {
  const { post, lock, clock } = await building();
  lock.script = sendAndHearNothing;
  const first = await post('/locks/unlock_door', front);
  expect(first.body.action_attempt.status).toBe('pending');
  expect(first.tookMs).toBeGreaterThanOrEqual(1000);
  const { action_attempt_id } = first.body.action_attempt;
  await clock.advance(9_000);
  const { body } = await post('/action_attempts/get', { action_attempt_id });
  expect(body.action_attempt).toMatchObject({ status: 'error', error: { type: 'outcome_unknown' } });
  const { action_attempt_history } = (await post(`/action_attempts/${action_attempt_id}/history`, {})).body;
  expect(action_attempt_history).toMatchObject({ actor: { kind: 'api_key', api_key_id: 'key_1' } });
  expect(action_attempt_history.history.length).toBeGreaterThan(2);
  expect(lock.sent).toHaveLength(1);
});

test('a caller who wants to wait gets the end in the first answer', async () => {
  const { post, lock } = await building();
  lock.script = sendAndHearNothing;
  const { body, tookMs } = await post('/locks/lock_door', { ...front, sync: true });
  expect(body.action_attempt).toMatchObject({ status: 'error', error: { type: 'outcome_unknown' } });
  expect(tookMs).toBeLessThanOrEqual(10_000);
});

test('a jam is told as a jam', async () => {
  const { post, lock } = await building();
  const jam: Script = async (ctx) => {
    (await ctx.pointOfNoReturn()).spend();
    throw new GatewayError('lock_jammed', 'The bolt of the front door is stuck.');
  };
  lock.script = jam;
  expect((await post('/locks/lock_door', front)).body.action_attempt).toMatchObject({
    status: 'error',
    result: null,
    error: { type: 'lock_jammed', message: 'The bolt of the front door is stuck.' },
  });
});

test('twins under one Idempotency-Key move the bolt once, and after a restart it still does not move again', async () => {
  const { post, lock, core, clock, store } = await building();
  const header = { 'idempotency-key': 'booking-7' };
  const [one, two] = await Promise.all([
    post('/locks/unlock_door', front, header),
    post('/locks/unlock_door', front, header),
  ]);
  expect(one?.body).toEqual(two?.body);
  expect(lock.sent).toHaveLength(1);
  const stopped = core.stop(1000);
  await clock.advance(1000);
  await stopped;
  const next = await building({ clock, store });
  const again = await next.post('/locks/unlock_door', front, header);
  expect(again.body).toEqual(one?.body);
  expect(next.lock.sent).toEqual([]);
  const other = await next.post('/locks/unlock_door', { ...front, device_id: 'back' }, header);
  expect(other).toMatchObject({ status: 409, body: { error: { type: 'idempotency_key_reused' } } });
});

test('a full lane says when to come back', async () => {
  const { post, lock } = await building();
  lock.script = sendAndHearNothing;
  const now = { prefer: 'respond-async' };
  const statuses: number[] = [];
  for (let count = 0; count < 20; count++) statuses.push((await post('/locks/unlock_door', front, now)).status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect((await post('/locks/unlock_door', front, now)).headers['retry-after']).toMatch(/^\d+$/);
});

test('a code goes onto the lock and off again, and its digits are in nothing that is kept in clear', async () => {
  const { post, keypad, store } = await building();
  const created = await post('/access_codes/create', { ...front, name: 'Ana', code: '90817263' });
  expect(created.body.access_code).toMatchObject({ name: 'Ana', code: '90817263', status: 'set' });
  expect(created.body.action_attempt).toMatchObject({
    status: 'success',
    result: { access_code: created.body.access_code },
  });
  expect([...keypad.slots.values()]).toEqual(['90817263']);
  const kept = JSON.stringify([store.read.attempts({ limit: 10 }), store.read.accessCodes()]);
  expect(kept).not.toContain('90817263');
  const { access_code_id } = created.body.access_code;
  const removed = await post('/access_codes/delete', { access_code_id });
  expect(removed.body.action_attempt).toMatchObject({
    action_type: 'DELETE_ACCESS_CODE',
    status: 'success',
    result: {},
  });
  expect(keypad.slots.size).toBe(0);
  expect(await post('/access_codes/get', { access_code_id })).toMatchObject({ status: 404 });
});

test('the core’s refusals reach the client at their parameters', async () => {
  const { post } = await building();
  const refusal = async (part: object) => (await post('/access_codes/create', { ...front, ...part })).body.error;
  expect(await refusal({ code: '123456789' })).toMatchObject({
    type: 'invalid_input',
    validation_errors: { code: { _errors: [expect.stringContaining('4 to 8 digits')] } },
  });
  expect(await refusal({ ends_at: '2020-01-01T00:00:00Z' })).toMatchObject({
    type: 'invalid_input',
    validation_errors: { ends_at: { _errors: [expect.stringContaining('it must be after starts_at')] } },
  });
  const threshold = { starts_daily_at: '22:00:00', ends_daily_at: '06:00:00', noise_threshold_decibels: 60 };
  expect(await post('/noise_sensors/noise_thresholds/create', { ...front, ...threshold })).toMatchObject({
    status: 400,
    body: { error: { type: 'unsupported_action' } },
  });
  expect(await post('/locks/lock_door', { device_id: 'cellar' })).toMatchObject({
    status: 404,
    body: { error: { type: 'device_not_found' } },
  });
});
