import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';
import { hour, keypadHouse } from '../kit/locks/keypad-house.ts';

/* What Seam has not: weekdays, hours and a number of uses, on two keypads that keep none of them. */

const minute = 60_000;

let house: Awaited<ReturnType<typeof keypadHouse>>;
let server: HttpServer;

beforeEach(async () => {
  house = await keypadHouse();
  await house.clock.advance(10_000);
  server = createHttpServer({
    gateway: house.core,
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 0,
    log: pino({ level: 'silent' }),
  });
});

afterEach(async () => {
  await server.close();
  await house.core.stop(0);
});

describe('hours and uses', () => {
  const morning = {
    time_zone: 'Europe/Zurich',
    windows: [{ weekdays: ['monday', 'friday'], starts_at: '08:00', ends_at: '11:30' }],
  };
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${apiKey}` };
    return (await server.inject({ method: 'POST', url: path, headers, payload: body })).json<Answer>();
  };
  const cleaner = (more: object) =>
    post('/access_grants/create', {
      ...{ user_identity: { full_name: 'Cleo' }, device_ids: ['front', 'side'] },
      ...{ requested_access_methods: [{ mode: 'code' }], ...more },
    });

  test('a grant with hours opens its doors in them alone, says so between them, and takes others', async () => {
    const { clock, keypad } = house;
    // The house begins on a Friday at noon in Zurich.
    const { access_grant } = await cleaner({ strikeplate_schedule: morning, max_uses: 50 });
    expect(access_grant).toMatchObject({ strikeplate_schedule: morning, max_uses: 50, warnings: [] });
    const { access_grant_id = '' } = access_grant ?? {};
    const { access_methods } = await post('/access_methods/list', { access_grant_id });
    const pin = access_methods?.[0]?.code ?? '';
    const opens = () => [keypad('front').opens(pin), keypad('side').opens(pin)];
    await clock.advance(hour);
    expect(opens()).toEqual([false, false]);
    expect(await post('/access_grants/get', { access_grant_id })).toMatchObject({ access_grant: { warnings: [] } });
    const codes = await post('/access_codes/list', { access_grant_id });
    expect(codes.access_codes).toMatchObject(
      Array.from({ length: 2 }, () => ({
        ...{ status: 'unset', strikeplate_schedule: morning, max_uses: 50, strikeplate_use_count: 0 },
        pending_mutations: [{ mutation_code: 'deferring_creation', scheduled_at: '2026-05-04T05:50:00.000Z' }],
      })),
    );
    const toMonday = (time: string) => clock.advance(Date.parse(`2026-05-04T${time}Z`) - clock.wallTime());
    await toMonday('06:01:00');
    expect(opens()).toEqual([true, true]);
    await toMonday('09:32:00');
    expect(opens()).toEqual([false, false]);
    await post('/access_grants/update', { access_grant_id, strikeplate_schedule: null });
    await clock.advance(minute);
    expect(opens()).toEqual([true, true]);
    const { events = [] } = await post('/events/list', { since: '2026-05-01', access_grant_ids: [access_grant_id] });
    expect(events.filter(({ event_type }) => event_type === 'access_grant.access_to_door_lost')).toMatchObject(
      Array.from({ length: 2 }, () => ({ reason: expect.stringMatching(/hours are over for now/) })),
    );
  });

  test('a window that is too short for a lock is a warning of its door', async () => {
    const short = { ...morning, windows: [{ weekdays: ['monday'], starts_at: '08:00', ends_at: '08:05' }] };
    const { access_grant } = await cleaner({ strikeplate_schedule: short });
    const warnings = access_grant?.warnings.filter(({ warning_code }) => /too_short/.test(warning_code));
    expect(warnings).toMatchObject([
      { device_id: 'front', message: expect.stringMatching(/^Door front: The shortest window has 5 minutes/) },
      { device_id: 'side' },
    ]);
  });

  test.each([
    ['an offset for a zone', { ...morning, time_zone: '+02:00' }, /IANA time zone/],
    ['no window', { ...morning, windows: [] }, /one window at least/],
    ['a day that is none', { ...morning, windows: [{ ...morning.windows[0], weekdays: ['mon'] }] }, /weekdays/],
    [
      'a day twice',
      { ...morning, windows: [{ ...morning.windows[0], weekdays: ['monday', 'monday'] }] },
      /each day once/,
    ],
    ['an empty window', { ...morning, windows: [{ ...morning.windows[0], ends_at: '08:00' }] }, /00:00 and 24:00/],
    [
      'an hour that is none',
      { ...morning, windows: [{ ...morning.windows[0], ends_at: '25:00' }] },
      /hours and minutes/,
    ],
    [
      'a beginning at the end of a day',
      { ...morning, windows: [{ ...morning.windows[0], starts_at: '24:00' }] },
      /00:00/,
    ],
    ['a mistyped member', { ...morning, days: [] }, /days/],
  ])('%s is refused, and nothing is done', async (_, strikeplate_schedule, reason) => {
    const before = await post('/access_grants/list', {});
    const { error } = await cleaner({ strikeplate_schedule });
    expect(error).toMatchObject({ type: 'invalid_input' });
    expect(JSON.stringify(error)).toMatch(reason);
    expect((await cleaner({ max_uses: 0 })).error).toMatchObject({ type: 'invalid_input' });
    expect(await post('/access_grants/list', {})).toEqual(before);
  });
});

interface Answer {
  readonly access_grant?: {
    readonly access_grant_id: string;
    readonly warnings: readonly { readonly warning_code: string }[];
  };
  readonly access_codes?: readonly object[];
  readonly access_methods?: readonly { readonly code: string | null }[];
  readonly events?: readonly { readonly event_type: string }[];
  readonly error?: { readonly type: string };
}
