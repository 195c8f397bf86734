import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { runProgram } from '../../src/cli/program.ts';
import { createApiKey } from '../../src/http/api-key-changes.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { runCli } from '../kit/gateway/gateway-process.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';

const passphrase = 'four words are plenty';

interface WireCode {
  readonly access_code_id: string;
  readonly status: string;
  readonly code: string;
}

/** A building with two locks, a box in it, and a folder on another disk. */
async function site() {
  const away = mkdtempSync(join(tmpdir(), 'strikeplate-away-'));
  onTestFinished(() => rmSync(away, { recursive: true, force: true }));
  const building = await ZigbeeBuilding.open();
  onTestFinished(() => building.close());
  const lock = building.bridge.addLock({ friendlyName: 'front', slots: 9, exposePin: true, radioMs: 2, motorMs: 5 });
  building.bridge.start();
  const box = await GatewayBox.make({
    mqtt: { main: { url: building.url, username: 'gateway', password_file: 'mqtt.pw' } },
    devices: [zigbeeEntry('front', { settings: { pin_slots: { first: 1, count: 9 } } })],
  });
  onTestFinished(() => box.dispose());
  writeFileSync(join(box.folder, 'mqtt.pw'), 'any\n', { mode: 0o600 });
  writeFileSync(join(box.stateDir, 'cli.key'), `${box.key}\n`, { mode: 0o600 });
  const admin = await createApiKey(
    join(box.stateDir, 'api-keys'),
    { name: 'admin', scopes: ['read', 'admin'] },
    randomBytes,
    Date.now,
  );
  const audited = async (url: string) =>
    (await new ApiCaller(url, admin.key).get('/strikeplate/audit/list')).body as { audit_entries?: { kind: string }[] };
  const passphraseFile = join(away, 'passphrase');
  writeFileSync(passphraseFile, `${passphrase}\n`, { mode: 0o600 });
  const file = join(away, 'site.backup');
  const cli = async (...args: string[]) => {
    const terminal = new RecordedTerminal(away, {});
    const stop = () => ({ requested: new Promise<string>(() => undefined) });
    const program = { terminal, catalogues: { drivers, simulators: {} }, version: '1.2.3', stop };
    return { code: await runProgram(program, args), out: terminal.output, err: terminal.errors };
  };
  const restore = (...args: string[]) => cli('restore', file, '--passphrase-file', passphraseFile, ...args);
  const backup = (...args: string[]) =>
    cli('backup', file, '--config', box.configFile, '--passphrase-file', passphraseFile, ...args);
  return { away, lock, box, file, passphraseFile, cli, restore, backup, audited };
}

/** Everything below a folder, with what it holds. */
function contentOf(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return new Map(
    names.map((name) => {
      const path = join(folder, name);
      const stat = statSync(path);
      return [name, stat.isFile() ? `${stat.mode} ${readFileSync(path).toString('latin1')}` : 'folder'];
    }),
  );
}

const until = async (condition: () => boolean | Promise<boolean>) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('a box that is lost and replaced', () => {
  beforeAll(() => ensureBuilt());

  it('comes back with what it had when it was backed up as codes were being written: P1, P8', async () => {
    const { box, lock, file, passphraseFile, restore, cli, audited } = await site();
    const first = await box.start();
    await first.api.online(idOf('front'));

    const accepted: string[] = [];
    const create = async (code: string) => {
      const { action_attempt_id } = await first.api.accepted('/access_codes/create', {
        device_id: idOf('front'),
        code,
      });
      accepted.push(action_attempt_id);
    };
    for (let number = 1; number <= 2; number++) await create(`100${number}`);
    await first.api.ended(accepted);
    const before = [...accepted];
    // Three more, of which nobody knows on which side of the backup they fall.
    const writing = (async () => {
      for (let number = 10; number < 13; number++) await create(`20${number}`);
    })();
    const made = await runCli(['backup', file, '--config', box.configFile, '--passphrase-file', passphraseFile]);
    expect(made.stderr).toMatch(/^Nothing opens it without the passphrase/);
    expect(made.code).toBe(0);
    await writing;
    await first.api.ended(accepted);
    const onTheLock = [...lock.keypad.codes.values()].sort();
    expect(onTheLock).toHaveLength(5);
    await first.close();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const sealed = readFileSync(file).toString('latin1');
    for (const secret of [passphrase, box.key, 'SQLite format', '2010', 'zigbee2mqtt'])
      expect(sealed.includes(secret), secret).toBe(false);

    // Fire in the cupboard.
    const config = box.configFile;
    for (const name of readdirSync(box.folder)) rmSync(join(box.folder, name), { recursive: true });
    expect(await restore('--json')).toMatchObject({ code: 0 });
    expect(statSync(join(box.stateDir, 'strikeplate.db')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(box.stateDir, 'cli.key'), 'utf8')).toBe(`${box.key}\n`);

    const second = await box.start();
    await second.api.online(idOf('front'));
    // P1: what had been answered by then is known, and ended.
    expect((await second.api.ended(before)).map(({ attempt }) => attempt.status)).toEqual(before.map(() => 'success'));
    // P8: every code on the lock is either the gateway's own, or shown as one that is not.
    const own = async () => {
      const { body } = await second.api.post('/access_codes/list', { device_id: idOf('front') });
      return body.access_codes as unknown as WireCode[];
    };
    const strange = async () => {
      const { body } = await second.api.post('/access_codes/unmanaged/list', { device_id: idOf('front') });
      return body.access_codes as unknown as WireCode[];
    };
    await until(async () => (await own()).every(({ status }) => status === 'set'));
    await until(async () => (await own()).length + (await strange()).length === lock.keypad.codes.size);
    const told = [...(await own()), ...(await strange())].map(({ code }) => code).sort();
    expect(told).toEqual([...lock.keypad.codes.values()].sort());
    expect(told).toEqual(onTheLock);
    expect((await own()).length).toBeGreaterThanOrEqual(2);
    expect(JSON.stringify(await audited(second.url))).toContain('backup_restored');
    await second.close();
    const verdict = await cli('audit', 'verify', '--config', config);
    expect(verdict).toMatchObject({ code: 0 });
  });

  it('is told of in the audit log, also when the gateway was running', async () => {
    const { box, backup, audited } = await site();
    const before = await box.start();
    await before.close();
    expect(await backup()).toMatchObject({ code: 0 });
    const gateway = await box.start();
    const { audit_entries } = await audited(gateway.url);
    expect(audit_entries?.filter(({ kind }) => kind === 'backup_made')).toMatchObject([{ by: { kind: 'cli' } }]);
    await gateway.close();
  });

  it('brings everything along that the gateway wrote, but for what is of one box alone', async () => {
    const { box, backup, restore, file } = await site();
    const gateway = await box.start();
    await gateway.api.online(idOf('front'));
    await gateway.close();
    expect(await backup()).toMatchObject({ code: 0 });
    const before = contentOf(box.folder);
    for (const name of readdirSync(box.folder)) rmSync(join(box.folder, name), { recursive: true });
    expect(await restore()).toMatchObject({ code: 0 });
    const after = contentOf(box.folder);
    const missing = [...before.keys()].filter((name) => !after.has(name));
    expect(missing.filter((name) => !/\.(reserve|lock)$|-(wal|shm)$/.test(name))).toEqual([]);
    for (const [name, content] of before)
      if (after.has(name) && !/strikeplate\.db|backups\.json/.test(name)) expect(after.get(name), name).toBe(content);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe('restore refuses, and touches nothing', () => {
  async function backedUp() {
    const there = await site();
    const gateway = await there.box.start();
    await gateway.close();
    expect(await there.backup()).toMatchObject({ code: 0 });
    const untouched = async (result: Promise<{ code: number; err: string }>, words: RegExp) => {
      const before = contentOf(there.box.folder);
      const { code, err } = await result;
      expect(err).toMatch(words);
      expect(code).not.toBe(0);
      expect(contentOf(there.box.folder)).toEqual(before);
    };
    return { ...there, untouched };
  }

  it('where something lies already, unless told', async () => {
    const { restore, untouched, box } = await backedUp();
    await untouched(restore(), /There is something already: .*--replace/);
    expect(await restore('--replace')).toMatchObject({ code: 0 });
    const aside = readdirSync(box.stateDir).find((name) => name.startsWith('before-restore-'));
    expect(readdirSync(join(box.stateDir, aside ?? '')).join()).toMatch(/strikeplate\.db/);
    const again = await box.start();
    await again.close();
  });

  it('while a gateway runs there', async () => {
    const { restore, box } = await backedUp();
    const gateway = await box.start();
    const { code, err } = await restore('--replace');
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringMatching(/The gateway is running/) });
    await gateway.api.get('/health');
    await gateway.close();
  });

  it('with a wrong passphrase, a file that was cut off, one that was changed, and one that is none', async () => {
    const { cli, file, away, untouched } = await backedUp();
    const wrong = join(away, 'wrong');
    writeFileSync(wrong, 'four other words here\n', { mode: 0o600 });
    await untouched(
      cli('restore', file, '--replace', '--passphrase-file', wrong),
      /does not open with this passphrase/,
    );
    const right = join(away, 'passphrase');
    const whole = readFileSync(file);
    const changed = join(away, 'changed.backup');
    const refused = async (bytes: Uint8Array, words: RegExp) => {
      writeFileSync(changed, bytes);
      await untouched(cli('restore', changed, '--replace', '--passphrase-file', right), words);
    };
    await refused(whole.subarray(0, whole.length >> 1), /damaged or cut off.*Nothing was changed/);
    await refused(Buffer.from(whole).fill(0, 1_000, 1_001), /damaged/);
    await refused(Buffer.alloc(0), /no backup/);
    await refused(Buffer.from('SQLite format 3'), /no backup/);
    await untouched(cli('restore', join(away, 'nowhere'), '--passphrase-file', right), /ENOENT/);
  });

  it('and a backup with a passphrase that is short, lies open, or was typed two ways is not made', async () => {
    const { box, away, cli } = await site();
    const gateway = await box.start();
    await gateway.close();
    const make = async (mode: number, text: string) => {
      const secret = join(away, `passphrase-${mode}`);
      writeFileSync(secret, text, { mode });
      return cli('backup', join(away, 'x.backup'), '--config', box.configFile, '--passphrase-file', secret);
    };
    expect(await make(0o600, 'short')).toMatchObject({ code: 2, err: expect.stringMatching(/5 characters/) });
    expect(await make(0o644, passphrase)).toMatchObject({ code: 2, err: expect.stringMatching(/chmod o=/) });
    expect(readdirSync(away)).not.toContain('x.backup');
  });
});
