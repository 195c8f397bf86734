import { readFile } from 'node:fs/promises';
import { GatewayError, Secret } from '../../contract/index.ts';

/** TLS material as it came from its files, in PEM. */
export interface TlsMaterial {
  /** Undefined: the authorities Node.js brings along. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Where a broker's credentials lie, as in configuration. */
export interface CredentialFiles {
  readonly passwordFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface Credentials {
  readonly password?: Secret;
  readonly tls?: TlsMaterial;
}

/**
 * Reads a broker's password and TLS files, once, at start. That a secret is open to every user of the machine, or
 * travels unencrypted, was said when the configuration was checked.
 * @throws GatewayError `misconfigured`, one line for each file that is wrong, none of them quoting a content
 */
export async function readCredentials(name: string, files: CredentialFiles): Promise<Credentials> {
  const problems: string[] = [];
  const read = async (setting: string, path: string | undefined): Promise<Buffer | undefined> => {
    if (path === undefined) return undefined;
    const at = `mqtt.${name}.${setting} ${path}`;
    try {
      const content = await readFile(path);
      if (content.toString('latin1').trim() === '') {
        problems.push(`${at}: the file is empty.`);
        return undefined;
      }
      return content;
    } catch (error) {
      problems.push(`${at}: ${fileProblem(error)}`);
      return undefined;
    }
  };
  const [password, ca, cert, key] = await Promise.all([
    read('password_file', files.passwordFile),
    read('ca_file', files.caFile),
    read('cert_file', files.certFile),
    read('key_file', files.keyFile),
  ]);
  if ((files.certFile === undefined) !== (files.keyFile === undefined))
    problems.push(`mqtt.${name}: cert_file and key_file go together; one of them is missing.`);
  if (problems.length > 0) throw new GatewayError('misconfigured', problems.join('\n'));
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return {
    ...(password && { password: new Secret(password.toString('utf8').replace(/\r?\n$/, '')) }),
    ...(Object.keys(tls).length > 0 && { tls }),
  };
}

function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file.';
    case 'EACCES':
    case 'EPERM':
      return 'the gateway is not allowed to read it. Give its user the right to.';
    case 'EISDIR':
      return 'this is a directory, not a file.';
    default:
      return `it cannot be read (${String(code ?? 'unknown error')}).`;
  }
}
