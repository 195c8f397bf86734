import { expect, test } from 'vitest';
import { apiKey, httpFixture } from '../../test/kit/gateway/http-fixture.ts';

/* The official client 1.160.0, which npm installs on Node 20, sends a call without parameters as an empty form. */

const form = 'application/x-www-form-urlencoded';

test.each([form, 'text/plain', 'application/octet-stream'])(
  'an empty body of type %s is an empty request',
  async (type) => {
    const { server } = httpFixture();
    for (const url of [
      '/devices/list',
      '/locks/list',
      '/noise_sensors/list',
      '/devices/unmanaged/list',
      '/workspaces/get',
    ]) {
      const answer = await server.inject({
        method: 'POST',
        url,
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': type },
        payload: '',
      });
      expect([url, answer.statusCode, answer.json().ok]).toEqual([url, 200, true]);
    }
  },
);

test('a body in another form than JSON is refused, and not read as nothing', async () => {
  const { server } = httpFixture();
  const answer = await server.inject({
    method: 'POST',
    url: '/devices/list',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': form },
    payload: 'limit=1',
  });
  expect([answer.statusCode, answer.json().error]).toMatchObject([
    400,
    { type: 'invalid_input', message: expect.stringContaining('JSON') },
  ]);
});
