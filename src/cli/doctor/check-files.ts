import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJournal } from '../../backup/journal.ts';
import type { BackupConfig } from '../../config/loaded-config.ts';
import { type ConfigProblem, formatProblem } from '../../config/problems.ts';
import { hashOfApiKey, listApiKeys } from '../../http/api-key-file.ts';
import { factIn, integrityOf } from '../../store/database-copy.ts';
import { readKey } from '../../store/key-file.ts';
import { assertNotLost } from '../../store/lost-database.ts';
import { keyIdFact, keyIdOf } from '../../store/vault.ts';
import { ownKeyFile } from '../config-choice.ts';
import { localDateTime } from '../terminal.ts';
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

/** Folders and files of the gateway: there, its user's, and nobody else's. */
export function checkFiles({ target, user, uid }: Patient): Finding[] {
  if (target === undefined) return [];
  const { stateDir, store, http, pairingsDir } = target;
  const owner = quoted(user);
  const state = statSync(stateDir, { throwIfNoEntry: false });
  if (state === undefined)
    return [
      bad(
        'files',
        `The state directory ${stateDir} is missing.`,
        `install -d -m 700 -o ${owner} -g ${owner} ${quoted(stateDir)}`,
      ),
    ];
  if (!state.isDirectory())
    return [
      bad(
        'files',
        `${stateDir} is no folder, and state_dir must be one.`,
        `mv ${quoted(stateDir)} ${quoted(stateDir)}.old`,
      ),
    ];
  const found: Finding[] = [];
  if ((state.mode & 0o022) !== 0)
    found.push(
      bad('files', `Others may write into the state directory ${stateDir}.`, `chmod go-w ${quoted(stateDir)}`),
    );
  const own = [
    ...['', '-wal', '-shm', '.lock', '.reserve'].map((end) => `${store.path}${end}`),
    ...[store.keyFile, http.apiKeysFile, `${http.apiKeysFile}.used`, ownKeyFile(stateDir), pairingsDir],
    ...(existsSync(pairingsDir) ? readdirSync(pairingsDir).map((name) => join(pairingsDir, name)) : []),
  ];
  for (const file of own) {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.uid !== uid)
      found.push(
        bad(
          'files',
          `${file} does not belong to ${user}, who runs the gateway.`,
          `chown ${owner}: ${quoted(file)}${file === store.path ? '*' : ''}`,
        ),
      );
    else if (!stat.isDirectory() && (stat.mode & 0o600) !== 0o600)
      found.push(bad('files', `The gateway may not read and write ${file}.`, `chmod 600 ${quoted(file)}`));
    if ((stat.mode & 0o077) !== 0 && isSecret(file, target))
      found.push(bad('files', `Others may read ${file}.`, `chmod 600 ${quoted(file)}`));
  }
  return found.length > 0 ? found : [ok('files', `${stateDir} is the gateway's, and its secrets are its own.`)];
}

const isSecret = (file: string, { store, http, stateDir, pairingsDir }: NonNullable<Patient['target']>) =>
  [store.keyFile, store.path, http.apiKeysFile, ownKeyFile(stateDir)].includes(file) || dirname(file) === pairingsDir;

/** The database: there, whole, and with its key. */
export function checkDatabase({ target, config }: Patient): Finding[] {
  if (target === undefined) return [];
  const { store } = target;
  const back = restoreLine(config?.backup);
  try {
    assertNotLost(store);
  } catch (error) {
    return [bad('database', (error as Error).message, back ?? 'strikeplate run --new-database')];
  }
  if (!existsSync(store.path)) return [ok('database', 'There is no database yet; the first start makes one.')];
  let verdict: string;
  let sealedWith: string | undefined;
  try {
    verdict = integrityOf(store.path);
    sealedWith = factIn(store.path, keyIdFact);
  } catch (error) {
    verdict = (error as Error).message;
  }
  if (verdict !== 'ok')
    return [
      bad('database', `The database ${store.path} is damaged (${verdict}).`, back ?? 'strikeplate run --new-database'),
    ];
  let key: Buffer | undefined;
  try {
    key = readKey(store.keyFile);
  } catch {
    // Its mode was told of above.
  }
  if (sealedWith !== undefined && key === undefined && !existsSync(store.keyFile))
    return [bad('database', `The store's key ${store.keyFile} is missing: PINs and pairings cannot be read.`, back)];
  if (sealedWith !== undefined && key !== undefined && keyIdOf(key) !== sealedWith)
    return [
      bad('database', `${store.keyFile} (${keyIdOf(key)}) is not the key of this database (${sealedWith}).`, back),
    ];
  return [ok('database', `${store.path} is whole, and its key fits.`)];
}

/** The line that puts the newest backup back; undefined where there is none. */
function restoreLine(backup: BackupConfig | undefined): string | undefined {
  if (backup === undefined || !existsSync(backup.folder)) return undefined;
  const { folder, passphraseFile } = backup;
  const newest = readdirSync(folder)
    .filter((name) => name.endsWith('.backup'))
    .sort()
    .at(-1);
  if (newest === undefined) return undefined;
  const restore = `strikeplate restore ${quoted(join(folder, newest))} --passphrase-file ${quoted(passphraseFile)} --replace`;
  return `systemctl stop strikeplate; ${restore} && systemctl start strikeplate`;
}

/** API keys, and that of this box's own commands. */
export async function checkKeys({ target }: Patient, now: number): Promise<Finding[]> {
  if (target === undefined) return [];
  const file = target.http.apiKeysFile;
  let make = 'strikeplate keys create --name cli --save';
  let keys: Awaited<ReturnType<typeof listApiKeys>>;
  try {
    keys = await listApiKeys(file);
  } catch (error) {
    return [
      bad(
        'keys',
        (error as Error).message,
        `mv ${quoted(file)} ${quoted(file)}.damaged && rm -f ${quoted(ownKeyFile(target.stateDir))} && ${make}`,
      ),
    ];
  }
  const ownFile = ownKeyFile(target.stateDir);
  // A name is given once: the key that has it gets another secret.
  if (keys.some(({ name }) => name === 'cli')) make = 'strikeplate keys rotate cli --overlap 0 --save';
  if (keys.length === 0)
    return [
      bad('keys', `There is no API key in ${file}: every request is refused.`, `rm -f ${quoted(ownFile)} && ${make}`),
    ];
  if (!existsSync(ownFile)) return [warning('keys', 'Commands on this box have no key of their own.', make)];
  const hash = hashOfApiKey(readFileSync(ownFile, 'utf8').trim()).toString('hex');
  const own = keys.find((key) => key.hash === hash || key.previous?.hash === hash);
  if (own === undefined)
    return [
      bad('keys', `The key in ${ownFile} was revoked, or is of another gateway.`, `rm ${quoted(ownFile)} && ${make}`),
    ];
  if (own.expires_at !== undefined && Date.parse(own.expires_at) < now)
    return [
      bad(
        'keys',
        `The key of this box's commands, ${own.id}, ended on ${own.expires_at}.`,
        `strikeplate keys change ${own.id} --never-expires`,
      ),
    ];
  const ended = keys.filter(({ expires_at }) => expires_at !== undefined && Date.parse(expires_at) < now);
  return [
    ok('keys', `${keys.length} API keys; commands on this box have one.`),
    ...ended.map(({ id, name }) =>
      warning(
        'keys',
        `The key ${id} (${name}) has ended: whoever uses it is refused.`,
        `strikeplate keys revoke ${id}`,
      ),
    ),
  ];
}

/** Whether the backups that the configuration asks for are made. */
export function checkBackup({ config }: Patient, now: number): Finding[] {
  if (config === undefined) return [];
  const { backup, stateDir } = config;
  const last = readJournal(stateDir).findLast(({ kind }) => kind === 'made');
  const run = 'strikeplate backup --scheduled';
  if (backup === undefined)
    return last === undefined
      ? [
          warning(
            'backup',
            'There is no backup, and the configuration asks for none: a lost box is lost.',
            'strikeplate backup',
          ),
        ]
      : [ok('backup', `The last backup was made on ${localDateTime(last.at)}, by hand.`)];
  if (last === undefined) return [warning('backup', 'No backup was made yet.', run)];
  if (now - last.at > 2 * backup.everyMs)
    return [bad('backup', `The last backup is of ${localDateTime(last.at)}; one is due more often.`, run)];
  return [ok('backup', `The last backup was made on ${localDateTime(last.at)}.`)];
}
