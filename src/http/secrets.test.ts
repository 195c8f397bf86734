import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { frontDoor } from '../../test/kit/gateway/fake-devices.ts';
import { apiKey, httpFixture } from '../../test/kit/gateway/http-fixture.ts';

/** Digits that nothing else in a log line could be. */
const pin = '90817263';

test('neither a PIN nor a key reaches the log, at any level, whatever becomes of the request', async () => {
  let written = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  });
  const { gateway, server, call } = httpFixture({ log: pino({ level: 'trace' }, sink) });
  const device_id = frontDoor.deviceId;
  const answers = [
    await call('POST', '/access_codes/create', { device_id, code: pin }),
    await call('GET', `/access_codes/get?device_id=${device_id}&code=${pin}`),
    await call('POST', '/access_codes/create', { device_id, code: pin }),
  ];
  const refused = [
    await call('POST', '/access_codes/create', { device_id, code: `${pin}x` }),
    await call('POST', '/access_codes/create', { device_id, code: Number(pin) }),
    await call('POST', '/access_codes/create', { device_id, [pin]: pin, pin, name: { pin } }),
    await call('POST', '/access_codes/create', `{"device_id":"x","code":"${pin}`),
    await call('POST', '/access_codes/create', { device_id, code: '1234', starts_at: pin, max_time_rounding: pin }),
    await call('GET', `/access_codes/get?device_id=x&code=${pin}`),
    await call('GET', `/access_codes/get?code=${pin}`),
    await call('GET', `/access_codes/get?code=${pin}&code=${pin}`),
    await call('GET', `/access_codes/${pin}?code=${pin}`),
    await call('PUT', `/access_codes/get?code=${pin}`),
    await call('GET', `/access_codes/%zz${pin}`),
    await call('POST', '/access_codes/create', { device_id, code: pin }, { 'content-type': `text/${pin}` }),
    await call('GET', '/devices/list', undefined, { authorization: `Bearer seam_gw1_${pin}` }),
    await call('GET', `/devices/list?page_cursor=${pin}`),
    await call('GET', `/devices/get?device_id=${pin}`),
    await call('POST', '/locks/lock_door', { device_id, sync: pin }, { prefer: `wait=${pin}`, 'idempotency-key': pin }),
  ];
  gateway.beforeAccept = () => {
    throw new TypeError('something of ours broke');
  };
  refused.push(await call('POST', '/access_codes/create', { device_id, code: `${pin}1` }));
  await server.close();
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 409]);
  for (const { status, body } of refused) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(body)).not.toContain(pin);
  }
  expect(written).toContain('something of ours broke');
  expect(written.split('\n').length).toBeGreaterThan(answers.length + refused.length);
  expect(written).not.toContain(pin);
  expect(written).not.toContain(apiKey.slice(9));
});
