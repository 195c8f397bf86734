import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { certificate, certificateKey, strangersKey } from '../../test/kit/certificates.ts';
import { configFolder, good } from '../../test/kit/command-line/config-folder.ts';

const withTls = `${good}http: { host: 192.168.1.2, tls: { cert_file: tls.pem, key_file: tls.key } }\n`;

function folderWith(files: Readonly<Record<string, string>>) {
  const made = configFolder();
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(made.folder, name), content, { mode: name.endsWith('.key') ? 0o600 : 0o644 });
  return made;
}

describe('the files that a configuration names', () => {
  it('may be on the network with a key and a certificate', async () => {
    const { load, folder } = folderWith({ 'tls.pem': certificate, 'tls.key': certificateKey, 'api-keys': '{}' });
    const config = await load(withTls, { now: Date.UTC(2027, 0, 1) });
    expect(config.http.tls).toEqual({ certFile: join(folder, 'tls.pem'), keyFile: join(folder, 'tls.key') });
    expect(config.warnings).toEqual([]);
  });

  it('are told to be renewed before the end of a certificate, and refused after it', async () => {
    const { load, problemsOf } = folderWith({ 'tls.pem': certificate, 'tls.key': certificateKey, 'api-keys': '{}' });
    const config = await load(withTls, { now: Date.UTC(2045, 11, 20) });
    expect(config.warnings).toMatchObject([
      { line: 10, path: 'http.tls.cert_file', message: expect.stringMatching(/ends on Jan {2}1 00:00:00 2046 GMT\.$/) },
    ]);
    expect(await problemsOf(withTls, { now: Date.UTC(2046, 0, 2) })).toEqual([
      'gateway.yaml:10:46 http.tls.cert_file: the certificate in tls.pem ended on Jan  1 00:00:00 2046 GMT.',
    ]);
  });

  it('must belong together', async () => {
    const { problemsOf } = folderWith({ 'tls.pem': certificate, 'tls.key': strangersKey, 'api-keys': '{}' });
    expect(await problemsOf(withTls, { now: Date.UTC(2027, 0, 1) })).toEqual([
      'gateway.yaml:10:65 http.tls.key_file: tls.key is not the key of the certificate in tls.pem.',
    ]);
  });

  it('must be what they are named for, and are never quoted', async () => {
    const { problemsOf } = folderWith({ 'tls.pem': certificateKey, 'tls.key': 'hunter2', 'api-keys': '{}' });
    const problems = await problemsOf(withTls);
    expect(problems).toEqual([
      'gateway.yaml:10:46 http.tls.cert_file: tls.pem holds no certificate; it must be PEM, beginning with -----BEGIN CERTIFICATE-----.',
      'gateway.yaml:10:65 http.tls.key_file: tls.key holds no private key that can be used; it must be PEM, without a passphrase.',
    ]);
  });

  it('should be secret when they hold a secret', async () => {
    const { load, folder } = folderWith({ 'tls.pem': certificate, 'tls.key': certificateKey, 'api-keys': '{}' });
    chmodSync(join(folder, 'tls.key'), 0o644);
    const config = await load(withTls, { now: Date.UTC(2027, 0, 1) });
    expect(config.warnings).toMatchObject([
      {
        path: 'http.tls.key_file',
        message: `everybody on this machine can read ${join(folder, 'tls.key')}; chmod o-r it.`,
      },
    ]);
  });

  it('must exist for a client certificate too', async () => {
    const { problemsOf } = folderWith({ 'ca.pem': certificate });
    const broker = '{ url: "mqtts://broker.lan", ca_file: ca.pem, cert_file: client.pem, key_file: client.key }';
    expect(await problemsOf(good.replace('{ url: "mqtt://127.0.0.1:1883" }', broker))).toEqual([
      'gateway.yaml:3:66 mqtt.main.cert_file: there is no file client.pem.',
      'gateway.yaml:3:88 mqtt.main.key_file: there is no file client.key.',
    ]);
  });
});
