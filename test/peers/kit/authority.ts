import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerProgram } from './peer-program.ts';

export const opensslProgram = peerProgram('openssl', 'openssl');

export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate authority made by openssl, for as long as a test lasts. */
export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'authority-'));
  readonly caFile = join(this.folder, 'ca.pem');
  readonly #keyFile = join(this.folder, 'ca.key');

  constructor() {
    this.#openssl('req', '-x509', ...newKey(this.#keyFile), '-subj', '/CN=Test authority', '-out', this.caFile);
  }

  get ca(): Buffer {
    return readFileSync(this.caFile);
  }

  /** @param names subject alternative names as openssl writes them: `DNS:localhost`, `IP:127.0.0.1` */
  issue(name: string, names: readonly string[], days = 2): Issued {
    const at = (suffix: string) => join(this.folder, `${name}.${suffix}`);
    const [certFile, keyFile, request, extensions] = [at('pem'), at('key'), at('csr'), at('ext')];
    writeFileSync(extensions, names.length > 0 ? `subjectAltName=${names.join(',')}\n` : '');
    this.#openssl('req', ...newKey(keyFile), '-subj', `/CN=${name}`, '-out', request);
    const sign = ['-CA', this.caFile, '-CAkey', this.#keyFile, '-CAcreateserial', '-days', String(days)];
    this.#openssl('x509', '-req', '-in', request, ...sign, '-extfile', extensions, '-out', certFile);
    return { certFile, keyFile };
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(...words: string[]): void {
    execFileSync(opensslProgram ?? 'openssl', words, { stdio: 'pipe' });
  }
}

const newKey = (keyFile: string) => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  ...['-keyout', keyFile],
];
