import http from 'node:http';
import { describe, expect, test } from 'vitest';
import { frontDoor, gate } from '../../test/kit/gateway/fake-devices.ts';
import { apiKey, httpFixture, keyWith, until } from '../../test/kit/gateway/http-fixture.ts';

/** A server on a port, and clients that read its stream. */
async function site(options: Parameters<typeof httpFixture>[0] = {}) {
  const fixture = httpFixture(options);
  const { gateway, server } = fixture;
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const open = (query = '', headers: Record<string, string> = {}) =>
    new Promise<Client>((resolve, reject) => {
      const request = http.get(
        `${url}/events/stream${query}`,
        { headers: { authorization: `Bearer ${apiKey}`, ...headers }, agent: false },
        (response) => resolve(new Client(request, response)),
      );
      request.on('error', reject);
    });
  const happen = (eventType = 'lock.locked', deviceId = frontDoor.deviceId) => gateway.happen({ eventType, deviceId });
  return { ...fixture, open, happen };
}

class Client {
  readonly response: http.IncomingMessage;
  readonly #request: http.ClientRequest;
  /** The beginning of what came. */
  text = '';
  readonly ids: string[] = [];
  ended = false;
  #line = '';

  constructor(request: http.ClientRequest, response: http.IncomingMessage) {
    this.#request = request;
    this.response = response;
    response.on('data', (chunk: Buffer) => {
      const lines = `${this.#line}${chunk}`.split('\n');
      this.#line = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('id: ')) this.ids.push(line.slice(4));
      if (this.text.length < 10_000) this.text += chunk;
    });
    response.on('close', () => {
      this.ended = true;
    });
    response.on('error', () => {});
    request.on('error', () => {});
  }

  hangUp(): void {
    this.#request.destroy();
  }
}

describe('/events/stream', () => {
  test('tells of nothing that is not on disk yet, and renders anew what the disk refused', async () => {
    const { open, happen, gateway } = await site();
    const answers: ((isKept: boolean) => void)[] = [];
    gateway.kept = () => new Promise((resolve) => void answers.push(resolve));
    const client = await open();
    const metadata = (noted: string) => {
      gateway.deviceList[0] = { ...frontDoor, settings: { ...frontDoor.settings, customMetadata: { noted } } };
    };
    metadata('to be refused');
    happen('lock.unlocked');
    await until(() => answers.length === 1);
    happen('lock.locked');
    expect(client.ids).toEqual([]);
    metadata('kept');
    answers[0]?.(false);
    await until(() => answers.length === 2);
    gateway.kept = () => true;
    answers[1]?.(true);
    await until(() => client.ids.length === 2);
    expect(client.text).toContain('"noted":"kept"');
    expect(client.text).not.toContain('to be refused');
    client.hangUp();
  });

  test('tells of events as they are written down, from the next one on', async () => {
    const { open, happen, clock } = await site();
    happen();
    const client = await open();
    expect(client.response.statusCode).toBe(200);
    expect(client.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'seam-request-id': expect.any(String),
    });
    const event = happen('lock.unlocked');
    await until(() => client.ids.length === 1);
    const [, data = ''] = /^data: (.+)$/m.exec(client.text) ?? [];
    expect(JSON.parse(data)).toMatchObject({
      event_id: event.eventId,
      event_type: 'lock.unlocked',
      device_id: frontDoor.deviceId,
      occurred_at: new Date(clock.wallTime()).toISOString(),
    });
    expect(client.text).toMatch(/^retry: \d+\n\n/);
    client.hangUp();
  });

  test('resumes after the last one that was seen, without a gap and without repeating', async () => {
    const { open, happen } = await site();
    const seen = Array.from({ length: 170 }, () => happen());
    const [, second] = seen;
    const client = await open('', { 'last-event-id': second?.eventId ?? '' });
    await until(() => client.ids.length === 168);
    const next = happen();
    await until(() => client.ids.length === 169);
    expect(client.ids).toEqual([...seen.slice(2), next].map(({ eventId }) => eventId));
    const other = await open(`?last_event_id=${next.eventId}`);
    const last = happen();
    await until(() => other.ids.length === 1);
    expect(other.ids).toEqual([last.eventId]);
    client.hangUp();
    other.hangUp();
  });

  test('says so when what was seen last is not kept any more, and tells all that is', async () => {
    const { open, happen } = await site();
    const kept = [happen(), happen()];
    const client = await open('', { 'last-event-id': '00000000-0000-7000-8000-000000000000' });
    await until(() => client.ids.length === 2);
    expect(client.text).toContain('event: gap\n');
    expect(client.ids).toEqual(kept.map(({ eventId }) => eventId));
    client.hangUp();
  });

  test('is chosen by type and device', async () => {
    const { open, happen } = await site();
    const client = await open(`?event_types=lock.locked&event_types=lock.unlocked&device_id=${gate.deviceId}`);
    happen('lock.locked', frontDoor.deviceId);
    happen('device.tampered', gate.deviceId);
    const wanted = happen('lock.unlocked', gate.deviceId);
    await until(() => client.ids.length > 0);
    expect(client.ids).toEqual([wanted.eventId]);
    client.hangUp();
  });

  test('breathes every 15 seconds, and asks for the key again after an hour', async () => {
    const { open, clock } = await site();
    const client = await open();
    await clock.advance(15_000);
    await until(() => client.text.includes(': \n\n'));
    await clock.advance(3_600_000);
    await until(() => client.ended);
    expect(clock.armedTimers).toBe(0);
  });

  test('hangs up on a client that does not read, having kept nothing for it', async () => {
    const { open, happen, clock, gateway } = await site();
    const reader = await open();
    const idle = await open();
    idle.response.pause();
    const long = 'x'.repeat(64 * 1024);
    let told = 0;
    // As much as the sockets of both ends take, and then some.
    for (; told < 300; told++) {
      gateway.happen({ eventType: 'lock.locked', deviceId: frontDoor.deviceId, details: { long } });
      await until(() => reader.ids.length === told + 1);
    }
    // Its stream waits: it reads nothing from the log, and breathes no more.
    let read = 0;
    const after = gateway.events.after.bind(gateway.events);
    gateway.events.after = (seq, limit) => {
      read += 1;
      return after(seq, limit);
    };
    await clock.advance(29_999);
    happen();
    await until(() => reader.ids.length === told + 1);
    // The reader's event, and that there is no other.
    expect(read).toBe(2);
    expect(idle.ended).toBe(false);
    await clock.advance(1);
    idle.response.resume();
    await until(() => idle.ended);
    expect(idle.ids.length).toBeLessThan(told);
    reader.hangUp();
  });

  test.each([[false], [true]])(
    'tells a key that was revoked nothing more (looked up again: %s)',
    async (looksKeysUp) => {
      const { open, happen, keys, clock } = await site({ looksKeysUp });
      const [busy, idle] = [await open('?event_types=lock.locked'), await open('?event_types=lock.unlocked')];
      happen();
      await until(() => busy.ids.length === 1);
      keys.clear();
      happen();
      await until(() => busy.ended && idle.ended);
      expect(busy.ids).toHaveLength(1);
      keys.set(apiKey, keyWith(['read']));
      const silent = await open();
      keys.clear();
      await clock.advance(15_000);
      await until(() => silent.ended);
      expect(clock.armedTimers).toBe(0);
    },
  );

  test('ends when the gateway stops', async () => {
    const { open, server } = await site();
    const client = await open();
    await server.close();
    await until(() => client.ended);
    expect(client.text).toMatch(/^retry/);
  });

  test('is for keys that may read, for GET, and for so many clients', async () => {
    const { call, open } = await site({ keys: { [apiKey]: keyWith(['control']) } });
    expect((await call('GET', '/events/stream')).body.error.type).toBe('insufficient_scope');
    expect((await call('POST', '/events/stream', {})).body.error.type).toBe('method_not_allowed');
    expect((await call('GET', '/events/stream', undefined, { authorization: '' })).status).toBe(401);
    const full = await site();
    const clients = await Promise.all(Array.from({ length: 64 }, () => full.open()));
    expect((await full.call('GET', '/events/stream')).body.error.type).toBe('rate_limit_exceeded');
    clients[0]?.hangUp();
    await until(() => clients[0]?.ended === true);
    let again = await full.open();
    while (again.response.statusCode !== 200) again = await full.open();
    for (const client of [...clients, again]) client.hangUp();
    expect((await open().catch(() => undefined))?.response.statusCode).toBe(403);
  });

  test('refuses types that do not exist', async () => {
    const { call } = await site();
    expect((await call('GET', '/events/stream?event_type=lock.bent')).body.error.type).toBe('invalid_event_types');
  });
});
