import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { certificate, certificateKey } from '../../test/kit/certificates.ts';
import { cliBox, cliBoxWithGateway, wireDevice } from '../../test/kit/command-line/cli-fixture.ts';
import { freePort } from '../../test/kit/free-port.ts';

describe('a gateway that cannot be asked', () => {
  it('is unreachable when nothing listens', async () => {
    const { run, write } = await cliBoxWithGateway();
    const port = await freePort();
    write(port);
    expect(await run('lock', 'front')).toEqual({
      code: 4,
      out: '',
      err: `No gateway answers at http://127.0.0.1:${port} (ECONNREFUSED). Is it running? Try: systemctl status strikeplate`,
    });
  });

  it('is not taken for a gateway when it speaks otherwise', async () => {
    const { run, write } = await cliBoxWithGateway();
    const stranger = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void stranger.close());
    const address = stranger.address();
    write(typeof address === 'object' && address !== null ? address.port : 0);
    expect(await run('devices')).toMatchObject({
      code: 4,
      err: expect.stringMatching(/^What answers at .* is not this gateway's API \(HTTP 200\)\./),
    });
  });

  it('may have accepted a command whose answer was lost', async () => {
    const { run, write } = await cliBoxWithGateway();
    const dying = createHttpServer((request, response) => {
      if (request.method === 'POST') request.socket.destroy();
      else
        response.end(
          JSON.stringify({ devices: [wireDevice], pagination: { has_next_page: false, next_page_cursor: null } }),
        );
    });
    await new Promise<void>((resolve) => dying.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void dying.close());
    const address = dying.address();
    write(typeof address === 'object' && address !== null ? address.port : 0);
    expect(await run('lock', 'front')).toMatchObject({
      code: 4,
      err: expect.stringMatching(
        / broke: .*\. The command may have been accepted all the same: look with "strikeplate/,
      ),
    });
  });

  it('says when it is at fault itself', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.beforeAccept = () => Promise.reject(new Error('a fault'));
    expect(await run('lock', 'front')).toMatchObject({ code: 1, err: expect.stringMatching(/^internal_error: /) });
  });

  it('is trusted by its own certificate on this box, and by an authority from elsewhere', async () => {
    const { run, write, folder, url, key } = await cliBoxWithGateway({ cert: certificate, key: certificateKey });
    const files = { cert: join(folder, 'tls.pem'), key: join(folder, 'tls.key') };
    writeFileSync(files.cert, certificate);
    writeFileSync(files.key, certificateKey);
    write(Number(new URL(url).port), `, host: localhost, tls: { cert_file: tls.pem, key_file: tls.key }`);
    expect(await run('devices')).toMatchObject({ code: 0, err: '' });
    const https = url.replace('http:', 'https:');
    const far = cliBox({ STRIKEPLATE_URL: https, STRIKEPLATE_API_KEY: key });
    expect(await far.run('devices', '--url', https.replace('https:', 'http:'))).toMatchObject({
      code: 4,
      err: expect.stringMatching(/If it serves TLS, its address begins with https:/),
    });
    expect(await far.run('devices')).toMatchObject({ code: 4, err: expect.stringContaining('--ca-file') });
    expect(await far.run('devices', '--ca-file', files.cert)).toMatchObject({ code: 0 });
  });

  it('refuses a key that it does not know, or that is not there', async () => {
    const { run, folder } = await cliBoxWithGateway();
    const file = join(folder, 'wrong.key');
    writeFileSync(file, 'seam_gw1_wrong\n');
    expect(await run('devices', '--key-file', file)).toMatchObject({
      code: 5,
      err: 'This API key is not known here, or was revoked, or has ended.',
    });
    writeFileSync(file, 'two words\n');
    expect(await run('devices', '--key-file', file)).toMatchObject({
      code: 5,
      err: expect.stringContaining('no API key'),
    });
    expect(await run('devices', '--key-file', join(folder, 'none'))).toMatchObject({
      code: 5,
      err: expect.stringContaining('there is no such file'),
    });
    expect(await cliBox().run('devices')).toMatchObject({
      code: 5,
      err: expect.stringContaining('strikeplate keys create --name cli --save'),
    });
  });

  it('takes address and key from the environment of a machine without configuration', async () => {
    const { url, key } = await cliBoxWithGateway();
    const far = cliBox({ STRIKEPLATE_URL: url, STRIKEPLATE_API_KEY: key, STRIKEPLATE_CONFIG: '/nowhere.yaml' });
    expect(await far.run('devices')).toMatchObject({ code: 0 });
  });
});
