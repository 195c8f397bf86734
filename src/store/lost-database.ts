import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { GatewayError } from '../contract/index.ts';
import { isCredential } from './key-file.ts';

export interface StorePlaces {
  readonly path: string;
  readonly keyFile: string;
}

/** Lies beside a key that was made for pairings before there was a database; gone once there is one. */
const unusedMark = (keyFile: string): string => `${keyFile}.unused`;

/** To be called when a key is made and no database with it. */
export function markUnused(keyFile: string): void {
  writeFileSync(unusedMark(keyFile), '', { mode: 0o600 });
}

export function markUsed(keyFile: string): void {
  if (isCredential(keyFile)) return;
  rmSync(unusedMark(keyFile), { force: true });
}

/** A key that the unit brings is there before the first database, too. */
const isKeyOfAStore = (keyFile: string): boolean =>
  !isCredential(keyFile) && existsSync(keyFile) && !existsSync(unusedMark(keyFile));

/**
 * A gateway that lost its database would start as new, while the codes it put on locks go on opening doors and nobody
 * takes them off any more.
 *
 * @throws GatewayError `misconfigured` when there is no database, or an empty file, and something shows that there was one
 */
export function assertNotLost({ path, keyFile }: StorePlaces): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0) return;
  const left = [
    ...(isKeyOfAStore(keyFile) ? [`its key ${keyFile}`] : []),
    ...(existsSync(`${path}.reserve`) ? [`${path}.reserve`] : []),
  ];
  if (left.length > 0) throw lost(path, existsSync(path) ? 'is empty' : 'is missing', left);
}

/** Puts what is left of a lost database aside, so that nothing of it gets into the new one. */
export function putAside(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  rmSync(path, { force: true });
  for (const end of ['-wal', '-shm']) if (existsSync(path + end)) renameSync(path + end, `${path}${end}.lost`);
}

/** The same for a file that is a database and holds nothing. @param isNew no gateway ever ran with it */
export function assertNotEmptied({ path, keyFile }: StorePlaces, isNew: boolean): void {
  if (isNew && isKeyOfAStore(keyFile)) throw lost(path, 'holds nothing', [`its key ${keyFile}`]);
}

const lost = (path: string, what: string, left: readonly string[]): GatewayError =>
  new GatewayError(
    'misconfigured',
    `The database ${path} ${what}, and there was one: ${left.join(' and ')} is still there. Codes that were put on locks still open them. ` +
      'Either restore the database from a backup, together with its key; or, where there is none, run ' +
      '"strikeplate run --new-database" once: it begins a new one, reads what is on the locks, and lists the codes it ' +
      'finds there as unmanaged (/access_codes/unmanaged/list), to be deleted or taken over.',
  );
