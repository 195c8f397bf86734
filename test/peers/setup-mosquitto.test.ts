import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { withPassword } from '../../src/cli/setup/broker-steps.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { connectMqttPeer } from '../../src/simulation/zigbee2mqtt.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { BuiltCommand, builtCli } from '../kit/command-line/built-command.ts';
import { Authority, opensslProgram } from './kit/authority.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';
import { peerProgram } from './kit/peer-program.ts';

const samples = join(import.meta.dirname, '../../docs/samples');
const passwd = peerProgram('mosquitto_passwd', 'mosquitto');
const script = peerProgram('script', 'bsdutils');
const curl = peerProgram('curl', 'curl');
const possible = mosquittoProgram !== undefined && opensslProgram !== undefined && passwd !== undefined;

beforeAll(() => ensureBuilt());

const folderFor = (what: string) => {
  const folder = mkdtempSync(join(tmpdir(), `strikeplate-${what}-`));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

describe.skipIf(!possible)(
  'strikeplate setup with a real mosquitto that has TLS, passwords and the sample access rules',
  () => {
    it('goes from an empty folder to an unlocked door, and lets no stranger open it', {
      timeout: 120_000,
    }, async () => {
      const authority = new Authority();
      onTestFinished(() => authority.close());
      const server = authority.issue('broker', ['DNS:localhost']);
      const folder = folderFor('setup');
      const enrolled = join(folder, 'mosquitto');
      const place = new Mosquitto(0);
      onTestFinished(() => place.close());
      // Started with nobody in it: what setup writes is taken over by a reload, as the printed lines do.
      const [passwords, rules] = [join(place.folder, 'passwords'), join(place.folder, 'rules')];
      for (const user of ['zigbee2mqtt', 'monitoring', 'stranger'])
        execFileSync(passwd ?? '', [
          ...(user === 'zigbee2mqtt' ? ['-c'] : []),
          '-b',
          passwords,
          user,
          `${user} secret`,
        ]);
      writeFileSync(rules, 'user zigbee2mqtt\ntopic readwrite #\n');
      const broker = await Mosquitto.start({
        host: 'localhost',
        lines: [
          ...['allow_anonymous false', `password_file ${passwords}`, `acl_file ${rules}`],
          ...[`cafile ${authority.caFile}`, `certfile ${server.certFile}`, `keyfile ${server.keyFile}`],
        ],
      });
      onTestFinished(() => broker.close());
      const url = `mqtts://localhost:${broker.port}`;
      const credentials = { username: 'zigbee2mqtt', password: 'zigbee2mqtt secret', ca: authority.ca };
      const peer = await connectMqttPeer(url, { credentials });
      onTestFinished(() => peer.close());
      const bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
      const front = bridge.addLock({ friendlyName: 'Front Door', radioMs: 1, motorMs: 5 });
      bridge.start();

      const port = 18_000 + (process.pid % 1_000);
      writeFileSync(
        join(folder, 'answers.yaml'),
        [
          ...['gateway_name: Lobby', 'names: [localhost, 127.0.0.1]', `port: ${port}`, `broker_url: ${url}`],
          ...[`broker_ca_file: ${authority.caFile}`, 'broker_login: enrol', 'test_door: front-door', ''],
        ].join('\n'),
      );
      const words = ['setup', '--config', 'gateway.yaml', '--answers', 'answers.yaml', '--yes'];
      const first = new BuiltCommand(words, { cwd: folder });
      expect(await first.ended).toBe(1);
      expect(first.err).toMatch(
        /refuses user strikeplate.*\nRun these lines, as root on the broker's machine:\n {2}install /,
      );
      // What the lines do, into this broker's own places.
      const [line] = /^strikeplate:.*\n/m.exec(readFileSync(join(enrolled, 'strikeplate.passwd'), 'utf8')) ?? [''];
      writeFileSync(passwords, readFileSync(passwords, 'utf8') + line);
      writeFileSync(rules, readFileSync(join(enrolled, 'strikeplate.acl')));
      broker.reload();
      const second = new BuiltCommand(words, { cwd: folder });
      expect(await second.ended).toBe(0);
      expect(second.out).toMatch(/gateway\.yaml is written: gateway lobby, devices: 1\./);
      expect(second.out).toMatch(/Front Door is unlocked: the bolt was seen to be/);
      expect(front.bolt).toBe('unlocked');
      expect(readFileSync(join(enrolled, 'strikeplate.acl'), 'utf8')).toBe(
        readFileSync(join(samples, 'mosquitto.acl'), 'utf8'),
      );

      const check = new BuiltCommand(['check-config', '--config', 'gateway.yaml'], { cwd: folder });
      expect([await check.ended, check.err]).toEqual([0, '']);
      const gateway = new BuiltCommand(['run', '--config', 'gateway.yaml'], { cwd: folder });
      await gateway.printed('Strikeplate listens on https://');
      // The gateway's own monitor, as somebody who looks on.
      const monitor = await MqttWitness.connect(url, ['strikeplate/#'], {
        ...{ username: 'monitoring', password: 'monitoring secret', ca: authority.ca },
      });
      onTestFinished(() => monitor.close());
      await monitor.heardAtLeast(1);
      const lock = new BuiltCommand(['lock', 'front-door', '--config', 'gateway.yaml'], { cwd: folder });
      expect(await lock.ended).toBe(0);
      expect(front.bolt).toBe('locked');
      // By the certificate's names, against the authority that setup made, as an application does.
      const key = readFileSync(join(folder, 'state/cli.key'), 'utf8').trim();
      for (const host of ['localhost', '127.0.0.1'])
        expect(
          JSON.parse(
            execFileSync(
              curl ?? 'curl',
              [
                '-sS',
                '--cacert',
                join(folder, 'ca.pem'),
                '-H',
                `Authorization: Bearer ${key}`,
                `https://${host}:${port}/devices/list`,
              ],
              { encoding: 'utf8' },
            ),
          ),
        ).toMatchObject({ ok: true, devices: [{ display_name: 'Front Door' }] });
      const days =
        (Date.parse(new X509Certificate(readFileSync(join(folder, 'tls.pem'))).validTo) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(800);
      expect(days).toBeLessThan(826);

      const serial = () => new X509Certificate(readFileSync(join(folder, 'tls.pem'))).serialNumber;
      const before = serial();
      for (const [more, isOther] of [
        [['--within', '60'], false],
        [[], true],
      ] as const) {
        const renew = new BuiltCommand(['renew-certificate', '--config', 'gateway.yaml', ...more], { cwd: folder });
        expect(await renew.ended).toBe(0);
        expect(serial() !== before).toBe(isOther);
      }

      // Who may look on, and who is a stranger, opens nothing.
      const commands = front.doorCommands.length;
      for (const user of ['monitoring', 'stranger']) {
        const other = await MqttWitness.connect(url, ['#'], {
          ...{ username: user, password: `${user} secret`, ca: authority.ca, protocolVersion: 5 },
        });
        const refused = await other.client
          .publishAsync('zigbee2mqtt/Front Door/set', '{"state":"UNLOCK"}', { qos: 1 })
          .then(
            () => undefined,
            (error: { code?: number }) => error.code,
          );
        expect([user, refused]).toEqual([user, 0x87]);
        await sleep(100);
        expect(other.heard.filter(({ topic }) => topic.startsWith('zigbee2mqtt/'))).toEqual([]);
        await other.close();
      }
      expect(front.doorCommands).toHaveLength(commands);
      expect(front.bolt).toBe('locked');
      gateway.child.kill('SIGTERM');
      expect(await gateway.ended).toBe(0);
    });

    it('writes passwords that mosquitto takes, beside those of others', async () => {
      const file = join(folderFor('passwd'), 'passwd');
      execFileSync(passwd ?? '', ['-c', '-b', file, 'other', 'other secret']);
      writeFileSync(file, withPassword(readFileSync(file, 'utf8'), 'strikeplate', 'päss wörd'));
      const broker = await Mosquitto.start({ lines: ['allow_anonymous false', `password_file ${file}`] });
      onTestFinished(() => broker.close());
      for (const [username, password] of [
        ['other', 'other secret'],
        ['strikeplate', 'päss wörd'],
      ] as const)
        await (await MqttWitness.connect(broker.url, [], { username, password })).close();
      await expect(
        MqttWitness.connect(broker.url, [], { username: 'strikeplate', password: 'wrong' }),
      ).rejects.toThrow();
    });
  },
);

it.skipIf(script === undefined || opensslProgram === undefined)(
  'asks at a terminal, takes Enter for what is usual, and goes on after Ctrl-C',
  async () => {
    const folder = folderFor('tty');
    const run = async (answers: readonly string[]) => {
      const command = `${process.execPath} ${builtCli} setup --config gateway.yaml`;
      const child = spawn(script ?? 'script', ['-qec', command, '/dev/null'], { cwd: folder, stdio: 'pipe' });
      onTestFinished(() => void child.kill('SIGKILL'));
      let shown = '';
      let asked = 0;
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
        // One answer for each prompt, as a person gives them.
        const prompts = shown.split('> ').length - 1;
        for (; asked < prompts; asked++) child.stdin.write(answers[asked] ?? '\r');
      });
      const code = await new Promise((done) => child.once('close', done));
      return { code, shown };
    };
    const cut = await run(['Lobby\r', '\r', 'UTC\r', '\u0003']);
    expect(cut.code).not.toBe(0);
    const { code, shown } = await run(['2\r', '\r', 'none\r']);
    expect(shown).toContain('A set-up was interrupted here');
    expect(shown).not.toContain('The time zone of the building');
    expect(shown).toContain('1) network: applications on the network, over HTTPS');
    expect(code).toBe(0);
    expect(readFileSync(join(folder, 'gateway.yaml'), 'utf8')).toContain(
      'gateway: { id: lobby, name: Lobby, time_zone: UTC }',
    );
  },
);
