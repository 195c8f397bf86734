import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/contract/index.ts';
import {
  type MqttTransportOptions,
  type ProtocolVersion,
  type RetainedCommand,
  readCredentials,
} from '../../src/transports/mqtt/index.ts';
import { becomes } from '../kit/broker/link-becomes.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { Authority, type Issued, opensslProgram } from './kit/authority.ts';
import { Commander } from './kit/commander.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';
import { peerProgram } from './kit/peer-program.ts';

const TOPIC = 'zigbee2mqtt/Front Door/set';
const FORBIDDEN = 'zigbee2mqtt/Safe/set';
const passwd = peerProgram('mosquitto_passwd', 'mosquitto');
const possible = mosquittoProgram !== undefined && opensslProgram !== undefined && passwd !== undefined;

describe.skipIf(!possible)('mosquitto with TLS, passwords and an access list', () => {
  let authority: Authority;
  let server: Issued;
  let broker: Mosquitto;
  let files: Mosquitto;
  let gateway: Commander | undefined;

  beforeAll(async () => {
    authority = new Authority();
    server = authority.issue('broker', ['DNS:localhost']);
    files = new Mosquitto(0);
    const passwords = join(files.folder, 'passwords');
    const access = join(files.folder, 'access');
    for (const user of ['gw', 'lock', 'admin'])
      execFileSync(passwd ?? '', [...(user === 'gw' ? ['-c'] : []), '-b', passwords, user, `${user} secret`]);
    writeFileSync(
      access,
      ['gw', `topic readwrite ${TOPIC}`, `topic read ${FORBIDDEN}`, 'lock', `topic read ${TOPIC}`, 'admin', 'topic #']
        .map((line) => (line.startsWith('topic') ? line : `user ${line}`))
        .join('\n'),
    );
    broker = await Mosquitto.start({
      host: 'localhost',
      lines: [
        ...['allow_anonymous false', `password_file ${passwords}`, `acl_file ${access}`],
        ...[`cafile ${authority.caFile}`, `certfile ${server.certFile}`, `keyfile ${server.keyFile}`],
      ],
    });
  });
  afterEach(async () => {
    await gateway?.close();
    gateway = undefined;
  });
  afterAll(async () => {
    await broker?.close();
    await files?.close();
    authority?.close();
  });

  const url = () => `mqtts://localhost:${broker.port}`;
  const right = (): Pick<MqttTransportOptions, 'url' | 'username' | 'password' | 'tls'> => ({
    url: url(),
    username: 'gw',
    password: new Secret('gw secret'),
    tls: { ca: authority.ca },
  });
  const witness = (user: string, filters: string[]) =>
    MqttWitness.connect(url(), filters, {
      ca: authority.ca,
      username: user,
      password: `${user} secret`,
      protocolVersion: 5,
    });

  it.each<ProtocolVersion>([5, 4])('works with credentials from files, MQTT %i', async (protocolVersion) => {
    const passwordFile = join(files.folder, 'gateway-password');
    writeFileSync(passwordFile, 'gw secret\n', { mode: 0o600 });
    const credentials = await readCredentials('main', { passwordFile, caFile: authority.caFile });
    const lock = await witness('lock', [TOPIC]);
    gateway = await new Commander(TOPIC, { url: url(), username: 'gw', ...credentials, protocolVersion }).start();
    expect(gateway.transport.protocolVersion).toBe(protocolVersion);
    expect((await gateway.send(4_000)).outcome).toBe('sent');
    await lock.heardAtLeast(1);
    await lock.close();
  });

  it.each<ProtocolVersion>([5, 4])('says that the password is wrong, MQTT %i', async (protocolVersion) => {
    gateway = new Commander(TOPIC, { ...right(), password: new Secret('hunter2'), protocolVersion });
    gateway.transport.start();
    const state = await becomes(gateway.link, 'down', 'credentials_refused');
    expect(state).toMatchObject({ hint: expect.stringContaining('refuses user gw') });
    expect(gateway.log.text).not.toContain('hunter2');
  });

  it('says what is wrong with a certificate', async () => {
    const stranger = new Authority();
    const cases = [
      { options: { tls: { ca: stranger.ca } }, hint: /cannot be trusted .*mqtt\.main\.ca_file/ },
      { options: { tls: {} }, hint: /cannot be trusted/ },
      { options: { url: url().replace('localhost', '127.0.0.1') }, hint: /made for another name/ },
    ];
    for (const { options, hint } of cases) {
      gateway = new Commander(TOPIC, { ...right(), ...options });
      gateway.transport.start();
      expect(await becomes(gateway.link, 'down', 'tls_failed')).toMatchObject({ hint: expect.stringMatching(hint) });
      await gateway.close();
    }
    stranger.close();
  });

  it('says that TLS meets a port without it, and the other way round', async () => {
    const plain = await Mosquitto.start();
    gateway = new Commander(TOPIC, { ...right(), url: `mqtts://127.0.0.1:${plain.port}` });
    gateway.transport.start();
    expect(await becomes(gateway.link, 'down', 'connection_lost')).toMatchObject({
      hint: expect.stringContaining('write mqtt://'),
    });
    await gateway.close();
    gateway = new Commander(TOPIC, { url: url().replace('mqtts', 'mqtt') });
    gateway.transport.start();
    expect(await becomes(gateway.link, 'down', 'connection_lost')).toMatchObject({
      hint: expect.stringContaining('write mqtts://'),
    });
    await plain.close();
  });

  it('demands a client certificate where it must, and accepts ours', async () => {
    const strict = await Mosquitto.start({
      host: 'localhost',
      lines: [
        ...['require_certificate true', 'use_identity_as_username true', 'allow_anonymous false'],
        ...[`cafile ${authority.caFile}`, `certfile ${server.certFile}`, `keyfile ${server.keyFile}`],
      ],
    });
    const at = `mqtts://localhost:${strict.port}`;
    gateway = new Commander(TOPIC, { url: at, tls: { ca: authority.ca } });
    gateway.transport.start();
    expect(await becomes(gateway.link, 'down', 'tls_failed')).toMatchObject({
      hint: expect.stringContaining('mqtt.main.cert_file'),
    });
    await gateway.close();
    const issued = authority.issue('gateway', []);
    const credentials = await readCredentials('main', { caFile: authority.caFile, ...issued });
    gateway = await new Commander(TOPIC, { url: at, ...credentials }).start();
    await gateway.close();
    await strict.close();
  });

  it('ends a command misconfigured when the access list forbids it, as far as the broker says so', async () => {
    gateway = await new Commander(FORBIDDEN, right()).start();
    expect((await gateway.send(4_000)).outcome).toMatchObject({
      type: 'misconfigured',
      delivery: 'not_sent',
      message: expect.stringContaining('does not let gw publish'),
    });
    await gateway.close();
    // MQTT 3.1.1 has no words for it: the broker acknowledges and throws it away.
    gateway = await new Commander(FORBIDDEN, { ...right(), protocolVersion: 4 }).start();
    expect((await gateway.send(4_000)).outcome).toBe('sent');
  });

  it.each<ProtocolVersion>([5, 4])(
    'reports a retained command that it may not clear, and goes up all the same, MQTT %i',
    async (protocolVersion) => {
      const admin = await witness('admin', []);
      await admin.publish(FORBIDDEN, 'UNLOCK', { retain: true });
      const found: RetainedCommand[] = [];
      const options = { ...right(), protocolVersion, onRetainedCommand: (next: RetainedCommand) => found.push(next) };
      gateway = new Commander(TOPIC, options);
      gateway.link.claimCommandTopic(FORBIDDEN);
      await gateway.start();
      expect(found).toEqual([{ topic: FORBIDDEN, cleared: false }]);
      expect(gateway.log.text).toContain('publish an empty retained message there yourself');
      await admin.publish(FORBIDDEN, '', { retain: true });
      await admin.close();
    },
  );
});
