import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BrokenBox, passphrase } from '../../../test/kit/command-line/broken-box.ts';
import { deviceIdOf } from '../../config/identity.ts';
import { Secret } from '../../contract/index.ts';
import { PairingFiles } from '../../store/pairing-files.ts';
import type { Check } from './finding.ts';
import { thisBox } from './surroundings.ts';

interface Illness {
  /** Sections and devices of the configuration. */
  readonly sections?: string;
  readonly devices?: string;
  readonly breaks: (box: BrokenBox) => unknown;
  readonly check: Check;
  readonly says: RegExp;
  /** What is typed when the hint asks for something. */
  readonly input?: string;
}

const day = 86_400_000;
const put = (box: BrokenBox, change: (text: string) => string) =>
  writeFileSync(box.configFile, change(readFileSync(box.configFile, 'utf8')));
const fixedBy = (box: BrokenBox, pattern: RegExp, mend: () => void) => {
  box.onTyped = (line) => {
    if (pattern.test(line)) mend();
  };
};
const broken = (box: BrokenBox, world: Partial<BrokenBox['world']>) => {
  box.world = { ...box.world, ...world };
};
const bluetooth = 'ble: { radio: { adapter: hci0 } }';
const cellar = '[{ id: cellar, name: Cellar, driver: ble/nuki, link: { ble: radio, address: "54:D2:72:AB:CD:01" } }]';
const zwave = (path: string) => `zwave: { stick: { path: ${path}, keys_file: zwave.keys, cache_dir: zwave } }`;

const illnesses: Readonly<Record<string, Illness>> = {
  'a clock that nothing keeps right': {
    check: 'clock',
    says: /Nothing keeps the clock right/,
    breaks: (box) => {
      let synchronised = false;
      broken(box, { isClockSynchronised: async () => synchronised });
      fixedBy(box, /^timedatectl set-ntp true$/, () => {
        synchronised = true;
      });
    },
  },
  'a clock in another century': {
    check: 'clock',
    says: /The clock shows 1970/,
    breaks: (box) => {
      let now = () => 0;
      broken(box, { now: () => now() });
      fixedBy(box, /^timedatectl set-ntp true$/, () => {
        now = Date.now;
      });
    },
  },
  'a disk without room': {
    check: 'disk',
    says: /Only 1 MiB are free/,
    breaks: (box) => {
      let freeBytes = 1 << 20;
      broken(box, { disk: () => ({ freeBytes, syncMs: 2 }) });
      fixedBy(box, /^journalctl --vacuum-size/, () => {
        freeBytes = 1 << 30;
      });
    },
  },
  'a service that may take too little memory': {
    check: 'memory',
    says: /may take 128 MiB/,
    breaks: (box) => {
      let limitBytes = 128 << 20;
      broken(box, { memory: () => ({ limitBytes, availableBytes: 1 << 30 }) });
      fixedBy(box, /^systemctl set-property strikeplate.service MemoryMax=512M$/, () => {
        limitBytes = 512 << 20;
      });
    },
  },
  'no configuration': {
    check: 'configuration',
    says: /there is no such file/,
    breaks: (box) => rmSync(box.configFile),
  },
  'a passphrase that everybody can read': {
    check: 'configuration',
    says: /everybody on this machine can read .*backup.passphrase/,
    breaks: (box) => chmodSync(join(box.etc, 'backup.passphrase'), 0o644),
  },
  'a password that is not there': {
    sections: 'mqtt: { main: { url: "mqtt://127.0.0.1:1", username: gw, password_file: mqtt.pw } }',
    check: 'configuration',
    says: /there is no file .*mqtt.pw/,
    breaks: (box) => rmSync(join(box.etc, 'mqtt.pw')),
    input: 'secret\n',
  },
  'a state directory that is gone': {
    check: 'files',
    says: /state directory .* is missing/,
    breaks: (box) => rmSync(box.state, { recursive: true }),
  },
  'a state directory into which others may write': {
    check: 'files',
    says: /Others may write into/,
    breaks: (box) => chmodSync(box.state, 0o777),
  },
  'a store key that others may read': {
    check: 'files',
    says: /Others may read .*store.key/,
    breaks: (box) => chmodSync(join(box.state, 'store.key'), 0o644),
  },
  'keys that the gateway may not read': {
    check: 'files',
    says: /may not read and write .*api-keys/,
    breaks: (box) => chmodSync(join(box.state, 'api-keys'), 0o000),
  },
  "a database that is another user's": {
    check: 'files',
    says: /strikeplate.db does not belong to/,
    breaks: (box) => chownSync(join(box.state, 'strikeplate.db'), 12_345, 12_345),
  },
  'a database that was lost': {
    check: 'database',
    says: /The database .* is missing/,
    breaks: (box) => rmSync(join(box.state, 'strikeplate.db')),
  },
  'a database that was damaged': {
    check: 'database',
    says: /The database .* is damaged/,
    breaks: (box) => {
      truncateSync(join(box.state, 'strikeplate.db'), 20 << 10);
    },
  },
  'a store key that was lost': {
    check: 'database',
    says: /store's key .* is missing/,
    breaks: (box) => rmSync(join(box.state, 'store.key')),
  },
  'the store key of another gateway': {
    check: 'database',
    says: /is not the key of this database/,
    breaks: (box) => writeFileSync(join(box.state, 'store.key'), randomBytes(32)),
  },
  'no API key at all': {
    check: 'keys',
    says: /There is no API key/,
    breaks: (box) => rmSync(join(box.state, 'api-keys')),
  },
  'no key for commands': {
    check: 'keys',
    says: /Commands on this box have no key/,
    breaks: (box) => rmSync(join(box.state, 'cli.key')),
  },
  'a key for commands that was revoked': {
    check: 'keys',
    says: /was revoked, or is of another gateway/,
    breaks: async (box) => {
      await box.cli('keys', 'create', '--name', 'other');
      await box.cli('keys', 'revoke', 'cli');
    },
  },
  'a key for commands that ended': {
    check: 'keys',
    says: /ended on/,
    breaks: async (box) => {
      await box.cli('keys', 'change', 'cli', '--expires', '1d');
      broken(box, { now: () => Date.now() + 2 * day });
    },
  },
  'a file of keys that was damaged': {
    check: 'keys',
    says: /api-keys/,
    breaks: (box) => writeFileSync(join(box.state, 'api-keys'), '{"version":2,', { mode: 0o600 }),
  },
  'a certificate that ends soon': {
    check: 'certificate',
    says: /ends in \d+ days/,
    breaks: (box) => broken(box, { now: () => Date.UTC(2045, 11, 25) }),
  },
  'a program on the port of the gateway': {
    check: 'port',
    says: /node \(\d+\) has port \d+|has port \d+/,
    breaks: async (box) => {
      const squatter = spawn(process.execPath, [
        '-e',
        'const s = require("net").createServer((c) => c.destroy()).listen(0, "127.0.0.1", () => console.log(s.address().port))',
      ]);
      onTestFinished(() => void squatter.kill('SIGKILL'));
      const port = await firstLine(squatter);
      put(box, (text) => text.replace('port: 18099', `port: ${port}`));
      broken(box, {
        // The unit it runs in is that of whoever runs these tests, and must not be stopped.
        listener: (asked) => {
          const found = thisBox.listener(asked);
          return found && { ...found, unit: undefined };
        },
      });
    },
  },
  'a service on the port of the gateway': {
    check: 'port',
    says: /nginx \(812\) has port 18099/,
    breaks: (box) => {
      let isThere = true;
      broken(box, {
        listener: () => (isThere ? { name: 'nginx (812)', pid: 812, unit: 'nginx.service' } : undefined),
      });
      fixedBy(box, /^systemctl disable --now nginx.service$/, () => {
        isThere = false;
      });
    },
  },
  'an adapter that is switched off': {
    sections: bluetooth,
    check: 'radio',
    says: /hci0 is switched off/,
    breaks: (box) => {
      let powered = false;
      broken(box, { kernelAdapters: async () => [{ index: 0, address: '00:11:22:33:44:55', powered }] });
      fixedBy(box, /^hciconfig hci0 up$/, () => {
        powered = true;
      });
    },
  },
  'a machine whose kernel has no Bluetooth': {
    sections: bluetooth,
    check: 'radio',
    says: /has no Bluetooth/,
    breaks: (box) => {
      let list = async (): Promise<{ index: number; address: string; powered: boolean }[]> => {
        throw new Error('EAFNOSUPPORT');
      };
      broken(box, { kernelAdapters: () => list() });
      fixedBy(box, /^modprobe bluetooth$/, () => {
        list = async () => [{ index: 0, address: '00:11:22:33:44:55', powered: true }];
      });
    },
  },
  'a lock that was never paired': {
    sections: bluetooth,
    devices: cellar,
    check: 'pairing',
    says: /Cellar was never paired/,
    breaks: (box) => {
      broken(box, { kernelAdapters: async () => [{ index: 0, address: '00:11:22:33:44:55', powered: true }] });
      fixedBy(box, /^strikeplate pair cellar$/, () => {
        const files = new PairingFiles({
          folder: join(box.state, 'pairings'),
          keyFile: join(box.state, 'store.key'),
          randomBytes,
        });
        const device = { deviceId: deviceIdOf('lobby', 'cellar'), driver: 'ble/nuki', name: 'Cellar' };
        files.write(device, new Secret('{}'));
      });
    },
  },
  'backups that stopped': {
    check: 'backup',
    says: /one is due more often/,
    breaks: (box) => {
      const file = join(box.state, 'backups.json');
      const [entry] = JSON.parse(readFileSync(file, 'utf8')) as { at: number }[];
      writeFileSync(file, JSON.stringify([{ ...entry, at: Date.now() - 3 * day }]));
    },
  },
  'a stick whose keys were lost': {
    sections: zwave('/dev/null'),
    check: 'configuration',
    says: /there is no file .*zwave.keys/,
    breaks: (box) => rmSync(join(box.state, 'zwave.keys')),
  },
  'a stick without its library': {
    sections: zwave('/dev/null'),
    check: 'versions',
    says: /needs the package zwave-js/,
    breaks: (box) => {
      let version: string | undefined;
      broken(box, { packageVersion: () => version });
      fixedBy(box, /^apt-get install -y strikeplate-zwave$/, () => {
        version = '15.29.0';
      });
    },
  },
  'a port that ModemManager took': {
    sections: 'serial: { bus: { path: /dev/null } }',
    check: 'serial',
    says: /ModemManager has \/dev\/null open/,
    breaks: (box) => {
      let holder: string | undefined = 'ModemManager (411)';
      broken(box, { holderOf: () => holder });
      fixedBy(box, /^systemctl disable --now ModemManager$/, () => {
        holder = undefined;
      });
    },
  },
  'a service that sees no devices': {
    sections: 'serial: { bus: { path: /dev/null } }',
    check: 'serial',
    says: /drop-in serial.conf is missing/,
    breaks: (box) => {
      let privateDevices = true;
      broken(box, { unit: async () => ({ state: 'inactive', privateDevices, groups: [] }) });
      // The folder of units is not this test's to write into.
      box.rewrite = (line) =>
        line
          .replaceAll('/etc/systemd', join(box.folder, 'systemd'))
          .replaceAll('/opt/strikeplate/systemd', join(process.cwd(), 'systemd'));
      fixedBy(box, /^systemctl daemon-reload$/, () => {
        const dropIn = readFileSync(join(box.folder, 'systemd/system/strikeplate.service.d/serial.conf'), 'utf8');
        privateDevices = !dropIn.includes('PrivateDevices=no');
      });
    },
  },
};

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output');
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return text.toString().trim();
}

async function installed({
  sections = '',
  devices = '[]',
  check,
}: Pick<Illness, 'sections' | 'devices'> & { check?: Check }): Promise<BrokenBox> {
  const box = new BrokenBox();
  const backup = check === undefined || check === 'database' || check === 'backup';
  onTestFinished(() => box.dispose());
  if (sections.includes('mqtt.pw')) writeFileSync(join(box.etc, 'mqtt.pw'), 'secret\n', { mode: 0o600 });
  if (sections.includes('zwave.keys')) await box.cli('keys', 'zwave', join(box.state, 'zwave.keys'));
  await box.install(sections, devices, { backup });
  if (devices.includes('ble/nuki')) mkdirSync(join(box.state, 'pairings'), { recursive: true });
  return box;
}

describe('doctor', () => {
  it.each(Object.entries(illnesses))('names %s, and its hint mends it', async (_, illness) => {
    const box = await installed(illness);
    const well = (await box.findings()).findings.filter(({ check }) => check === illness.check);
    await illness.breaks(box);
    const found = (await box.ills()).filter(({ check }) => check === illness.check);
    const named = found.find(({ says }) => illness.says.test(says));
    expect(named, JSON.stringify(found)).toBeDefined();
    expect(
      well.some(({ says, verdict }) => verdict !== 'ok' && illness.says.test(says)) && illness.check !== 'pairing',
    ).toBe(false);
    expect(named?.run, named?.says).toBeDefined();
    await box.type(named?.run ?? '', illness.input);
    // What was typed may start something that takes its time.
    const left = async () =>
      (await box.ills()).filter(
        ({ check, says, verdict }) => check === illness.check && (illness.says.test(says) || verdict === 'bad'),
      );
    await expect.poll(left).toEqual([]);
  });

  it('finds nothing on a box that is well but that no gateway runs there, and shows no secret', async () => {
    const box = await installed({});
    const { findings, code, text } = await box.findings();
    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toMatchObject([
      { check: 'service', verdict: 'bad', run: 'systemctl restart strikeplate' },
    ]);
    expect(code).toBe(1);
    const secrets = [passphrase, readFileSync(join(box.state, 'cli.key'), 'utf8').trim()];
    for (const secret of secrets) expect(text).not.toContain(secret);
  });

  it('goes on with the rest when one look fails', async () => {
    const box = await installed({});
    broken(box, {
      memory: () => {
        throw new Error('no such machine');
      },
    });
    const { findings } = await box.findings();
    expect(findings).toContainEqual({
      check: 'memory',
      verdict: 'bad',
      says: 'This could not be looked at: no such machine',
    });
    expect(findings.map(({ check }) => check)).toContain('database');
  });
});
