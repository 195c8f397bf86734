import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { openToAll } from '../config/file-checks.ts';
import type { HttpConfig } from '../config/loaded-config.ts';
import { isLoopback } from '../config/loopback.ts';
import { type Clock, GatewayError, type Timer } from '../contract/index.ts';
import { type ServerCertificate, tlsRules } from './entrance.ts';

/** How often the files are looked at, in milliseconds: programs that renew certificates do so days ahead. */
const LOOK_EVERY_MS = 60_000;

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * The server's certificate and key, and whatever comes in their place while the gateway runs. What cannot be used leaves
 * the old ones: half of a renewal is found once a minute, and doors do not wait for the other half.
 */
export class CertificateWatch {
  readonly current: ServerCertificate;
  readonly #files: CertificateFiles;
  readonly #clock: Clock;
  readonly #log: Logger;
  #version: string;
  #told = '';
  #timer: Timer | undefined;
  #closed = false;

  /** @throws GatewayError `misconfigured` when a file cannot be read */
  static async open(files: CertificateFiles, clock: Clock, log: Logger): Promise<CertificateWatch> {
    try {
      const version = await versionOf(files);
      return new CertificateWatch(files, await read(files), version, clock, log);
    } catch (cause) {
      throw new GatewayError(
        'misconfigured',
        `http.tls: ${files.certFile} or ${files.keyFile} cannot be read. Check that both are there and readable.`,
        { cause },
      );
    }
  }

  private constructor(files: CertificateFiles, current: ServerCertificate, version: string, clock: Clock, log: Logger) {
    this.#files = files;
    this.current = current;
    this.#version = version;
    this.#clock = clock;
    this.#log = log;
  }

  /** @param renewed called with each certificate that comes in place of the one before */
  start(renewed: (certificate: ServerCertificate) => void): void {
    this.#timer = this.#clock.setTimer(async () => {
      await this.#look(renewed);
      if (!this.#closed) this.start(renewed);
    }, LOOK_EVERY_MS);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #look(renewed: (certificate: ServerCertificate) => void): Promise<void> {
    try {
      const version = await versionOf(this.#files);
      if (version === this.#version) return;
      const open = openToAll(this.#files.certFile) ?? openToAll(this.#files.keyFile);
      if (open !== undefined) throw new Error(open);
      const certificate = await read(this.#files);
      createSecureContext({ ...tlsRules, ...certificate });
      this.#version = version;
      this.#told = '';
      if (this.#closed) return;
      renewed(certificate);
      const { validTo } = new X509Certificate(certificate.cert);
      this.#log.info({ validTo }, 'the certificate was renewed: new connections are made with it');
    } catch (error) {
      // OpenSSL's words name no content of the key.
      const why = error instanceof Error ? error.message : String(error);
      if (why === this.#told) return;
      this.#told = why;
      this.#log.error(
        { ...this.#files, why },
        'The certificate or its key was changed and cannot be used: the old one stays. Check that the two belong together.',
      );
    }
  }
}

async function read({ certFile, keyFile }: CertificateFiles): Promise<ServerCertificate> {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  return { cert, key };
}

async function versionOf({ certFile, keyFile }: CertificateFiles): Promise<string> {
  const [cert, key] = await Promise.all([stat(certFile), stat(keyFile)]);
  return [cert, key].map(({ mtimeMs, size, ino, mode }) => `${mtimeMs}:${size}:${ino}:${mode}`).join(' ');
}

/**
 * Refuses to open doors to a network where anybody could command them or read PINs on the way.
 *
 * @throws GatewayError `misconfigured`
 */
export function assertBindAllowed(
  { host, tls, allowPlaintext }: Pick<HttpConfig, 'host' | 'tls' | 'allowPlaintext'>,
  keys: { readonly size: number },
): void {
  if (isLoopback(host)) return;
  if (keys.size === 0)
    throw new GatewayError(
      'misconfigured',
      `http.host is ${host}, which other machines can reach, and there is no API key yet. ` +
        'Make one with "strikeplate keys create", or set http.host to 127.0.0.1.',
    );
  if (tls === undefined && !allowPlaintext)
    throw new GatewayError(
      'misconfigured',
      `http.host is ${host}, which other machines can reach, and PINs and keys would travel there unencrypted. ` +
        'Set http.tls, or set http.allow_plaintext to true if that network is trusted.',
    );
}
