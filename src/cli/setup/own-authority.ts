import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { readTarget } from '../../config/load.ts';
import { chooseConfig } from '../config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { KeptFiles } from './kept-files.ts';

/** Apple's systems refuse certificates that are valid for longer than 825 days, whoever issued them. */
export const CERTIFICATE_DAYS = 820;

/** The authority outlives the box. */
const AUTHORITY_DAYS = 9_125;

/** The files of an authority of one's own, and of the gateway's certificate, all in one folder. */
export const authorityFiles = (folder: string) => ({
  caFile: join(folder, 'ca.pem'),
  caKeyFile: join(folder, 'ca.key'),
  certFile: join(folder, 'tls.pem'),
  keyFile: join(folder, 'tls.key'),
});

/**
 * Issues a certificate for these names and addresses, by an authority that is made where there is none yet. Private keys
 * are made with mode 0600. openssl does the work: what proves who one is should not be our own invention.
 *
 * @param called for people: the name of the gateway
 * @throws CommandError without openssl, or where it fails
 */
export function issueCertificate(folder: string, called: string, names: readonly string[]): void {
  const { caFile, caKeyFile, certFile, keyFile } = authorityFiles(folder);
  const work = mkdtempSync(join(folder, '.certificate-'));
  const at = (name: string) => join(work, name);
  try {
    if (!existsSync(caFile) || !existsSync(caKeyFile)) {
      const ca = ['-subj', `/CN=${commonName(`${called} authority`)}`, '-days', String(AUTHORITY_DAYS)];
      const use = [
        '-addext',
        'basicConstraints=critical,CA:TRUE,pathlen:0',
        '-addext',
        'keyUsage=critical,keyCertSign,cRLSign',
      ];
      openssl('req', '-x509', ...newKey(at('ca.key')), ...ca, ...use, '-out', at('ca.pem'));
      renameSync(at('ca.key'), caKeyFile);
      renameSync(at('ca.pem'), caFile);
    }
    openssl('req', ...newKey(at('tls.key')), '-subj', `/CN=${commonName(called)}`, '-out', at('tls.csr'));
    const alternatives = names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(',');
    const extensions = [
      `subjectAltName=${alternatives}`,
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth',
      'authorityKeyIdentifier=keyid',
    ];
    writeFileSync(at('extensions'), `${extensions.join('\n')}\n`);
    const sign = [
      '-CA',
      caFile,
      '-CAkey',
      caKeyFile,
      '-set_serial',
      `0x${serial()}`,
      '-days',
      String(CERTIFICATE_DAYS),
    ];
    openssl('x509', '-req', '-in', at('tls.csr'), ...sign, '-extfile', at('extensions'), '-out', at('tls.pem'));
    // The key first: a certificate whose key is another one is refused by the gateway, which goes on with the old pair.
    renameSync(at('tls.key'), keyFile);
    renameSync(at('tls.pem'), certFile);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** When the certificate in a file ends, in milliseconds since the Unix epoch. */
export const endOf = (certFile: string): number => Date.parse(new X509Certificate(readFileSync(certFile)).validTo);

/** What the certificate in a file was issued for. */
export const namesIn = (certFile: string): string[] =>
  (new X509Certificate(readFileSync(certFile)).subjectAltName ?? '')
    .split(', ')
    .flatMap((one) => /^(?:DNS|IP Address):(.+)$/.exec(one)?.[1] ?? []);

const newKey = (file: string) => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  ...['-keyout', file],
];

/** A slash begins another part of a subject. */
const commonName = (text: string) => text.replace(/[^\p{L}\p{N} ._-]/gu, '').slice(0, 60) || 'Strikeplate';

/** RFC 5280, 4.1.2.2: positive, at most 20 octets, and unlike any before. */
const serial = () => `01${Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('hex')}`;

function openssl(...words: string[]): void {
  try {
    execFileSync('openssl', [...words], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string };
    throw new CommandError(
      'failed',
      code === 'ENOENT'
        ? 'A certificate is made with openssl, which is not installed. Run: apt install openssl'
        : `openssl made no certificate: ${stderr?.trim().split('\n').at(-1) ?? code}`,
      { cause: error },
    );
  }
}

const DAY_MS = 86_400_000;

export interface RenewOptions {
  readonly config?: string;
  /** Only where it ends within so many days. */
  readonly within?: number;
  /** Other names and addresses than before, with commas between. */
  readonly names?: string;
}

/** Issues the gateway's certificate anew, by the authority that setup made. The gateway takes it within a minute. */
export async function renewCertificate(terminal: Terminal, options: RenewOptions): Promise<ExitCode> {
  const { file } = chooseConfig(terminal, options.config, { orSite: true });
  const { tls } = (await readTarget(file, { env: terminal.env })).http;
  const folder = dirname(tls?.certFile ?? file);
  const { caFile, caKeyFile, certFile, keyFile } = authorityFiles(folder);
  if (tls === undefined || tls.certFile !== certFile || tls.keyFile !== keyFile || !existsSync(caKeyFile)) {
    const why = `Nothing was renewed: the certificate of ${file} is not one that "strikeplate setup" made. Renew it where it comes from.`;
    if (options.within === undefined) throw new CommandError('failed', why);
    // For the timer: none of ours is due.
    terminal.out(why);
    return exitCodes.ok;
  }
  const left = Math.floor((endOf(certFile) - Date.now()) / DAY_MS);
  if (options.within !== undefined && left > options.within) {
    terminal.out(`The certificate is valid for ${left} days more.`);
    return exitCodes.ok;
  }
  const names = options.names?.split(',').map((name) => name.trim()) ?? namesIn(certFile);
  issueCertificate(folder, 'Strikeplate', names);
  const files = new KeptFiles();
  for (const open of [caFile, certFile]) files.share(open, { secret: false });
  files.share(keyFile, { secret: true });
  terminal.out(`${certFile} is renewed for ${names.join(', ')}. A running gateway takes it within a minute.`);
  return exitCodes.ok;
}
