import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { certificate, certificateKey } from '../../../test/kit/certificates.ts';
import { TargetAddresses, WebhookClient } from './webhook-client.ts';

const never = new AbortController().signal;
const loopback = ['127.0.0.0/8', '::1/128'];
const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function receiver(handler: http.RequestListener, tls?: { cert: string; key: string }) {
  const server = tls ? https.createServer(tls, handler) : http.createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const delivery = (url: string) => ({
  url,
  headers: { 'content-type': 'application/json', 'svix-id': 'x' },
  body: '{"a":"ü"}',
});

describe('where webhooks may be sent', () => {
  const internet = new TargetAddresses([]);

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '::ffff:c0a8:101',
    '::127.0.0.1',
    '64:ff9b::a00:1',
    '2001:db8::1',
    '2001::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    'no address',
    '',
  ])('is not %s', (address) => {
    expect(internet.isPublic(address)).toBe(false);
    expect(internet.isAllowedPrivately(address)).toBe(false);
  });

  it.each(['1.1.1.1', '172.32.0.1', '192.169.0.1', '2606:4700:4700::1111', '::ffff:1.1.1.1'])('is %s', (address) => {
    expect(internet.isPublic(address)).toBe(true);
  });

  it('is a network of the site’s own where configuration names it, also behind a mapped address', () => {
    const site = new TargetAddresses(['192.168.1.0/24', 'fd00::/8']);
    for (const address of ['192.168.1.7', '::ffff:192.168.1.7', '::ffff:c0a8:107', 'fd12::1']) {
      expect([address, site.isAllowedPrivately(address)]).toEqual([address, true]);
    }
    for (const address of ['192.168.2.7', '::ffff:192.168.2.7', 'fc00::1', '127.0.0.1']) {
      expect([address, site.isAllowedPrivately(address)]).toEqual([address, false]);
    }
  });
});

describe('a URL', () => {
  it.each([
    ['ftp://example.org/', /https/],
    ['hooks.example', /https/],
    ['https://me:secret@example.org/', /password/],
    ['https://127.0.0.1/', /^url: 127\.0\.0\.1 is not on the internet\. .*private_targets/],
    ['https://127.1/', /^url: 127\.0\.0\.1 is not on/],
    ['https://0x7f000001/', /private_targets/],
    ['https://2130706433/', /private_targets/],
    ['https://[::1]/', /^url: ::1 is not on/],
    ['https://[::ffff:127.0.0.1]/', /private_targets/],
    ['https://inside.example/', /^url: inside\.example leads to 10\.0\.0\.5, which is not on the internet\. /],
    ['https://half-inside.example/', /private_targets/],
    ['http://outside.example/', /encrypted/],
  ])('is refused: %s', async (url, message) => {
    const names: Record<string, string[]> = {
      'inside.example': ['10.0.0.5'],
      'half-inside.example': ['1.1.1.1', '169.254.169.254'],
      'outside.example': ['1.1.1.1'],
    };
    const client = new WebhookClient({ privateTargets: [], lookup: async (name) => names[name] ?? [] });
    await expect(client.check(url)).rejects.toMatchObject({ type: 'invalid_input' });
    await expect(client.check(url)).rejects.toThrow(message);
    await expect(client.send(delivery(url), never)).rejects.toThrow(message);
    // What the message repeats is the host, never what may be secret.
    await expect(client.check(`${url}?token=5829`)).rejects.not.toThrow(/5829/);
  });

  it('is taken though its name cannot be resolved now', async () => {
    const lookup = () => Promise.reject(new Error('no network'));
    await new WebhookClient({ privateTargets: [], lookup }).check('https://later.example/');
  });
});

describe('WebhookClient', () => {
  it('posts what it is given, and tells the status', async () => {
    let seen: unknown;
    const port = await receiver(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method, url, headers } = request;
      seen = {
        method,
        url,
        type: headers['content-type'],
        id: headers['svix-id'],
        body: Buffer.concat(chunks).toString(),
      };
      response.writeHead(202).end('thanks');
    });
    const client = new WebhookClient({ privateTargets: loopback });
    expect(await client.send(delivery(`http://127.0.0.1:${port}/in?x=1`), never)).toBe(202);
    expect(seen).toEqual({ method: 'POST', url: '/in?x=1', type: 'application/json', id: 'x', body: '{"a":"ü"}' });
  });

  it('goes to the very address that was looked at, whatever the name says next', async () => {
    const port = await receiver((request, response) => response.end(request.headers.host));
    const answers = [['127.0.0.1'], ['10.255.255.1']];
    const client = new WebhookClient({
      privateTargets: ['127.0.0.0/8'],
      lookup: async () => answers.shift() ?? ['10.255.255.1'],
    });
    expect(await client.send(delivery(`http://rebinding.example:${port}/`), never)).toBe(200);
    await expect(client.send(delivery(`http://rebinding.example:${port}/`), never)).rejects.toThrow('private_targets');
  });

  it('follows no redirect', async () => {
    let hits = 0;
    const port = await receiver((_request, response) => {
      hits += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    const client = new WebhookClient({ privateTargets: loopback });
    expect(await client.send(delivery(`http://127.0.0.1:${port}/`), never)).toBe(307);
    expect(hits).toBe(1);
  });

  it('reads no endless answer', async () => {
    let written = 0;
    const port = await receiver((_request, response) => {
      const chunk = Buffer.alloc(16_384);
      const more = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
      };
      response.on('drain', more);
      response.on('error', () => {});
      more();
    });
    const client = new WebhookClient({ privateTargets: loopback });
    expect(await client.send(delivery(`http://127.0.0.1:${port}/`), never)).toBe(200);
    expect(written).toBeLessThan(64 * 1_048_576);
  });

  it('stops when it is told to, also while a name is looked up', async () => {
    const port = await receiver(() => {});
    const stop = new AbortController();
    const client = new WebhookClient({ privateTargets: loopback });
    const sent = client.send(delivery(`http://127.0.0.1:${port}/`), stop.signal);
    setImmediate(() => stop.abort(new Error('enough')));
    await expect(sent).rejects.toThrow('enough');
    const deaf = new WebhookClient({ privateTargets: loopback, lookup: () => new Promise(() => {}) });
    await expect(deaf.send(delivery('https://slow.example/'), AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });

  it('tells a connection that fails in words that hold no secret', async () => {
    const port = await receiver(() => {});
    servers.splice(0).forEach((server) => {
      server.close();
    });
    const client = new WebhookClient({ privateTargets: loopback });
    const url = `http://127.0.0.1:${port}/in?token=5829134`;
    const failed = await client.send(delivery(url), never).catch((error: unknown) => String(error));
    expect(failed).toContain('ECONNREFUSED');
    expect(failed).not.toContain('5829134');
  });

  it('speaks TLS to the name, not to the address, and checks who answers', async () => {
    const tls = { cert: certificate, key: certificateKey };
    const port = await receiver((_request, response) => response.end(), tls);
    const lookup = async () => ['127.0.0.1'];
    const client = new WebhookClient({ privateTargets: loopback, lookup, ca: certificate });
    expect(await client.send(delivery(`https://localhost:${port}/`), never)).toBe(200);
    await expect(client.send(delivery(`https://other.example:${port}/`), never)).rejects.toThrow(
      /altnames|certificate/i,
    );
    const strict = new WebhookClient({ privateTargets: loopback, lookup });
    await expect(strict.send(delivery(`https://localhost:${port}/`), never)).rejects.toThrow(/self-signed/i);
  });
});
