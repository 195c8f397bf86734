import { describe, expect, test } from 'vitest';
import { apiKey, httpFixture, keyWith } from '../../test/kit/gateway/http-fixture.ts';

const scraper = 'seam_gw1_metricsmetricsmetricsmetricsmetricsmetri';
const coder = 'seam_gw1_codescodescodescodescodescodescodescodes';
const keys = {
  [apiKey]: keyWith(['read']),
  [scraper]: keyWith(['metrics'], 'key_m'),
  [coder]: keyWith(['control', 'codes'], 'key_c'),
};

describe('GET /metrics', () => {
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

  test('answers text to keys with `metrics` or `read`', async () => {
    const { server } = httpFixture({ keys });
    for (const key of [scraper, apiKey]) {
      const answer = await server.inject({ method: 'GET', url: '/metrics', headers: bearer(key) });
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.body).toBe('strikeplate_ready 1\n');
    }
  });

  test('refuses everybody else, and every other method', async () => {
    const { server, call } = httpFixture({ keys });
    expect((await server.inject({ method: 'GET', url: '/metrics' })).statusCode).toBe(401);
    const refused = await call('GET', '/metrics', undefined, bearer(coder));
    expect(refused).toMatchObject({ status: 403, body: { error: { type: 'insufficient_scope' } } });
    expect(refused.body.error.message).toContain('that needs the scope metrics or read');
    expect((await call('POST', '/metrics', {})).status).toBe(405);
  });

  test('is all that a key with `metrics` alone is shown of devices', async () => {
    const { call } = httpFixture({ keys });
    for (const path of ['/devices/list', '/locks/list', '/action_attempts/list', '/access_codes/list'])
      expect((await call('GET', path, undefined, bearer(scraper))).status, path).toBe(403);
  });
});
