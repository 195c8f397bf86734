import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { BackupConfig, BrokerConfig, HttpConfig, ZwaveStickConfig } from './loaded-config.ts';
import { isLoopback } from './loopback.ts';
import { type ConfigPath, Findings } from './problems.ts';
import { readZwaveKeys } from './zwave-keys.ts';

/** Days before its end from which a certificate is worth a warning. A guess: time for a slow administrator. */
const expiryNoticeDays = 21;

const dayMs = 86_400_000;

/** What the referenced files are like. Their content is never quoted. */
export async function checkFiles(
  config: {
    readonly http: HttpConfig;
    readonly mqtt: readonly BrokerConfig[];
    readonly zwave: readonly ZwaveStickConfig[];
    readonly backup: Pick<BackupConfig, 'passphraseFile'> | undefined;
  },
  now: number,
): Promise<{ readonly problems: Findings; readonly warnings: Findings }> {
  const checks = new FileChecks(now);
  checks.http(config.http);
  for (const broker of config.mqtt) checks.broker(broker);
  for (const stick of config.zwave) await checks.stick(stick);
  checks.secret(['backup', 'passphrase_file'], config.backup?.passphraseFile);
  return checks;
}

class FileChecks {
  readonly problems = new Findings();
  readonly warnings = new Findings();
  readonly #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  http(http: HttpConfig): void {
    this.#pair(['http', 'tls'], http.tls?.certFile, http.tls?.keyFile);
    if (((statSync(http.apiKeysFile, { throwIfNoEntry: false })?.mode ?? 0) & 0o022) !== 0)
      this.problems.add(
        ['http', 'api_keys_file'],
        `others can write ${http.apiKeysFile}. Look whether the keys in it are yours, and run: chmod 600 ${http.apiKeysFile}`,
      );
    if (!isLoopback(http.host)) {
      try {
        if (statSync(http.apiKeysFile).size === 0) throw Object.assign(new Error('empty'), { code: 'ENOENT' });
      } catch {
        this.problems.add(
          ['http', 'host'],
          `the network can reach this address, but there is no API key in ${http.apiKeysFile}. ` +
            'Make one first: strikeplate keys create --name NAME.',
        );
      }
    }
  }

  broker(broker: BrokerConfig): void {
    if (broker.kind !== 'external') return;
    const path = ['mqtt', broker.name];
    this.secret([...path, 'password_file'], broker.passwordFile);
    this.#certificate([...path, 'ca_file'], broker.caFile);
    this.#pair(path, broker.certFile, broker.keyFile);
    if (broker.url.startsWith('mqtt:') && !isLoopback(new URL(broker.url).hostname))
      this.warnings.add(
        [...path, 'url'],
        'PINs and the password travel to this broker unencrypted; mqtts:// keeps them from others on the network.',
      );
  }

  async stick({ name, keysFile }: ZwaveStickConfig): Promise<void> {
    try {
      await readZwaveKeys(keysFile);
    } catch (error) {
      const isSystem = (error as NodeJS.ErrnoException).code !== undefined;
      const words = isSystem
        ? `${unreadable(keysFile, error)} A new network's keys are made by: strikeplate keys zwave FILE`
        : '';
      this.problems.add(['zwave', name, 'keys_file'], words || (error as Error).message);
    }
  }

  secret(path: ConfigPath, file: string | undefined): Buffer | undefined {
    const content = this.#read(path, file);
    if (file !== undefined && content !== undefined && (statSync(file).mode & 0o004) !== 0)
      this.warnings.add(path, `everybody on this machine can read ${file}; chmod o-r it.`);
    return content;
  }

  #read(path: ConfigPath, file: string | undefined): Buffer | undefined {
    if (file === undefined) return undefined;
    try {
      const content = readFileSync(file);
      const open = openToAll(file);
      if (open !== undefined) this.problems.add(path, open);
      if (content.toString('latin1').trim() !== '') return content;
      this.problems.add(path, `the file ${file} is empty.`);
    } catch (error) {
      this.problems.add(path, unreadable(file, error));
    }
    return undefined;
  }

  #certificate(path: ConfigPath, file: string | undefined): X509Certificate | undefined {
    const content = this.#read(path, file);
    if (content === undefined) return undefined;
    try {
      const found = new X509Certificate(content);
      const end = Date.parse(found.validTo);
      if (end < this.#now) this.problems.add(path, `the certificate in ${file} ended on ${found.validTo}.`);
      else if (end < this.#now + expiryNoticeDays * dayMs)
        this.warnings.add(path, `the certificate in ${file} ends on ${found.validTo}.`);
      return found;
    } catch {
      this.problems.add(
        path,
        `${file} holds no certificate; it must be PEM, beginning with -----BEGIN CERTIFICATE-----.`,
      );
      return undefined;
    }
  }

  #privateKey(path: ConfigPath, file: string | undefined): KeyObject | undefined {
    const content = this.secret(path, file);
    if (content === undefined) return undefined;
    try {
      return createPrivateKey(content);
    } catch {
      this.problems.add(path, `${file} holds no private key that can be used; it must be PEM, without a passphrase.`);
      return undefined;
    }
  }

  #pair(path: ConfigPath, certFile: string | undefined, keyFile: string | undefined): void {
    const cert = this.#certificate([...path, 'cert_file'], certFile);
    const key = this.#privateKey([...path, 'key_file'], keyFile);
    if (cert !== undefined && key !== undefined && !cert.checkPrivateKey(key))
      this.problems.add([...path, 'key_file'], `${keyFile} is not the key of the certificate in ${certFile}.`);
  }
}

/**
 * Whoever can write a file decides what the gateway believes; so does who can put another in its place, or in the place
 * of a link to it.
 *
 * @returns what is open, in words; undefined when nothing is, or it is not there
 */
export function openToAll(file: string): string | undefined {
  const state = statSync(file, { throwIfNoEntry: false });
  if (state === undefined) return undefined;
  if ((state.mode & 0o002) !== 0 && !state.isDirectory())
    return `everybody on this machine can write ${file}; chmod o-w it.`;
  const places = state.isDirectory() ? [file] : [dirname(resolve(file)), dirname(realpathSync(file))];
  const folder = places.find(isOpenFolder);
  if (folder === undefined) return undefined;
  return `everybody on this machine can put other files into ${folder}; chmod o-w it.`;
}

/** With the sticky bit nobody but its owner can replace a file (inode(7)). */
function isOpenFolder(folder: string): boolean {
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o002) !== 0 && (mode & 0o1000) === 0;
}

function unreadable(file: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return `there is no file ${file}.`;
  if (code === 'EACCES' || code === 'EPERM') return `the user who runs this may not read ${file}.`;
  if (code === 'EISDIR') return `${file} is a folder, not a file.`;
  return `${file} cannot be read (${code ?? 'unknown error'}).`;
}
