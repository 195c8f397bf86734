import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { gatewayRoutes } from '../../src/http/routes/index.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';
import { keypadHouse } from '../kit/locks/keypad-house.ts';

/*
 * Whatever is answered is on disk: a crash right after an answer undoes nothing of what it showed. Each change is
 * caught on its way to the disk; whoever asks meanwhile, by any route, is answered as before it or not at all.
 */

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** How long a commit takes while a change is looked at. */
const slowMs = 20_000;

type Ids = Readonly<
  Record<'space' | 'grant' | 'method' | 'code' | 'pooled' | 'person' | 'webhook' | 'attempt', string>
>;

/** What each route that reads is asked. */
const reads: Readonly<Record<string, (ids: Ids) => readonly Record<string, unknown>[]>> = {
  '/locks/get': () => [{ device_id: 'front' }],
  '/locks/list': () => [{}],
  '/devices/get': () => [{ device_id: 'front' }],
  '/devices/list': () => [{}],
  '/devices/unmanaged/get': () => [{ device_id: 'front' }],
  '/devices/unmanaged/list': () => [{}],
  '/devices/list_device_providers': () => [{}],
  '/action_attempts/get': ({ attempt }) => [{ action_attempt_id: attempt }],
  '/action_attempts/list': () => [{}],
  '/action_attempts/:action_attempt_id/history': () => [],
  '/access_codes/get': ({ code, pooled }) => [
    { access_code_id: code },
    { access_code_id: pooled },
    { device_id: 'front', code: '111111' },
    { device_id: 'front', code: '222222' },
  ],
  '/access_codes/list': () => [{ device_id: 'front' }, { device_id: 'side' }],
  '/access_codes/get_timeline': ({ code }) => [{ access_code_id: code }],
  '/access_codes/unmanaged/get': ({ code }) => [{ access_code_id: code }],
  '/access_codes/unmanaged/list': () => [{ device_id: 'side' }],
  '/access_grants/get': ({ grant }) => [{ access_grant_id: grant }, { access_grant_key: 'new' }],
  '/access_grants/list': ({ space }) => [{}, { space_id: space }],
  '/access_grants/get_related': ({ grant }) => [{ access_grant_ids: [grant] }],
  '/access_methods/get': ({ method }) => [{ access_method_id: method }],
  '/access_methods/list': ({ grant }) => [{ access_grant_id: grant }],
  '/access_methods/get_related': ({ method }) => [{ access_method_ids: [method] }],
  '/user_identities/get': ({ person }) => [{ user_identity_id: person }, { user_identity_key: 'new' }],
  '/user_identities/list': () => [{}],
  '/user_identities/list_accessible_devices': ({ person }) => [{ user_identity_id: person }],
  '/spaces/get': ({ space }) => [{ space_id: space }, { space_key: 'new' }],
  '/spaces/list': () => [{}],
  '/spaces/get_related': ({ space }) => [{ space_ids: [space] }],
  '/connected_accounts/get': () => [{ connected_account_id: 'none' }],
  '/connected_accounts/list': () => [{}],
  '/noise_sensors/list': () => [{}],
  '/noise_sensors/levels/list': () => [{ device_id: 'front' }],
  '/noise_sensors/noise_thresholds/get': () => [{ noise_threshold_id: 'none' }],
  '/noise_sensors/noise_thresholds/list': () => [{ device_id: 'front' }],
  '/events/get': () => [{ device_id: 'front' }],
  '/events/list': () => [{ since: '2026-01-01T00:00:00Z', limit: 500 }],
  '/webhooks/get': ({ webhook }) => [{ webhook_id: webhook }],
  '/webhooks/list': () => [{}],
  '/workspaces/get': () => [{}],
  '/workspaces/list': () => [{}],
  '/clock/get': () => [{}],
  '/strikeplate/gateway/get': () => [{}],
  '/strikeplate/attempts/list': () => [{}],
  '/strikeplate/access_codes/list': () => [{}],
};

/** Each change of something that people are shown. */
const changes: Readonly<Record<string, (ids: Ids) => readonly [route: string, body: Record<string, unknown>]>> = {
  'a person is made': () => ['/user_identities/create', { user_identity_key: 'new', full_name: 'Ben' }],
  'a person is renamed': ({ person }) => ['/user_identities/update', { user_identity_id: person, full_name: 'Eva' }],
  'a person is given a door': ({ person }) => [
    '/user_identities/grant_access_to_device',
    { user_identity_id: person, device_id: 'back' },
  ],
  'a space is made': () => ['/spaces/create', { space_key: 'new', name: 'Attic', device_ids: ['front'] }],
  'a space is given a door': ({ space }) => ['/spaces/add_devices', { space_id: space, device_ids: ['back'] }],
  'a space loses a door': ({ space }) => ['/spaces/remove_devices', { space_id: space, device_ids: ['side'] }],
  'a grant is made': () => [
    '/access_grants/create',
    {
      access_grant_key: 'new',
      user_identity: { full_name: 'Ben' },
      device_ids: ['front', 'back'],
      requested_access_methods: [{ mode: 'code', code: '222222' }],
    },
  ],
  'a grant is renamed': ({ grant }) => ['/access_grants/update', { access_grant_id: grant, name: 'Long stay' }],
  'a grant is shortened': ({ grant }) => [
    '/access_grants/update',
    { access_grant_id: grant, ends_at: '2026-05-01T11:00:00Z' },
  ],
  'a grant is given another PIN': ({ grant }) => [
    '/access_grants/request_access_methods',
    { access_grant_id: grant, requested_access_methods: [{ mode: 'code', code: '222222' }] },
  ],
  'a PIN of a grant is deleted': ({ method }) => ['/access_methods/delete', { access_method_id: method }],
  'a grant is deleted': ({ grant }) => ['/access_grants/delete', { access_grant_id: grant }],
  'a code is made': () => ['/access_codes/create', { device_id: 'front', code: '222222', name: 'Ben' }],
  'codes are made': () => [
    '/access_codes/create_multiple',
    { device_ids: ['front', 'back'], code: '222222', common_code_key: 'new' },
  ],
  'the digits of a code change': ({ code }) => ['/access_codes/update', { access_code_id: code, code: '222222' }],
  'a code is deleted': ({ code }) => ['/access_codes/delete', { access_code_id: code }],
  'a backup code is pulled': ({ pooled }) => ['/access_codes/pull_backup_access_code', { access_code_id: pooled }],
  'a device is renamed': () => ['/devices/update', { device_id: 'front', name: 'Porch' }],
  'a device is taken out of service': () => ['/devices/take_out_of_service', { device_id: 'front' }],
  'a webhook is deleted': ({ webhook }) => ['/webhooks/delete', { webhook_id: webhook }],
};

async function house() {
  const made = await keypadHouse({ doors: ['front', 'side', 'back'], settings: { backupCodes: 1 } });
  const { clock, core } = made;
  const server = createHttpServer({
    gateway: core,
    keys: { verify: () => keyWith(permissionScopes) },
    holdMs: 0,
    log: pino({ level: 'silent' }),
  });
  servers.push(server);
  const ask = async (url: string, payload: object): Promise<string> => {
    const headers = { authorization: `Bearer ${apiKey}` };
    const { statusCode, body } = await server.inject({ method: 'POST', url, headers, payload });
    return `${statusCode} ${body}`;
  };
  const asked = async (url: string, payload: object) => {
    const answer = await clock.until(ask(url, payload));
    expect(answer).toMatch(/^200 /);
    return JSON.parse(answer.slice(4));
  };
  const { space } = await asked('/spaces/create', { name: 'Flat', device_ids: ['front', 'side'] });
  const { user_identity } = await asked('/user_identities/create', { full_name: 'Ana' });
  const { access_grant } = await asked('/access_grants/create', {
    user_identity_id: user_identity.user_identity_id,
    space_ids: [space.space_id],
    requested_access_methods: [{ mode: 'code' }],
    ends_at: '2026-05-03T10:00:00Z',
  });
  const code = await asked('/access_codes/create', { device_id: 'front', code: '111111' });
  const pooled = await asked('/access_codes/create', { device_id: 'front', use_backup_access_code_pool: true });
  const webhook = await asked('/webhooks/create', { url: 'https://example.com/hook' });
  // All codes are on their locks, the backup ones as well.
  await clock.advance(180_000);
  const ids: Ids = {
    space: space.space_id,
    grant: access_grant.access_grant_id,
    method: access_grant.access_method_ids[0],
    code: code.access_code.access_code_id,
    pooled: pooled.access_code.access_code_id,
    person: user_identity.user_identity_id,
    webhook: webhook.webhook.webhook_id,
    attempt: code.action_attempt.action_attempt_id,
  };
  /** Asks everything there is to ask; what is answered by now stands under what was asked. */
  const readAll = () => {
    const answers = new Map<string, string>();
    for (const [route, bodies] of Object.entries(reads)) {
      for (const body of bodies(ids)) {
        const what = `${route} ${JSON.stringify(body)}`;
        // That time passed is no news.
        void ask(route, body).then((answer) => answers.set(what, answer.replace(/\d{4}-[\d-]+T[\d:.]+Z/g, 'T')));
      }
    }
    return answers;
  };
  const readQuietly = async () => {
    const answers = readAll();
    await clock.advance(1_000);
    return answers;
  };
  return { ...made, ids, ask, readAll, readQuietly };
}

test('every route that reads is asked', () => {
  const { clock } = { clock: { now: () => 0, wallTime: () => 0, setTimer: () => ({ cancel: () => undefined }) } };
  const paths = gatewayRoutes(clock)
    .filter(({ does }) => does === 'read')
    .map(({ path }) => path)
    // Its answer is made up anew each time, and kept nowhere.
    .filter((path) => path !== '/access_codes/generate_code');
  expect(Object.keys(reads).sort()).toEqual(paths.sort());
});

test.each(Object.keys(changes))('while %s, nobody sees it before it is on disk', async (what) => {
  const { clock, commit, ids, ask, readAll, readQuietly, store } = await house();
  const before = await readQuietly();
  const [route, body] = changes[what]?.(ids) ?? ['', {}];

  // The disk refuses it: nobody ever saw it.
  commit.ms = 500;
  store.failNext();
  const refused = ask(route, body);
  await clock.advance(10);
  const until = readAll();
  await clock.advance(5_000);
  expect(await refused).toMatch(/^503 /);
  expect(new Map([...until].sort())).toEqual(new Map([...before].sort()));

  commit.ms = slowMs;
  let answer: string | undefined;
  void ask(route, body).then((told) => {
    answer = told;
  });
  await clock.advance(10);
  const meanwhile = readAll();
  await clock.advance(slowMs / 2);
  expect(answer).toBeUndefined();
  for (const [asked, told] of meanwhile) expect(`${asked}: ${told}`).toBe(`${asked}: ${before.get(asked)}`);
  commit.ms = 0;
  await clock.advance(slowMs);
  expect(answer).toMatch(/^200 /);
  // Whoever had to wait was told in the end.
  expect([...meanwhile.keys()].sort()).toEqual([...before.keys()].sort());
  const after = await readQuietly();
  expect([...after].filter(([asked, told]) => before.get(asked) !== told)).not.toEqual([]);
});

test.each([
  'a person is given a door',
  'a space is made',
  'a grant is made',
  'a grant is deleted',
  'a PIN of a grant is deleted',
  'codes are made',
  'a backup code is pulled',
])('%s: whoever repeats it while it is on its way is not told that it was done when it was refused', async (what) => {
  const { clock, commit, ids, ask, store } = await house();
  const [route, body] = changes[what]?.(ids) ?? ['', {}];
  commit.ms = 500;
  store.failNext();
  const first = ask(route, body);
  await clock.advance(1);
  const again = ask(route, body);
  await clock.advance(5_000);
  expect([await first, await again].map((answer) => answer.slice(0, 4))).toEqual(['503 ', '503 ']);
});
