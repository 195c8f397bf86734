import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { connectMqttPeer, type MqttPeer } from '../../src/simulation/zigbee2mqtt.ts';
import { BrokenBox } from '../kit/command-line/broken-box.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';
import { peerProgram } from './kit/peer-program.ts';

const passwd = peerProgram('mosquitto_passwd', 'mosquitto');
const pub = peerProgram('mosquitto_pub', 'mosquitto-clients');

interface Site {
  readonly box: BrokenBox;
  readonly broker: Mosquitto;
  readonly access: string;
  readonly passwords: string;
  /** What the broker says of itself; written again by `restart`. */
  readonly lines: string[];
}

/** As zigbee2mqtt tells of itself, with one lock, and as it takes a change of a device's options. */
async function bridge(url: string, options: Record<string, unknown>): Promise<MqttPeer> {
  const peer = await connectMqttPeer(url, { credentials: { username: 'bridge', password: 'bridge secret' } });
  const tell = () => {
    peer.publish('zigbee2mqtt/bridge/state', '{"state":"online"}', { retain: true });
    const devices = [{ friendly_name: 'front', ieee_address: '0x00158d0001020304', type: 'EndDevice' }];
    peer.publish('zigbee2mqtt/bridge/devices', JSON.stringify(devices), { retain: true });
    const config = { devices: { '0x00158d0001020304': { friendly_name: 'front', ...options } } };
    peer.publish('zigbee2mqtt/bridge/info', JSON.stringify({ version: '2.14.1', config }), { retain: true });
  };
  peer.subscribe('zigbee2mqtt/bridge/request/device/options', ({ payload }) => {
    const request = JSON.parse(payload.toString()) as { id: string; options: Record<string, unknown> };
    if (request.id === 'front') Object.assign(options, request.options);
    tell();
  });
  tell();
  return peer;
}

describe.skipIf(mosquittoProgram === undefined || passwd === undefined || pub === undefined)(
  'doctor at a real mosquitto with passwords and an access list',
  () => {
    const closing: (() => unknown)[] = [];
    afterEach(async () => {
      for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
    });

    async function site(options: Record<string, unknown> = {}, more: readonly string[] = []): Promise<Site> {
      const box = new BrokenBox();
      closing.push(() => box.dispose());
      rmSync(join(box.folder, 'bin/mosquitto_passwd'));
      const passwords = join(box.folder, 'passwords');
      const access = join(box.folder, 'access');
      for (const user of ['gw', 'bridge'])
        execFileSync(passwd ?? '', [...(user === 'gw' ? ['-c'] : []), '-b', passwords, user, `${user} secret`]);
      writeFileSync(
        access,
        'user bridge\ntopic readwrite #\n\nuser gw\ntopic readwrite zigbee2mqtt/#\ntopic write strikeplate/lobby/#\n',
      );
      for (const file of [passwords, access]) chmodSync(file, 0o600);
      const lines = ['allow_anonymous false', `password_file ${passwords}`, `acl_file ${access}`, ...more];
      const broker = await Mosquitto.start({ lines });
      closing.push(() => broker.close());
      const peer = await bridge(broker.url, options);
      closing.push(() => peer.close());
      writeFileSync(join(box.etc, 'mqtt.pw'), 'gw secret\n', { mode: 0o600 });
      await box.install(
        `mqtt: { main: { url: "${broker.url}", username: gw, password_file: mqtt.pw } }\nmonitor: { mqtt: main }`,
        '[{ id: front, name: Front, driver: mqtt/zigbee2mqtt, link: { mqtt: main }, settings: { friendly_name: front } }]',
        { backup: false },
      );
      box.world = {
        ...box.world,
        mosquitto: () => ({
          passwordFile: passwords,
          aclFile: access,
          configFile: join(broker.folder, 'mosquitto.conf'),
        }),
      };
      box.onTyped = (line) => {
        if (line === 'systemctl reload mosquitto') broker.reload();
      };
      return { box, broker, access, passwords, lines };
    }

    const looked = async (box: BrokenBox): Promise<readonly Finding[]> =>
      (await box.findings()).findings.filter(({ check }) => check === 'broker' || check === 'bridge');

    /** What is wrong is named, and is gone once its line was typed. */
    async function mended({ box }: Site, says: RegExp): Promise<Finding> {
      const named = (await looked(box)).find((finding) => says.test(finding.says));
      expect(named, JSON.stringify(await looked(box))).toMatchObject({ verdict: 'bad', run: expect.any(String) });
      await box.type(named?.run ?? '');
      const isWell = async () => (await looked(box)).every(({ verdict }) => verdict === 'ok');
      await expect.poll(isWell).toBe(true);
      expect(await looked(box)).toMatchObject([
        { check: 'broker', verdict: 'ok' },
        { check: 'bridge', verdict: 'ok' },
      ]);
      return named as Finding;
    }

    it('is content where all is well', async () => {
      const { box } = await site();
      expect(await looked(box)).toMatchObject([
        { check: 'broker', verdict: 'ok' },
        { check: 'bridge', verdict: 'ok', says: expect.stringContaining('knows 1 device') },
      ]);
    });

    it('names a password that the broker does not know', async () => {
      const there = await site();
      writeFileSync(join(there.box.etc, 'mqtt.pw'), 'another secret\n', { mode: 0o600 });
      const { run = '', says } = await mended(there, /refuses user gw/);
      expect(says + run).not.toContain('another secret');
    });

    it('names topics that the gateway may not read', async () => {
      const there = await site();
      writeFileSync(
        there.access,
        'user bridge\ntopic readwrite #\n\nuser gw\ntopic write zigbee2mqtt/#\ntopic write strikeplate/lobby/#\n',
      );
      there.broker.reload();
      await mended(there, /gw may not read zigbee2mqtt\/bridge\/state/);
    });

    it('names topics that the gateway may not write', async () => {
      const there = await site();
      writeFileSync(there.access, 'user bridge\ntopic readwrite #\n\nuser gw\ntopic read zigbee2mqtt/#\n');
      there.broker.reload();
      await mended(there, /gw may not write zigbee2mqtt\/front\/get, strikeplate\/lobby\/doctor/);
    });

    it('names an option of the bridge that hurts', async () => {
      const there = await site({ retain: true });
      await mended(there, /the option retain of Zigbee2MQTT is set for front/);
    });

    it('names a limit of packets that keeps the list of devices away', async () => {
      const there = await site({}, ['max_packet_size 20000']);
      const file = join(there.broker.folder, 'mosquitto.conf');
      const [finding] = (await looked(there.box)).filter(({ says }) => says.includes('20000 bytes'));
      expect(finding?.run).toContain("sed -i '/^max_packet_size/d'");
      await there.box.type(finding?.run ?? '');
      expect(readFileSync(file, 'utf8')).not.toContain('max_packet_size');
      expect(there.box.typed).toContain('systemctl restart mosquitto');
    });

    it('names a broker that does not run', async () => {
      const there = await site();
      await there.broker.stop();
      there.box.onTyped = (line) => {
        if (line === 'systemctl restart mosquitto') void there.broker.start();
      };
      const named = (await looked(there.box)).find(({ says }) => /Nothing listens at/.test(says));
      expect(named?.run).toBe('systemctl restart mosquitto');
      await there.box.type(named?.run ?? '');
      const silent = async () => (await looked(there.box)).filter(({ says }) => /Nothing listens at/.test(says));
      await expect.poll(silent).toEqual([]);
    });
  },
);
