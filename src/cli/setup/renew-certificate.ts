import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { readTarget } from '../../config/load.ts';
import { chooseConfig } from '../config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { KeptFiles } from './kept-files.ts';
import { authorityFiles, endOf, issueCertificate, namesIn } from './own-authority.ts';

const DAY_MS = 86_400_000;

export interface RenewOptions {
  readonly config?: string;
  /** Only where it ends within so many days. */
  readonly within?: number;
  /** Other names and addresses than before, with commas between. */
  readonly names?: string;
}

/** Issues the gateway's certificate anew, by the authority that setup made. The gateway takes it within a minute. */
export function renewCertificate(terminal: Terminal, options: RenewOptions): ExitCode {
  const { file } = chooseConfig(terminal, options.config, { orSite: true });
  const { tls } = readTarget(file, { env: terminal.env }).http;
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
