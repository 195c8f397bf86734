import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ConfigProblem } from '../../config/problems.ts';
import { formatProblem } from '../../config/problems.ts';
import { bad, type Finding, ok, quoted, warning } from './finding.ts';
import type { Patient } from './patient.ts';

/** What `check-config` says, each with the line that mends it. */
export function checkConfiguration(patient: Patient): Finding[] {
  const { config, problems, configFile } = patient;
  const found = problems.map((problem) => bad('configuration', formatProblem(problem), mendingLine(problem, patient)));
  const weak = (config?.warnings ?? [])
    .filter(({ path }) => !path.includes('tls'))
    .map((problem) => warning('configuration', formatProblem(problem), mendingLine(problem, patient)));
  return found.length + weak.length > 0 ? [...found, ...weak] : [ok('configuration', `${configFile} is in order.`)];
}

const example = fileURLToPath(new URL('../../../config/gateway.example.yaml', import.meta.url));

/** By what the message names. Anything else is an edit, and the line opens the file there. */
function mendingLine({ message, path, line, column, file }: ConfigProblem, { user }: Patient): string {
  const named = (pattern: RegExp) => pattern.exec(message)?.[1];
  const owner = quoted(user);
  if (message.startsWith('there is no such file'))
    return `install -m 640 -g ${owner} ${quoted(example)} ${quoted(file)}`;
  const openKeys = named(/others may read the keys in (\S+)/);
  if (openKeys !== undefined) return `chmod 600 ${quoted(openKeys)}`;
  const open = named(/chmod o-r it/) ?? named(/everybody on this machine can read (\S+);/);
  if (open !== undefined) return `chmod o-r ${quoted(open)}`;
  const locked = named(/the user who runs this may not read (\S+?)\.?$/);
  if (locked !== undefined) return `chgrp ${owner} ${quoted(locked)} && chmod 640 ${quoted(locked)}`;
  const ended = named(/the certificate in (\S+) ended/);
  if (ended !== undefined) return renewal(ended, keyBeside(path)) ?? `openssl x509 -in ${quoted(ended)} -noout -text`;
  const missing = named(/there is no file (\S+?)\.(?: |$)/) ?? named(/the file (\S+) is empty/);
  if (missing !== undefined && path.includes('zwave')) return `strikeplate keys zwave ${quoted(missing)}`;
  if (missing !== undefined && /password_file|passphrase_file/.test(path))
    return `cat > ${quoted(missing)} && chmod 640 ${quoted(missing)} && chgrp ${owner} ${quoted(missing)}`;
  if (/strikeplate keys create/.test(message)) return 'strikeplate keys create --name cli --save';
  const pack = named(/npm install (\S+)/);
  if (pack !== undefined) return `npm install ${pack}`;
  return `\${EDITOR:-nano} +${line},${column} ${quoted(file)}`;
}

/** The loader's message has no room for it: the key of the certificate is the setting beside. */
const keyBeside = (path: string): string => path.replace('cert_file', 'key_file');

/**
 * The line that gives a self-signed certificate another two years; undefined for one that an authority signed.
 * @param keyFile absolute, or the setting that names it
 */
export function renewal(certFile: string, keyFile: string): string | undefined {
  try {
    const certificate = new X509Certificate(readFileSync(certFile));
    if (certificate.issuer !== certificate.subject) return undefined;
    const key = keyFile.startsWith('/') ? keyFile : certFile.replace(/\.(pem|crt|cer)$/, '.key');
    if (!certificate.checkPrivateKey(createPrivateKey(readFileSync(key)))) return undefined;
    const cert = quoted(certFile);
    return `openssl x509 -in ${cert} -signkey ${quoted(key)} -days 730 -out ${cert}.new && mv ${cert}.new ${cert}`;
  } catch {
    return undefined;
  }
}
