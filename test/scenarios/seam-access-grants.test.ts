import { SeamHttp, SeamHttpApiError } from '@seamapi/http';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';
import { day, hour, keypadHouse } from '../kit/locks/keypad-house.ts';

/* Seam's own quick start for access grants, with the official client as published, on two keypads that keep time. */

let house: Awaited<ReturnType<typeof keypadHouse>>;
let server: HttpServer;
let seam: SeamHttp;

beforeEach(async () => {
  house = await keypadHouse({ doors: ['front', 'side', { slug: 'gate', bare: true }] });
  await house.clock.advance(10_000);
  server = createHttpServer({
    gateway: house.core,
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 0,
    log: pino({ level: 'silent' }),
  });
  seam = new SeamHttp({ apiKey, endpoint: await server.listen({ host: '127.0.0.1', port: 0 }) });
});

afterEach(async () => {
  await server.close();
  await house.core.stop(0);
});

const at = (ms: number) => new Date(house.clock.wallTime() + ms).toISOString();

/** What the client threw. */
async function refused(request: PromiseLike<unknown>): Promise<{ code: string; message: string; status: number }> {
  try {
    await request;
  } catch (error) {
    if (error instanceof SeamHttpApiError)
      return { code: error.code, message: error.message, status: error.statusCode };
    throw error;
  }
  throw new Error('the request should have failed');
}

test('Seam’s quick start runs to its end: identity, space, grant for tomorrow, PIN on both doors, and gone again', async () => {
  const { clock, keypad } = house;
  const since = at(0);
  const guest = await seam.userIdentities.create({ full_name: 'Ana Meier', email_address: 'ana@example.com' });
  const space = await seam.spaces.create({ name: 'Flat 7', device_ids: ['front', 'side'] });
  const grant = await seam.accessGrants.create({
    user_identity_id: guest.user_identity_id,
    space_ids: [space.space_id],
    requested_access_methods: [{ mode: 'code' }],
    starts_at: at(day),
    ends_at: at(2 * day),
  });
  expect(grant).toMatchObject({ display_name: 'Ana Meier', space_ids: [space.space_id], warnings: [], errors: [] });
  const [access_method_id = ''] = grant.access_method_ids;
  const method = await seam.accessMethods.get({ access_method_id });
  expect(method).toMatchObject({ is_issued: false, issued_at: null, mode: 'code' });
  const { code } = method;
  if (code == null) throw new Error('the PIN should be shown');
  const opens = () => [keypad('front').opens(code), keypad('side').opens(code)];
  expect(opens()).toEqual([false, false]);

  await clock.advance(day);
  expect(opens()).toEqual([true, true]);
  const issued = await seam.events.list({ since, event_type: 'access_method.issued' });
  expect(issued).toMatchObject([
    { access_method_id, access_grant_ids: [grant.access_grant_id], code, is_backup_code: false },
  ]);
  expect(await seam.accessMethods.get({ access_method_id })).toMatchObject({ is_issued: true });

  const { access_grant_id } = grant;
  await seam.accessGrants.update({ access_grant_id, ends_at: at(2 * day) });
  await clock.advance(day + hour);
  expect(opens()).toEqual([true, true]);

  await seam.accessGrants.delete({ access_grant_id });
  await clock.advance(60_000);
  expect(opens()).toEqual([false, false]);
  expect(await refused(seam.accessGrants.get({ access_grant_id }))).toMatchObject({ code: 'access_grant_not_found' });
  await seam.accessGrants.delete({ access_grant_id });
  const told = await seam.events.list({ since, access_grant_ids: [access_grant_id] });
  expect(told.map(({ event_type }) => event_type)).toEqual([
    'access_grant.created',
    'access_method.created',
    'access_grant.access_granted_to_door',
    'access_grant.access_granted_to_door',
    'access_method.issued',
    'access_grant.access_granted_to_all_doors',
    'access_grant.access_times_changed',
    'access_grant.access_to_door_lost',
    'access_grant.access_to_door_lost',
    'access_method.revoked',
    'access_method.deleted',
    'access_grant.deleted',
  ]);
  await seam.userIdentities.delete({ user_identity_id: guest.user_identity_id });
  await seam.spaces.delete({ space_id: space.space_id });
});

test('a door that fails is explained on the grant with its own reason', async () => {
  const { clock, keypad } = house;
  keypad('side').reachable = false;
  const grant = await seam.accessGrants.create({
    user_identity: { full_name: 'Ben' },
    device_ids: ['front', 'side', 'gate'],
    requested_access_methods: [{ mode: 'code' }],
  });
  await clock.advance(10 * 60_000);
  const { access_grant_id } = grant;
  const { warnings, errors } = await seam.accessGrants.get({ access_grant_id });
  expect(errors).toMatchObject([
    { error_code: 'cannot_create_requested_access_methods', missing_device_ids: ['gate'] },
  ]);
  const under = warnings.filter(({ warning_code }) => warning_code === 'underprovisioned_access');
  expect(under.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^Door side: /),
    expect.stringMatching(/^Door gate takes no access codes/),
  ]);
  expect(warnings).toContainEqual(
    expect.objectContaining({ warning_code: 'device_does_not_support_access_codes', device_id: 'gate' }),
  );
  const [method] = await seam.accessMethods.list({ access_grant_id });
  expect(method).toMatchObject({
    is_issued: false,
    pending_mutations: [{ mutation_code: 'provisioning_access', from: { device_ids: ['front'] } }],
  });
});

describe('bad input is refused with a reason, and nothing is half done', () => {
  const code = [{ mode: 'code' as const }];

  test.each<[string, () => PromiseLike<unknown>, string, RegExp]>([
    [
      'an unknown person',
      () =>
        seam.accessGrants.create({ user_identity_id: 'nobody', device_ids: ['front'], requested_access_methods: code }),
      'user_identity_not_found',
      /no such person/,
    ],
    [
      'an unknown door',
      () =>
        seam.accessGrants.create({
          user_identity: { full_name: 'B' },
          device_ids: ['front', 'cellar'],
          requested_access_methods: code,
        }),
      'device_not_found',
      /no such device/,
    ],
    [
      'an unknown space',
      () => seam.accessGrants.create({ user_identity: {}, space_ids: ['nowhere'], requested_access_methods: code }),
      'space_not_found',
      /no such space/,
    ],
    [
      'a card',
      () =>
        seam.accessGrants.create({
          user_identity: {},
          device_ids: ['front'],
          requested_access_methods: [...code, { mode: 'card' }],
        }),
      'unsupported_action',
      /card is not possible/,
    ],
    [
      'times in reverse',
      () =>
        seam.accessGrants.create({
          user_identity: {},
          device_ids: ['front'],
          requested_access_methods: code,
          starts_at: at(2 * day),
          ends_at: at(day),
        }),
      'invalid_input',
      /after starts_at/,
    ],
    [
      'an end in the past',
      () =>
        seam.accessGrants.create({
          user_identity: {},
          device_ids: ['front'],
          requested_access_methods: code,
          starts_at: at(-2 * day),
          ends_at: at(-day),
        }),
      'invalid_input',
      /in the past/,
    ],
    [
      'a time without its zone',
      () =>
        seam.accessGrants.create({
          user_identity: {},
          device_ids: ['front'],
          requested_access_methods: code,
          starts_at: '2026-06-01T10:00:00',
        }),
      'invalid_input',
      /with its zone/,
    ],
    [
      'no door',
      () => seam.accessGrants.create({ user_identity: {}, requested_access_methods: code }),
      'invalid_input',
      /a grant is for doors/,
    ],
    [
      'doors without keypads',
      () => seam.accessGrants.create({ user_identity: {}, device_ids: ['gate'], requested_access_methods: code }),
      'unsupported_action',
      /takes no access codes/,
    ],
    [
      'digits that no door takes',
      () =>
        seam.accessGrants.create({
          user_identity: {},
          device_ids: ['front', 'side'],
          requested_access_methods: [{ mode: 'code', code: '123456789' }],
        }),
      'invalid_input',
      /4 to 6 digits/,
    ],
    [
      'a mistyped parameter',
      () =>
        seam.accessGrants.create({
          user_identity: {},
          device_ids: ['front'],
          requested_access_methods: code,
          end_at: at(day),
        } as never),
      'invalid_input',
      /end_at/,
    ],
    [
      'an unknown grant',
      () => seam.accessGrants.update({ access_grant_id: 'none', ends_at: at(day) }),
      'access_grant_not_found',
      /no such access grant/,
    ],
    [
      'an unknown method',
      () => seam.accessMethods.delete({ access_method_id: 'none' }),
      'access_method_not_found',
      /no such access method/,
    ],
    [
      'a mail address that is none',
      () => seam.userIdentities.create({ email_address: 'ana' }),
      'invalid_input',
      /mail address/,
    ],
  ])('%s', async (_what, call, expectedCode, message) => {
    const before = house.core.events.highestSeq;
    expect(await refused(call())).toMatchObject({ code: expectedCode, message: expect.stringMatching(message) });
    await house.clock.advance(60_000);
    const { core, store } = house;
    expect(core.events.highestSeq).toBe(before);
    expect([
      store.read.accessGrants(),
      store.read.accessMethods(),
      store.read.userIdentities(),
      core.accessCodes.list(),
    ]).toEqual([[], [], [], []]);
  });

  test('a space and a person that a live grant needs, and keys that are used again', async () => {
    const { user_identity_id } = await seam.userIdentities.create({ full_name: 'Ana', user_identity_key: 'guest' });
    const { space_id } = await seam.spaces.create({ name: 'Flat', space_key: 'flat', device_ids: ['front'] });
    const stay = {
      user_identity_id,
      space_ids: [space_id],
      requested_access_methods: code,
      access_grant_key: 'booking',
      starts_at: at(day),
      ends_at: at(2 * day),
    };
    const { access_grant_id } = await seam.accessGrants.create(stay);
    expect((await seam.accessGrants.create(stay)).access_grant_id).toBe(access_grant_id);
    expect(await refused(seam.accessGrants.create({ ...stay, ends_at: at(3 * day) }))).toMatchObject({
      code: 'duplicate_key',
      status: 409,
    });
    expect(await refused(seam.spaces.delete({ space_id }))).toMatchObject({ code: 'still_in_use', status: 409 });
    expect(await refused(seam.userIdentities.delete({ user_identity_id }))).toMatchObject({ code: 'still_in_use' });
    expect(await refused(seam.spaces.create({ name: 'Other', space_key: 'flat' }))).toMatchObject({
      code: 'duplicate_key',
    });
    expect(await refused(seam.accessGrants.update({ access_grant_id, starts_at: at(3 * day) }))).toMatchObject({
      code: 'invalid_input',
    });
    expect(await seam.accessGrants.get({ access_grant_id })).toMatchObject({ starts_at: stay.starts_at });
    expect(await seam.accessGrants.list({ space_id })).toHaveLength(1);
  });
});
