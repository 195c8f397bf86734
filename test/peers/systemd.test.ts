import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { exitCodes } from '../../src/cli/exit.ts';
import { BootedSystemd } from './kit/booted-systemd.ts';
import { peerProgram } from './kit/peer-program.ts';

const file = (name: string) => fileURLToPath(new URL(`../../systemd/${name}`, import.meta.url));
const analyze = peerProgram('systemd-analyze', 'systemd');

describe.skipIf(analyze === undefined)('the unit', () => {
  const run = (...words: string[]) => execFileSync(analyze ?? '', words, { encoding: 'utf8', stdio: 'pipe' });

  it('is understood by systemd without a word', () => {
    expect(run('verify', file('strikeplate.service'))).toBe('');
  });

  /** The unit as it is with drop-ins beside it. */
  function unitWith(dropIns: readonly string[]): string {
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-units-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const unit = join(folder, 'strikeplate.service');
    const parts = ['strikeplate.service', ...dropIns.map((name) => `${name}.conf`)];
    writeFileSync(unit, parts.map((name) => readFileSync(file(name), 'utf8')).join('\n'));
    return unit;
  }

  it.each<[most: number, dropIns: string[]]>([
    // Brokers and webhooks on the internet are in reach.
    [1.3, []],
    // MQTT alone, on the networks of the site.
    [1.2, ['local-network']],
    [1.3, ['store-key']],
    [1.3, ['configuration']],
    [1.2, ['local-network', 'configuration']],
    [1.4, ['local-network', 'serial']],
    [1.5, ['serial']],
    [1.9, ['bluetooth']],
  ])('exposes no more than %d with %j', (most, dropIns) => {
    const report = run('security', '--offline=true', unitWith(dropIns));
    const level = Number(/Overall exposure level for strikeplate\.service: ([\d.]+)/.exec(report)?.[1]);
    console.log(`systemd-analyze security with ${dropIns.join(', ') || 'no drop-in'}: ${level}`);
    expect(level).toBeLessThanOrEqual(most);
  });

  it.each(readdirSync(file('')).filter((name) => !/^strikeplate[.-]/.test(name)))(
    'is understood with its drop-in %s',
    (name) => {
      const folder = mkdtempSync(join(tmpdir(), 'strikeplate-units-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      mkdirSync(join(folder, 'strikeplate.service.d'));
      copyFileSync(file('strikeplate.service'), join(folder, 'strikeplate.service'));
      copyFileSync(file(name), join(folder, 'strikeplate.service.d', name));
      expect(run('verify', join(folder, 'strikeplate.service'))).toBe('');
    },
  );

  it('has a timer for the certificate, and a unit for the first key, that systemd understands', () => {
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-units-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const names = ['strikeplate-certificate.service', 'strikeplate-certificate.timer', 'strikeplate-first-key.service'];
    const units = names.map((name) => {
      copyFileSync(file(name), join(folder, name));
      return join(folder, name);
    });
    expect(run('verify', ...units)).toBe('');
    expect(run('calendar', '--iterations=2', 'monthly')).toContain('Next elapse');
    const unit = readFileSync(file('strikeplate-certificate.service'), 'utf8');
    expect([...unit.matchAll(/^ReadWritePaths=(.*)$/gm)].map(([, path]) => path)).toEqual(['/etc/strikeplate']);
  });

  it('ends whole, is not tried again with what needs a person, and has a heap within its memory', () => {
    const unit = readFileSync(file('strikeplate.service'), 'utf8');
    const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];
    expect(value('OOMPolicy')).toBe('kill');
    expect(value('Restart')).toBe('always');
    expect(value('RestartPreventExitStatus')).toBe(String(exitCodes.configuration));
    for (const name of ['strikeplate.service', 'many-doors.conf']) {
      const text = readFileSync(file(name), 'utf8');
      const heap = Number(/--max-old-space-size=(\d+)/.exec(text)?.[1]);
      const [, size, unitOfSize] = /^MemoryMax=(\d+)([MG])$/m.exec(text) ?? [];
      const memory = Number(size) * (unitOfSize === 'G' ? 1024 : 1);
      expect(heap).toBeGreaterThan(0);
      expect(heap).toBeLessThanOrEqual(0.8 * memory);
    }
  });

  it('has a user and folders that systemd understands', () => {
    const root = mkdtempSync(join(tmpdir(), 'strikeplate-root-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    mkdirSync(join(root, 'etc'));
    execFileSync('systemd-sysusers', [`--root=${root}`, file('strikeplate.sysusers.conf')], { stdio: 'pipe' });
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(
      /^strikeplate:x:\d+:\d+:Strikeplate gateway:\/var\/lib\/strikeplate:\/usr\/sbin\/nologin$/m,
    );
    execFileSync('systemd-tmpfiles', ['--create', `--root=${root}`, file('strikeplate.tmpfiles.conf')], {
      stdio: 'pipe',
    });
    const mode = (path: string) => (statSync(join(root, path)).mode & 0o777).toString(8);
    expect([mode('etc/strikeplate'), mode('var/lib/strikeplate')]).toEqual(['750', '700']);
  });
});

const config = `
state_dir: /var/lib/strikeplate
gateway: { id: lobby, name: Lobby, time_zone: Europe/Zurich }
http: { host: 0.0.0.0, port: 18888, allow_plaintext: true }
mqtt: { main: { embedded: { port: 18889 } } }
ble: { radio: { simulated: true } }
devices:
  - { id: cellar, name: Cellar, driver: ble/nuki, link: { ble: radio, address: "54:D2:72:AB:CD:01" } }
  - { id: front, name: Front door, driver: mqtt/zigbee2mqtt, link: { mqtt: main }, settings: { friendly_name: Front } }
simulation:
  - simulator: mqtt/zigbee2mqtt
    link: { mqtt: main }
    settings: { devices: [{ kind: lock, friendly_name: Front }] }
  - simulator: ble/radio
    link: { ble: radio }
    settings: { devices: [{ kind: nuki, address: "54:D2:72:AB:CD:01" }] }
`;

describe.skipIf(analyze === undefined)('the gateway under systemd', () => {
  beforeAll(() => ensureBuilt());

  it('becomes active, opens a door, is replaced when it hangs, and stops in order', async (test) => {
    // As it ships, but for a watchdog that a test can wait for.
    const shipped = readFileSync(file('strikeplate.service'), 'utf8').replace('WatchdogSec=60', 'WatchdogSec=4');
    const unit = `${shipped}\n${readFileSync(file('bluetooth.conf'), 'utf8')}`;
    const systemd = await BootedSystemd.boot({ unit, config });
    if (systemd === undefined) return test.skip('this machine does not let a systemd be booted');
    try {
      const command = (...words: string[]) => systemd.run('/opt/strikeplate/dist/src/cli.js', ...words);
      // Without a key it refuses to listen on all addresses, says why, and waits for somebody.
      await systemd.until('ActiveState', 'failed');
      expect(systemd.show('ExecMainStatus')).toBe('3');
      expect(systemd.show('NRestarts')).toBe('0');
      command('keys', 'create', '--name', 'cli', '--save');
      systemd.systemctl('start', 'strikeplate');
      await systemd.until('ActiveState', 'active');
      expect(systemd.show('StatusText')).toMatch(/^listening on http:\/\/.*:18888, devices: 2$/);
      expect(command('unlock', 'front')).toMatch(/^Front door is unlocked: the bolt was seen to be/);

      expect(command('unlock', 'cellar')).toMatch(/^Cellar is unlocked: the bolt was seen to be/);

      const first = systemd.show('MainPID');
      // 1 << 13: CAP_NET_RAW, and nothing beside it.
      expect(systemd.run('/bin/cat', `/proc/${first}/status`)).toMatch(
        /CapEff:\t0000000000002000\nCapBnd:\t0000000000002000\nCapAmb:\t0000000000002000/,
      );
      systemd.signal(first, 'STOP');
      await systemd.until('Result', 'watchdog');
      await systemd.until('ActiveState', 'active');
      expect(systemd.show('MainPID')).not.toBe(first);
      expect(command('attempts')).toMatch(/UNLOCK_DOOR {2}success, observed +/m);

      systemd.systemctl('stop', 'strikeplate');
      expect(systemd.show('ActiveState')).toBe('inactive');
      expect(systemd.show('Result')).toBe('success');
      expect(systemd.show('ExecMainStatus')).toBe('0');
    } finally {
      await systemd.close();
    }
  });
});
