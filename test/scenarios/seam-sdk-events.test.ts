import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { SeamHttp, SeamHttpApiError } from '@seamapi/http';
import { SeamWebhook } from '@seamapi/webhook';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock/system-clock.ts';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { WebhookClient } from '../../src/transports/webhook/webhook-client.ts';
import { scriptedCore } from '../kit/gateway/core-fixture.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';

type Event = ReturnType<SeamWebhook['verify']>;

/** An application on the LAN: takes webhooks over HTTP, and believes the official verifier alone. */
class Application {
  readonly events: Event[] = [];
  readonly refused: unknown[] = [];
  secret = '';
  status = 204;
  readonly #server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      const headers = request.headers as Record<string, string>;
      const event = new SeamWebhook(this.secret).verify(Buffer.concat(chunks).toString(), headers);
      if (this.status < 300) this.events.push(event);
      response.writeHead(this.status).end();
    } catch (error) {
      this.refused.push(error);
      response.writeHead(401).end();
    }
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let server: HttpServer;
let seam: SeamHttp;
let application: Application;
let url: string;
let site: Awaited<ReturnType<typeof scriptedCore>>;

beforeEach(async () => {
  application = new Application();
  url = await application.listen();
  // The verifier goes by the machine's clock, so this begins where that is.
  const clock = new SimulatedClock(systemClock.wallTime());
  site = await scriptedCore({ clock, webhookSender: new WebhookClient({ privateTargets: ['127.0.0.0/8'] }) });
  server = createHttpServer({
    gateway: site.core,
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 0,
    log: pino({ level: 'silent' }),
  });
  const endpoint = await server.listen({ host: '127.0.0.1', port: 0 });
  seam = new SeamHttp({ apiKey, endpoint });
});

afterEach(async () => {
  await server.close();
  await site.core.stop(0);
  application.close();
});

const turns = async (condition: () => boolean) => {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
};
const failure = async (request: PromiseLike<unknown>) => {
  try {
    await request;
  } catch (error) {
    if (error instanceof SeamHttpApiError) return { status: error.statusCode, code: error.code };
    throw error;
  }
  throw new Error('the request should have failed');
};

describe('the official client', () => {
  test('lists events by time, type, device and id, and gets one', async () => {
    const { lock, clock } = site;
    const since = new Date(clock.wallTime() - 60_000).toISOString();
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 7 });
    lock.report({ kind: 'tamper' });
    await clock.settle();
    const all = await seam.events.list({ since });
    expect(all.map(({ event_type }) => event_type)).toEqual([
      'device.added',
      'device.connected',
      'lock.unlocked',
      'device.tampered',
    ]);
    const between = [since, new Date(clock.wallTime()).toISOString()];
    expect(await seam.events.list({ between, event_type: 'lock.unlocked' })).toMatchObject([
      { method: 'keycode', device_id: 'front', workspace_id: site.core.identity.workspaceId },
    ]);
    expect(await seam.events.list({ since, device_ids: ['back'] })).toEqual([]);
    expect(await seam.events.list({ since, event_types: ['device.tampered'], limit: 5 })).toHaveLength(1);
    const id = all[2]?.event_id ?? '';
    expect(await seam.events.list({ event_ids: [id] })).toEqual([all[2]]);
    expect(await seam.events.get({ event_id: id })).toEqual(all[2]);
    expect(await seam.events.get({ device_id: 'front' })).toMatchObject({ event_type: 'device.tampered' });
    expect(await failure(seam.events.get({ event_id: 'none' }))).toEqual({ status: 404, code: 'event_not_found' });
    const bent = 'lock.bent' as 'lock.locked';
    expect(await failure(seam.events.list({ since, event_types: [bent] }))).toEqual({
      status: 400,
      code: 'invalid_event_types',
    });
  });

  test('makes, shows, changes and deletes webhooks', async () => {
    const webhook = await seam.webhooks.create({ url, event_types: ['lock.locked'] });
    expect(webhook).toEqual({
      webhook_id: expect.any(String),
      url,
      event_types: ['lock.locked'],
      secret: expect.stringMatching(/^whsec_/),
    });
    const { webhook_id } = webhook;
    expect(await seam.webhooks.get({ webhook_id })).toEqual(webhook);
    await seam.webhooks.update({ webhook_id, event_types: ['*'] });
    expect(await seam.webhooks.list()).toEqual([{ ...webhook, event_types: ['*'] }]);
    expect(await seam.webhooks.create({ url })).toMatchObject({ event_types: ['*'] });
    await seam.webhooks.delete({ webhook_id });
    // As the client does by itself when an answer was lost.
    await seam.webhooks.delete({ webhook_id });
    expect(await seam.webhooks.list()).toHaveLength(1);
    expect(await failure(seam.webhooks.get({ webhook_id }))).toEqual({ status: 404, code: 'webhook_not_found' });
    const update = seam.webhooks.update({ webhook_id, event_types: ['*'] });
    expect(await failure(update)).toEqual({ status: 404, code: 'webhook_not_found' });
    for (const [wrong, code] of [
      [{ url: 'http://192.168.1.1/' }, 'invalid_input'],
      [{ url, event_types: ['lock.bent'] }, 'invalid_event_types'],
      [{ url, event_types: [] }, 'invalid_input'],
    ] as const) {
      expect(await failure(seam.webhooks.create(wrong as { url: string }))).toEqual({ status: 400, code });
    }
  });

  test('has its webhooks delivered over HTTP, and verified, also after the application was away', async () => {
    const { lock, clock, core, origin } = site;
    const { secret } = await seam.webhooks.create({ url });
    application.secret = secret ?? '';
    await core.doors.unlock('front', origin());
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'remote' });
    await turns(() => application.events.length === 2);
    expect(application.events).toMatchObject([
      { event_type: 'lock.unlocked', method: 'remote', action_attempt_id: expect.any(String) },
      { event_type: 'action_attempt.unlock_door.succeeded', status: 'success' },
    ]);
    application.status = 503;
    lock.report({ kind: 'tamper' });
    await clock.settle();
    await turns(() => core.webhooks.queued === 1);
    application.status = 200;
    while (core.webhooks.queued > 0) {
      await clock.advance(1_000);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(application.events.at(-1)).toMatchObject({ event_type: 'device.tampered' });
    expect(application.refused).toEqual([]);
    const since = new Date(clock.wallTime() - 600_000).toISOString();
    const listed = await seam.events.list({ since, event_type: 'device.tampered' });
    expect(listed.map(({ event_id }) => event_id)).toEqual([application.events.at(-1)?.event_id]);
  });
});
