import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../store/sync-folder.ts';

/** The user of the service, where root sets it up and there is one. */
interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Files of a set-up: root's to change and the gateway's to read, or the gateway's own. */
export class KeptFiles {
  readonly #owner: Owner | undefined;

  constructor() {
    this.#owner = process.getuid?.() === 0 ? serviceOwner() : undefined;
  }

  /** Writes a whole file, durably. @param secret only root and the gateway may read it */
  write(file: string, text: string, { secret }: { readonly secret: boolean }): void {
    const draft = `${file}.new`;
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true });
    this.share(draft, { secret });
    renameSync(draft, file);
    syncFolder(dirname(file));
  }

  /** What root wrote, for the gateway to read. */
  share(file: string, { secret }: { readonly secret: boolean }): void {
    if (this.#owner !== undefined) chownSync(file, 0, this.#owner.gid);
    chmodSync(file, secret ? (this.#owner === undefined ? 0o600 : 0o640) : 0o644);
  }

  /** A folder of the configuration. */
  folder(path: string): void {
    if (existsSync(path)) return;
    mkdirSync(path, { recursive: true, mode: 0o750 });
    if (this.#owner !== undefined) chownSync(path, 0, this.#owner.gid);
  }

  /** The gateway's own folder: what is made in it later gets the same owner. */
  stateFolder(path: string): void {
    if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
    if (this.#owner !== undefined && statSync(path).uid === 0) chownSync(path, this.#owner.uid, this.#owner.gid);
  }

  /** A secret of the gateway's own. */
  writeState(file: string, text: string, folder: string): void {
    this.write(file, text, { secret: true });
    chmodSync(file, 0o600);
    const { uid, gid } = statSync(folder);
    if (process.getuid?.() === 0) chownSync(file, uid, gid);
  }

  /** Puts a file out of the way. @returns where it is now */
  aside(file: string, stamp: string): string {
    const place = join(dirname(file), `${file.slice(dirname(file).length + 1)}.before-${stamp}`);
    renameSync(file, place);
    return place;
  }
}

function serviceOwner(): Owner | undefined {
  try {
    const number = (flag: string) =>
      Number(execFileSync('id', [flag, 'strikeplate'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: number('-u'), gid: number('-g') };
  } catch {
    return undefined;
  }
}
