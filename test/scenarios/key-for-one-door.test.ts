import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { methodsOf } from '../../src/http/route.ts';
import { metricsPath } from '../../src/http/routes/gateway.ts';
import { gatewayRoutes } from '../../src/http/routes/index.ts';
import { fakeOwnServices } from '../kit/gateway/fake-own-services.ts';
import { keyWith } from '../kit/gateway/http-fixture.ts';
import { aPin, type Belongings, flatKey, night, since, twoFlats } from '../kit/gateway/two-flats.ts';

/*
 * A key that is restricted to one flat, tried on every route with what belongs to the flat next door. What it is
 * answered must be, to the byte, what it is answered for something that never existed; and nothing that it is shown
 * may hold a trace of the neighbours.
 */

/** For each route: what is asked of it with somebody's belongings. */
const rows: Readonly<Record<string, (of: Belongings) => Record<string, unknown>[]>> = {
  '/locks/lock_door': ({ device_id }) => [{ device_id }],
  '/locks/unlock_door': ({ device_id }) => [{ device_id }],
  '/locks/configure_auto_lock': ({ device_id }) => [
    { device_id, auto_lock_enabled: true, auto_lock_delay_seconds: 30 },
    { device_id, auto_lock_enabled: false },
  ],
  '/locks/get': ({ device_id, name }) => [{ device_id }, { name }],
  '/locks/list': ({ device_id, name }) => [{}, { device_ids: [device_id] }, { search: name }],
  '/devices/get': ({ device_id, name }) => [{ device_id }, { name }],
  '/devices/list': ({ device_id, name }) => [{}, { device_ids: [device_id] }, { search: name }, { limit: 1 }],
  '/devices/update': ({ device_id }) => [
    { device_id, name: 'Mine' },
    { device_id, is_managed: false },
  ],
  '/devices/unmanaged/get': ({ device_id, name }) => [{ device_id }, { name }],
  '/devices/unmanaged/list': ({ device_id }) => [{}, { device_ids: [device_id] }],
  '/devices/unmanaged/update': ({ device_id }) => [{ device_id, is_managed: true }],
  '/devices/take_out_of_service': ({ device_id }) => [{ device_id }],
  '/devices/put_into_service': ({ device_id }) => [{ device_id }],
  '/action_attempts/get': ({ action_attempt_id }) => [{ action_attempt_id }],
  '/action_attempts/list': ({ action_attempt_id, device_id }) => [
    {},
    { limit: 1 },
    { device_id },
    { action_attempt_ids: [action_attempt_id] },
    { status: 'success' },
  ],
  '/action_attempts/:action_attempt_id/history': ({ action_attempt_id }) => [{ action_attempt_id }],
  '/access_codes/create': ({ device_id }) => [{ device_id }, { device_id, code: '4821' }],
  '/access_codes/create_multiple': ({ device_id, common_code_key }) => [
    { device_ids: [device_id] },
    { device_ids: ['flat-1', device_id], common_code_key },
  ],
  '/access_codes/get': ({ access_code_id, device_id, digits, unmanaged_id }) => [
    { access_code_id },
    { access_code_id: unmanaged_id },
    { device_id, code: digits },
  ],
  '/access_codes/list': ({ device_id, access_code_id }) => [{ device_id }, { access_code_ids: [access_code_id] }],
  '/access_codes/update': ({ access_code_id }) => [{ access_code_id, name: 'Mine' }],
  '/access_codes/update_multiple': ({ common_code_key }) => [{ common_code_key, name: 'Mine' }],
  '/access_codes/delete': ({ access_code_id, removed_id }) => [{ access_code_id }, { access_code_id: removed_id }],
  '/access_codes/get_timeline': ({ access_code_id }) => [{ access_code_id }],
  '/access_codes/report_device_constraints': ({ device_id }) => [{ device_id, supported_code_lengths: [4] }],
  '/access_codes/generate_code': ({ device_id }) => [{ device_id }],
  '/access_codes/pull_backup_access_code': ({ access_code_id }) => [{ access_code_id }],
  '/access_codes/unmanaged/get': ({ unmanaged_id, device_id }) => [
    { access_code_id: unmanaged_id },
    { device_id, code: '1111' },
  ],
  '/access_codes/unmanaged/list': ({ device_id }) => [{ device_id }],
  '/access_codes/unmanaged/convert_to_managed': ({ unmanaged_id, access_code_id }) => [
    { access_code_id: unmanaged_id },
    { access_code_id },
  ],
  '/access_codes/unmanaged/update': ({ unmanaged_id }) => [{ access_code_id: unmanaged_id, is_managed: true }],
  '/access_codes/unmanaged/delete': ({ unmanaged_id, access_code_id }) => [
    { access_code_id: unmanaged_id },
    { access_code_id },
  ],
  '/user_identities/create': () => [{ full_name: 'Mine' }],
  '/user_identities/get': ({ user_identity_id, user_identity_key }) => [{ user_identity_id }, { user_identity_key }],
  '/user_identities/list': ({ user_identity_id }) => [{}, { user_identity_ids: [user_identity_id] }],
  '/user_identities/update': ({ user_identity_id }) => [{ user_identity_id, full_name: 'Mine' }],
  '/user_identities/delete': ({ user_identity_id }) => [{ user_identity_id }],
  '/user_identities/grant_access_to_device': ({ user_identity_id, device_id }) => [{ user_identity_id, device_id }],
  '/user_identities/revoke_access_to_device': ({ user_identity_id, device_id }) => [{ user_identity_id, device_id }],
  '/user_identities/list_accessible_devices': ({ user_identity_id }) => [{ user_identity_id }],
  '/spaces/create': ({ device_id }) => [{ name: 'Mine', device_ids: [device_id] }],
  '/spaces/get': ({ space_id, space_key }) => [{ space_id }, { space_key }],
  '/spaces/list': ({ space_key }) => [{}, { space_key }],
  '/spaces/update': ({ space_id, device_id }) => [{ space_id, device_ids: ['flat-1', device_id] }],
  '/spaces/delete': ({ space_id }) => [{ space_id }],
  '/spaces/add_devices': ({ space_id }) => [{ space_id, device_ids: ['flat-1'] }],
  '/spaces/remove_devices': ({ space_id, device_id }) => [{ space_id, device_ids: [device_id] }],
  '/spaces/get_related': ({ space_id, space_key }) => [{ space_ids: [space_id] }, { space_keys: [space_key] }],
  '/access_grants/create': ({ user_identity_id, device_id, space_id, space_key }) => [
    { user_identity_id, device_ids: ['flat-1'], ...aPin },
    { user_identity: { full_name: 'Mine' }, device_ids: ['flat-1', device_id], ...aPin },
    { user_identity: { full_name: 'Mine' }, space_ids: [space_id], ...aPin },
    { user_identity: { full_name: 'Mine' }, space_keys: [space_key], ...aPin },
  ],
  '/access_grants/get': ({ access_grant_id, access_grant_key }) => [{ access_grant_id }, { access_grant_key }],
  '/access_grants/list': ({ access_grant_id, device_id, space_id, user_identity_id, access_code_id }) => [
    {},
    { access_grant_ids: [access_grant_id] },
    { device_id },
    { space_id },
    { user_identity_id },
    { access_code_id },
  ],
  '/access_grants/update': ({ access_grant_id, access_grant_key }) => [
    { access_grant_id, name: 'Mine' },
    { access_grant_key, ends_at: null },
  ],
  '/access_grants/delete': ({ access_grant_id }) => [{ access_grant_id }],
  '/access_grants/get_related': ({ access_grant_id, access_grant_key }) => [
    { access_grant_ids: [access_grant_id] },
    { access_grant_keys: [access_grant_key] },
  ],
  '/access_grants/request_access_methods': ({ access_grant_id }) => [{ access_grant_id, ...aPin }],
  '/access_methods/get': ({ access_method_id }) => [{ access_method_id }],
  '/access_methods/list': ({ access_grant_id, device_id, space_id }) => [
    { access_grant_id },
    { device_id },
    { space_id },
  ],
  '/access_methods/delete': ({ access_method_id, access_grant_id }) => [{ access_method_id }, { access_grant_id }],
  '/access_methods/get_related': ({ access_method_id }) => [{ access_method_ids: [access_method_id] }],
  '/access_methods/unlock_door': ({ access_method_id, device_id }) => [
    { access_method_id, acs_entrance_id: 'flat-1' },
    { access_method_id, acs_entrance_id: device_id },
  ],
  '/noise_sensors/list': ({ sensor_id }) => [{}, { device_ids: [sensor_id] }],
  '/noise_sensors/levels/list': ({ sensor_id }) => [{ device_id: sensor_id }],
  '/noise_sensors/noise_thresholds/create': ({ sensor_id }) => [{ device_id: sensor_id, ...night }],
  '/noise_sensors/noise_thresholds/get': ({ noise_threshold_id }) => [{ noise_threshold_id }],
  '/noise_sensors/noise_thresholds/list': ({ sensor_id }) => [{ device_id: sensor_id }],
  '/noise_sensors/noise_thresholds/update': ({ noise_threshold_id, sensor_id }) => [
    { noise_threshold_id, device_id: sensor_id, noise_threshold_decibels: 90 },
  ],
  '/noise_sensors/noise_thresholds/delete': ({ noise_threshold_id, removed_threshold_id }) => [
    { noise_threshold_id },
    { noise_threshold_id: removed_threshold_id },
  ],
  '/events/list': ({ device_id, access_code_id, event_id }) => [
    since,
    { ...since, device_id },
    { ...since, access_code_id },
    { event_ids: [event_id] },
    { ...since, unstable_offset: 1, limit: 1 },
  ],
  '/events/get': ({ event_id, device_id }) => [{ event_id }, { device_id }, { event_type: 'access_code.deleted' }],
  '/webhooks/create': () => [{ url: 'https://mine.example/hook' }],
  '/webhooks/get': ({ webhook_id }) => [{ webhook_id }],
  '/webhooks/list': () => [{}],
  '/webhooks/update': ({ webhook_id }) => [{ webhook_id, event_types: ['*'] }],
  '/webhooks/delete': ({ webhook_id }) => [{ webhook_id }],
  '/clock/get': () => [{}],
  '/clock/confirm': () => [{}],
  '/workspaces/get': () => [{}],
  '/workspaces/list': () => [{}],
  '/workspaces/reset_sandbox': () => [{}],
  '/devices/simulate/connect': ({ device_id }) => [{ device_id }],
  '/devices/simulate/disconnect': ({ device_id }) => [{ device_id }],
  '/devices/simulate/connect_to_hub': ({ device_id }) => [{ device_id }],
  '/devices/simulate/disconnect_from_hub': ({ device_id }) => [{ device_id }],
  '/devices/simulate/remove': ({ device_id }) => [{ device_id }],
  '/devices/simulate/paid_subscription': ({ device_id }) => [{ device_id, is_expired: true }],
  '/connected_accounts/simulate/disconnect': ({ device_id }) => [{ connected_account_id: device_id }],
  '/locks/simulate/keypad_code_entry': ({ device_id }) => [{ device_id, code: '4821' }],
  '/locks/simulate/manual_lock_via_keypad': ({ device_id }) => [{ device_id }],
  '/access_codes/simulate/create_unmanaged_access_code': ({ device_id }) => [{ device_id, name: 'Ben', code: '4821' }],
  '/noise_sensors/simulate/trigger_noise_threshold': ({ sensor_id }) => [{ device_id: sensor_id }],
  // Their ids are made of what anybody may know, and are no secret: what is behind them is the key's own.
  '/connected_accounts/get': ({ device_id }) => [{ connected_account_id: device_id }],
  '/connected_accounts/list': ({ name, space_id }) => [{}, { search: name }, { space_id }],
  '/devices/list_device_providers': () => [{}],
  '/strikeplate/api_keys/create': ({ device_id }) => [{ name: 'x', device_ids: [device_id] }],
  '/strikeplate/api_keys/get': () => [{ api_key_id: 'key_1' }],
  '/strikeplate/api_keys/list': () => [{}],
  '/strikeplate/api_keys/update': () => [{ api_key_id: 'key_1', device_ids: null }],
  '/strikeplate/api_keys/rotate': () => [{ api_key_id: 'key_1' }],
  '/strikeplate/api_keys/revoke': () => [{ api_key_id: 'key_1' }],
  '/strikeplate/audit/list': () => [{}],
  '/strikeplate/personal_data/forget': () => [{ name: 'Somebody' }],
  '/strikeplate/configuration/get': () => [{}],
  '/strikeplate/configuration/reload': () => [{}],
  '/strikeplate/configuration/devices/list': () => [{}],
  '/strikeplate/configuration/devices/add': () => [{ device: { id: 'mine' } }],
  '/strikeplate/configuration/devices/change': () => [{ id: 'front', changes: { name: 'Mine' } }],
  '/strikeplate/configuration/devices/remove': () => [{ id: 'front' }],
  '/strikeplate/onboarding/start': ({ device_id }) => [{ kind: 'device_pairing', device_id }],
  '/strikeplate/onboarding/answer': () => [{ onboarding_id: 'onboarding_1', answers: { pin: '12345' } }],
  '/strikeplate/onboarding/cancel': () => [{ onboarding_id: 'onboarding_1' }],
  '/strikeplate/onboarding/get': () => [{ onboarding_id: 'onboarding_1' }],
  '/strikeplate/onboarding/list': () => [{}],
  '/strikeplate/gateway/get': () => [{}],
  '/strikeplate/attempts/list': ({ device_id, action_attempt_id }) => [
    {},
    { limit: 1 },
    { device_id },
    { before: action_attempt_id },
    { actor: 'reception' },
  ],
  '/strikeplate/access_codes/list': () => [{}],
};

/** What belongs to nobody: as long as the real ones, and never there. */
const nobodys: Belongings = {
  device_id: 'flat-9',
  sensor_id: 'noise-9',
  name: 'Door flat-9',
  access_code_id: '00000000-0000-7000-8000-999999999991',
  digits: '940213',
  common_code_key: 'stay of nobody',
  unmanaged_id: '00000000-0000-7000-8000-999999999992',
  removed_id: '00000000-0000-7000-8000-999999999993',
  noise_threshold_id: '00000000-0000-7000-8000-999999999994',
  removed_threshold_id: '00000000-0000-7000-8000-999999999995',
  action_attempt_id: '00000000-0000-7000-8000-999999999996',
  event_id: '00000000-0000-7000-8000-999999999997',
  webhook_id: '00000000-0000-7000-8000-999999999998',
  cursor: '',
  user_identity_id: '00000000-0000-7000-8000-999999999981',
  user_identity_key: 'guest of nobody',
  space_id: '00000000-0000-7000-8000-999999999982',
  space_key: 'space of nobody',
  access_grant_id: '00000000-0000-7000-8000-999999999983',
  access_grant_key: 'grant of nobody',
  access_method_id: '00000000-0000-7000-8000-999999999984',
};

/** The clock goes on between one request and the next. */
const timeless = (text: string): string => text.replace(/"(time|now)":"[^"]+"/, '');

const clock = new SimulatedClock();
const routes = gatewayRoutes(clock, fakeOwnServices());
let world: Awaited<ReturnType<typeof twoFlats>>;
afterEach(() => world.close());

describe.each(['its devices', 'its space'] as const)('a key for one flat, by %s', (by) => {
  beforeEach(async () => {
    world = await twoFlats(clock, by);
  });

  test('has a row here for every route there is', () => {
    expect(Object.keys(rows).sort()).toEqual(routes.map(({ path }) => path).sort());
  });

  test.each(Object.keys(rows))('%s answers for the neighbours as for nobody', async (path) => {
    const route = routes.find((candidate) => candidate.path === path);
    if (route === undefined) throw new Error(`there is no route ${path}`);
    const theirs = rows[path]?.(world.theirs) ?? [];
    const none = rows[path]?.(nobodys) ?? [];
    for (const [index, params] of theirs.entries()) {
      const method = methodsOf[route.kind].at(-1) ?? 'POST';
      const shown = await world.ask(route, method, params, flatKey);
      expect(world.tracesIn(shown.text), `${path} ${JSON.stringify(params)}`).toEqual([]);
      const twin = await world.ask(route, method, none[index] ?? {}, flatKey);
      // What a request makes for the flat itself has an id of its own each time.
      if (path === '/webhooks/create') continue;
      expect([path, shown.status, timeless(shown.text)]).toEqual([path, twin.status, timeless(twin.text)]);
    }
    expect(await world.stateOfTheirs()).toEqual(world.before);
  });

  test('is answered the same under an Idempotency-Key, also a second time', async () => {
    for (const [path, paramsOf] of Object.entries(rows)) {
      const route = routes.find((candidate) => candidate.path === path);
      if (route === undefined || route.kind === 'read' || path === '/webhooks/create') continue;
      for (const [index, params] of paramsOf(world.theirs).entries()) {
        const twin = paramsOf(nobodys)[index] ?? {};
        for (const time of [1, 2]) {
          const one = await world.ask(route, 'POST', params, flatKey, `theirs ${path} ${index}`);
          const other = await world.ask(route, 'POST', twin, flatKey, `nobodys ${path} ${index}`);
          expect([path, time, one.status, one.text]).toEqual([path, time, other.status, other.text]);
        }
      }
    }
  });

  test('hears of its own door alone, and of nothing that it missed elsewhere', async () => {
    const heard = await world.listen(flatKey, { 'last-event-id': world.theirs.event_id });
    await world.post('/locks/unlock_door', { device_id: 'flat-2' });
    await world.post('/locks/unlock_door', { device_id: 'flat-1' });
    const text = await heard();
    expect(text).toContain('"device_id":"flat-1"');
    expect(world.tracesIn(text)).toEqual([]);
  });

  test('has webhooks of its own, which are sent its own door’s events alone', async () => {
    const made = await world.post('/webhooks/create', { url: 'https://mine.example/hook' }, flatKey);
    expect(made.status).toBe(200);
    world.sent.length = 0;
    await world.post('/locks/unlock_door', { device_id: 'flat-2' });
    await world.post('/locks/unlock_door', { device_id: 'flat-1' });
    await clock.advance(1_000);
    const mine = world.sent.filter(({ url }) => url.startsWith('https://mine.example'));
    expect(mine.length).toBeGreaterThan(0);
    for (const { body } of mine) expect([JSON.parse(body).device_id, world.tracesIn(body)]).toEqual(['flat-1', []]);
    const whole = world.sent.filter(({ url }) => url.startsWith('https://all.example'));
    expect(new Set(whole.map(({ body }) => JSON.parse(body).device_id))).toEqual(new Set(['flat-1', 'flat-2']));

    world.keys.delete(flatKey);
    world.sent.length = 0;
    await world.post('/locks/lock_door', { device_id: 'flat-1' });
    await clock.advance(1_000);
    expect(world.sent.filter(({ url }) => url.startsWith('https://mine.example'))).toEqual([]);
  });

  test('is told no counts of the whole building, and cannot speak for its clock', async () => {
    for (const [method, url] of [
      ['GET', metricsPath],
      ['POST', '/clock/confirm'],
      ['POST', '/strikeplate/api_keys/list'],
      ['GET', '/strikeplate/audit/list'],
      ['POST', '/strikeplate/configuration/get'],
      ['POST', '/strikeplate/configuration/reload'],
      ['GET', '/strikeplate/configuration/devices/list'],
      ['POST', '/strikeplate/configuration/devices/add'],
      ['POST', '/strikeplate/configuration/devices/change'],
      ['POST', '/strikeplate/configuration/devices/remove'],
      ['POST', '/strikeplate/personal_data/forget'],
      ['POST', '/strikeplate/onboarding/list'],
      ['POST', '/workspaces/reset_sandbox'],
      ['POST', '/connected_accounts/simulate/disconnect'],
      ['POST', '/devices/simulate/disconnect_from_hub'],
    ] as const) {
      const { status, text } = await world.send(method, url, undefined, flatKey);
      expect([url, status]).toEqual([url, 403]);
      expect(world.tracesIn(text)).toEqual([]);
    }
  });

  test('pages through what is its own, and its cursors tell nothing of the rest', async () => {
    for (let time = 0; time < 3; time++) {
      await world.post('/locks/unlock_door', { device_id: 'flat-2' });
      await world.post('/locks/lock_door', { device_id: 'flat-1' }, flatKey);
    }
    const seen: string[] = [];
    for (let cursor: string | undefined, page = 0; page < 10; page++) {
      const asked = { limit: 1, ...(cursor !== undefined && { page_cursor: cursor }) };
      const { text } = await world.post('/action_attempts/list', asked, flatKey);
      expect(world.tracesIn(text)).toEqual([]);
      const { action_attempts, pagination } = JSON.parse(text);
      for (const { action_attempt_id } of action_attempts) seen.push(action_attempt_id);
      if (!pagination.has_next_page) break;
      cursor = pagination.next_page_cursor;
      expect(Buffer.from(cursor ?? '', 'base64url').toString()).not.toMatch(/"\d+"/);
    }
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('does everything at its own door', async () => {
    for (const url of ['/locks/unlock_door', '/locks/lock_door', '/devices/take_out_of_service'])
      expect([url, (await world.post(url, { device_id: 'flat-1' }, flatKey)).status]).toEqual([url, 200]);
    await world.post('/devices/put_into_service', { device_id: 'flat-1' }, flatKey);
    const { text } = await world.post('/access_codes/create', { device_id: 'flat-1', code: '5566' }, flatKey);
    expect(JSON.parse(text).access_code).toMatchObject({ code: '5566', device_id: 'flat-1' });
    const list = await world.post('/devices/list', {}, flatKey);
    expect(JSON.parse(list.text).devices.map(({ device_id }: { device_id: string }) => device_id)).toEqual([
      'flat-1',
      'noise-1',
    ]);
    expect(JSON.parse((await world.post('/action_attempts/list', {}, flatKey)).text).action_attempts).toHaveLength(3);
  });

  test('is not told who else commands a door that both may open, nor from where', async () => {
    const { text } = await world.post('/locks/unlock_door', { device_id: 'flat-1' });
    const { action_attempt_id } = JSON.parse(text).action_attempt;
    const history = await world.send('GET', `/action_attempts/${action_attempt_id}/history`, undefined, flatKey);
    expect(JSON.parse(history.text).action_attempt_history.actor).toEqual({ kind: 'api_key', name: 'another key' });
  });

  test('sees no more once it is restricted further', async () => {
    const { text } = await world.post('/locks/unlock_door', { device_id: 'flat-1' }, flatKey, 'once');
    const { action_attempt_id } = JSON.parse(text).action_attempt;
    world.keys.set(flatKey, keyWith(['read', 'control'], 'key_flat', ['noise-1']));
    expect((await world.post('/action_attempts/get', { action_attempt_id }, flatKey)).status).toBe(404);
    expect((await world.post('/locks/unlock_door', { device_id: 'flat-1' }, flatKey, 'once')).status).toBe(404);
  });
});
