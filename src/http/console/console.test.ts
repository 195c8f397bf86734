import { describe, expect, it } from 'vitest';
import { frontDoor, hall } from '../../../test/kit/gateway/fake-devices.ts';
import { apiKey, httpFixture, keyWith } from '../../../test/kit/gateway/http-fixture.ts';

const console_ = { 'x-strikeplate-console': '1' };

async function signedIn(options: Parameters<typeof httpFixture>[0] = {}) {
  const fixture = httpFixture(options);
  const opened = await fixture.call('POST', '/strikeplate/session/create', {}, console_);
  const setCookie = String(opened.headers['set-cookie']);
  const cookie = setCookie.split(';', 1)[0] ?? '';
  /** As the page does: with the cookie and the header that no other site can send. */
  const browse = (method: string, url: string, headers: Record<string, string> = {}) =>
    fixture.server.inject({ method: method as 'GET', url, headers: { cookie, ...console_, ...headers } });
  return { ...fixture, opened, setCookie, cookie, browse };
}

describe('a session of the console', () => {
  it('keeps its number in a cookie that no script reads and no other site sends', async () => {
    const { opened, setCookie } = await signedIn();
    expect(opened.body.session).toMatchObject({ name: 'test key_1', gateway: { name: expect.any(String) } });
    expect(JSON.stringify(opened.body)).not.toContain(apiKey);
    expect(setCookie).toMatch(/^strikeplate_session=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
  });

  it('can do what its key can, by the public routes', async () => {
    const { browse } = await signedIn();
    expect((await browse('GET', '/devices/list')).statusCode).toBe(200);
    expect((await browse('GET', '/strikeplate/session')).json().session.api_key_id).toBe('key_1');
  });

  it('is nothing without the header, from another site, or under a foreign origin', async () => {
    const { browse, cookie, server } = await signedIn();
    const bare = await server.inject({ method: 'POST', url: '/devices/list', headers: { cookie }, payload: {} });
    expect(bare.statusCode).toBe(401);
    expect((await browse('POST', '/devices/list', { 'sec-fetch-site': 'cross-site' })).statusCode).toBe(401);
    expect((await browse('POST', '/devices/list', { 'sec-fetch-site': 'same-site' })).statusCode).toBe(401);
    expect((await browse('POST', '/devices/list', { origin: 'https://evil.example' })).statusCode).toBe(401);
    expect((await browse('POST', '/devices/list', { origin: 'null' })).statusCode).toBe(401);
    expect((await browse('POST', '/devices/list', { 'sec-fetch-site': 'same-origin' })).statusCode).toBe(200);
  });

  it('is not made by a page that has no key, and not by a guessed number', async () => {
    const { server } = await signedIn();
    const anonymous = await server.inject({ method: 'POST', url: '/strikeplate/session/create', headers: console_ });
    expect(anonymous.statusCode).toBe(401);
    for (const cookie of [
      `strikeplate_session=${'A'.repeat(43)}`,
      'strikeplate_session=',
      'strikeplate_session=__proto__',
    ])
      expect(
        (await server.inject({ method: 'GET', url: '/devices/list', headers: { cookie, ...console_ } })).statusCode,
      ).toBe(401);
  });

  it('slows down who guesses keys at the sign-in as anywhere else', async () => {
    const { server } = httpFixture();
    const guess = (n: number) =>
      server.inject({
        method: 'POST',
        url: '/strikeplate/session/create',
        headers: { authorization: `Bearer seam_gw1_${n}`, ...console_ },
      });
    const statuses: number[] = [];
    for (let n = 0; n < 200; n += 1) statuses.push((await guess(n)).statusCode);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
  });

  it('ends when nobody used it for two hours, after twelve hours, when it is left, and cannot be replayed', async () => {
    const { browse, clock } = await signedIn();
    for (let hour = 0; hour < 11; hour += 1) {
      await clock.advance(3_600_000);
      expect((await browse('GET', '/devices/list')).statusCode).toBe(200);
    }
    await clock.advance(3_600_000);
    expect((await browse('GET', '/devices/list')).statusCode).toBe(401);

    const idle = await signedIn();
    await idle.clock.advance(2 * 3_600_000);
    expect((await idle.browse('GET', '/devices/list')).statusCode).toBe(401);

    const left = await signedIn();
    const answer = await left.browse('POST', '/strikeplate/session/delete');
    expect(answer.headers['set-cookie']).toMatch(/^strikeplate_session=; Path=\/; Max-Age=0/);
    expect((await left.browse('GET', '/devices/list')).statusCode).toBe(401);
    expect((await left.browse('GET', '/strikeplate/session')).json()).toEqual({ ok: true, session: null });
  });

  it('ends with its key', async () => {
    const { browse, keys } = await signedIn();
    keys.delete(apiKey);
    expect((await browse('GET', '/devices/list')).statusCode).toBe(401);
    expect((await browse('GET', '/strikeplate/session')).json().session).toBeNull();
  });

  it('reaches no further than its key', async () => {
    const { browse } = await signedIn({ keys: { [apiKey]: keyWith(['read'], 'key_1', [frontDoor.deviceId]) } });
    const { devices } = (await browse('GET', '/devices/list')).json();
    expect(devices.map((one: { device_id: string }) => one.device_id)).toEqual([frontDoor.deviceId]);
    const refused = await browse('POST', '/locks/unlock_door');
    expect(refused.statusCode).toBe(403);
    expect((await browse('GET', `/noise_sensors/levels/list?device_id=${hall.deviceId}`)).statusCode).toBe(404);
    expect((await browse('GET', '/strikeplate/session')).json().session).toMatchObject({
      is_restricted: true,
      scopes: ['read'],
    });
  });

  it('is one of at most 200: the one that was used least recently goes', async () => {
    const { call, browse } = await signedIn();
    for (let n = 0; n < 200; n += 1) await call('POST', '/strikeplate/session/create', {}, console_);
    expect((await browse('GET', '/devices/list')).statusCode).toBe(401);
  });
});

describe('the page', () => {
  it('runs nothing that is not its own, stands in no frame, and is looked at anew each time', async () => {
    const { server } = httpFixture();
    const { headers, statusCode } = await server.inject({ method: 'GET', url: '/' });
    expect(statusCode).toBe(200);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers).toMatchObject({
      'cache-control': 'no-cache',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });

  it('gives out the files of its folder and nothing beside', async () => {
    const { server } = httpFixture();
    for (const file of [
      '..%2f..%2fpackage.json',
      '%2e%2e%2fpackage.json',
      'index.html.br',
      'none.js',
      '__proto__',
      'constructor',
    ])
      expect((await server.inject({ method: 'GET', url: `/console/${file}` })).statusCode, file).toBe(404);
  });

  it('answers to the methods it has', async () => {
    const { call } = httpFixture();
    const { status, headers } = await call('DELETE', '/strikeplate/session');
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET' });
  });
});
