import { createDecipheriv, createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../test/kit/seeded-random.ts';
import { temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import { aCode, deviceA, deviceB, uuid } from '../../test/kit/store/store-records.ts';
import { Secret } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { MemoryStore } from './memory-store.ts';
import { Vault } from './vault.ts';

const about = { accessCodeId: uuid(1), deviceId: deviceA };

describe('Vault', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let keyFile: string;
  let store: MemoryStore;
  const random = seededRandom(7);
  const randomBytes = (size: number) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
  const open = () => Vault.open({ keyFile, store, randomBytes });
  const keep = (vault: Vault, code = '4711') =>
    store.commit([{ kind: 'access_code_put', code: aCode(1, { sealedCode: vault.seal(new Secret(code), about) }) }]);

  beforeEach(() => {
    directory = temporaryDirectory();
    keyFile = join(directory.path, 'var/store.key');
    store = new MemoryStore({ clock: new SimulatedClock() });
  });
  afterEach(() => directory.dispose());

  describe('codes', () => {
    it('opens what it sealed', async () => {
      const vault = await open();
      for (const code of ['4711', '', '123456789012345678901234567890', 'Zoë’s key']) {
        expect(vault.open(vault.seal(new Secret(code), about), about).reveal()).toBe(code);
      }
    });

    it('opens it after a restart', async () => {
      const sealed = (await open()).seal(new Secret('4711'), about);
      expect((await open()).open(sealed, about).reveal()).toBe('4711');
    });

    it('is AES-256-GCM in the form it says', async () => {
      const vault = await open();
      const sealed = Buffer.from(vault.seal(new Secret('4711'), about));
      const key = readFileSync(keyFile);
      const keyId = createHash('sha256').update('strikeplate store key\0').update(key).digest('hex').slice(0, 16);
      expect(sealed[0]).toBe(1);
      expect(sealed.toString('hex', 1, 9)).toBe(keyId);
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(9, 21));
      decipher.setAAD(Buffer.from(JSON.stringify([1, 'access_code', about.accessCodeId, about.deviceId, keyId])));
      decipher.setAuthTag(sealed.subarray(-16));
      const plain = Buffer.concat([decipher.update(sealed.subarray(21, -16)), decipher.final()]);
      expect(plain.toString('latin1')).toBe(`\0\x044711${'\0'.repeat(10)}`);
    });

    it('seals the same code differently each time, and every usual PIN to the same length', async () => {
      const vault = await open();
      const sealed = ['4711', '4711', '123456789012'].map((code) => Buffer.from(vault.seal(new Secret(code), about)));
      expect(new Set(sealed.map((bytes) => bytes.toString('hex'))).size).toBe(3);
      expect(new Set(sealed.map((bytes) => bytes.length)).size).toBe(1);
    });

    it('opens for no other code and no other device', async () => {
      const vault = await open();
      const sealed = vault.seal(new Secret('4711'), about);
      const others = [
        { ...about, accessCodeId: uuid(2) },
        { ...about, deviceId: deviceB },
        { accessCodeId: about.deviceId, deviceId: about.accessCodeId },
      ];
      for (const other of others) expect(() => vault.open(sealed, other)).toThrow(other.accessCodeId);
    });

    it('notices every changed byte and every missing one', async () => {
      const vault = await open();
      const sealed = vault.seal(new Secret('4711'), about);
      for (const index of sealed.keys()) {
        const changed = Uint8Array.from(sealed, (byte, at) => (at === index ? byte ^ 1 : byte));
        expect(() => vault.open(changed, about)).toThrow(
          expect.objectContaining({ name: 'GatewayError', type: 'internal_error' }),
        );
        expect(() => vault.open(sealed.subarray(0, index), about)).toThrow(
          expect.objectContaining({ name: 'GatewayError' }),
        );
      }
    });

    it('shows neither code nor key in what it prints', async () => {
      const vault = await open();
      const key = readFileSync(keyFile);
      const sealed = vault.seal(new Secret('471199'), about);
      expect(Buffer.from(sealed).includes('471199')).toBe(false);
      const printed = `${inspect(vault, { depth: 9, showHidden: true })} ${JSON.stringify(vault)}`;
      expect(printed).not.toContain(key.toString('hex'));
      expect(printed).not.toMatch(/key\w*: (Uint8Array|<Buffer)/);
    });
  });

  describe('its key', () => {
    it('is made at the first start, for its owner alone', async () => {
      const vault = await open();
      expect(statSync(keyFile).mode & 0o777).toBe(0o600);
      expect(statSync(join(keyFile, '..')).mode & 0o777).toBe(0o700);
      expect(readFileSync(keyFile)).toHaveLength(32);
      expect(existsSync(`${keyFile}.new`)).toBe(false);
      expect(store.read.fact('store_key_id')).toBe(vault.keyId);
    });

    it('may be replaced while nothing is sealed', async () => {
      const first = await open();
      writeFileSync(keyFile, randomBytes(32));
      const second = await open();
      expect(second.keyId).not.toBe(first.keyId);
      expect(store.read.fact('store_key_id')).toBe(second.keyId);
    });

    it('is not made anew when codes are sealed with a lost one', async () => {
      await keep(await open());
      keyFile = join(directory.path, 'other.key');
      await expect(open()).rejects.toMatchObject({ type: 'misconfigured', message: expect.stringContaining(keyFile) });
      expect(existsSync(keyFile)).toBe(false);
    });

    it('must be the one that the codes were sealed with', async () => {
      const vault = await open();
      await keep(vault);
      writeFileSync(keyFile, randomBytes(32));
      await expect(open()).rejects.toMatchObject({
        type: 'misconfigured',
        message: expect.stringContaining(vault.keyId),
      });
      expect(store.read.fact('store_key_id')).toBe(vault.keyId);
    });

    it('must be the one in the codes themselves, where the database does not name it', async () => {
      const vault = await open();
      const copied = new MemoryStore({ clock: new SimulatedClock() });
      await copied.commit([
        { kind: 'access_code_put', code: aCode(1, { sealedCode: vault.seal(new Secret('4711'), about) }) },
      ]);
      store = copied;
      writeFileSync(keyFile, randomBytes(32));
      await expect(open()).rejects.toMatchObject({ message: expect.stringContaining(vault.keyId) });
    });

    it('must be readable by nobody else', async () => {
      await open();
      for (const mode of [0o640, 0o604, 0o660, 0o644]) {
        chmodSync(keyFile, mode);
        await expect(open()).rejects.toMatchObject({
          type: 'misconfigured',
          message: expect.stringContaining(`chmod 600 ${keyFile}`),
        });
      }
      chmodSync(keyFile, 0o400);
      await expect(open()).resolves.toBeInstanceOf(Vault);
    });

    it('must be a key', async () => {
      await open();
      writeFileSync(keyFile, 'short');
      await expect(open()).rejects.toMatchObject({
        type: 'misconfigured',
        message: expect.stringContaining('5 bytes'),
      });
      keyFile = directory.path;
      await expect(open()).rejects.toMatchObject({ type: 'misconfigured' });
    });

    it('says so when it cannot be written', async () => {
      writeFileSync(join(directory.path, 'file'), '');
      keyFile = join(directory.path, 'file/store.key');
      await expect(open()).rejects.toMatchObject({
        type: 'misconfigured',
        message: expect.stringContaining('store.key_file'),
      });
    });
  });
});
