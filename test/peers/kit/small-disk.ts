import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const pageBytes = 4096;

/** A file system of its own that is soon full. Needs root. */
export class SmallDisk {
  readonly path: string;
  readonly #filler: string;

  /**
   * Whether this process may mount one.
   * @throws Error under CI, where it must not pass unnoticed that the tests which need one did not run
   */
  static available(): boolean {
    try {
      new SmallDisk(pageBytes).dispose();
      return true;
    } catch (error) {
      if (process.env.CI) throw new Error('Mounting a small disk needs root.', { cause: error });
      return false;
    }
  }

  constructor(bytes: number) {
    this.path = mkdtempSync(join(tmpdir(), 'strikeplate-disk-'));
    this.#filler = join(this.path, 'filler');
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', this.path], { stdio: 'pipe' });
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Leaves about so much, in whole pages. */
  fill(leaveBytes = 0): void {
    const file = openSync(this.#filler, 'a');
    try {
      while (this.freeBytes > leaveBytes) writeSync(file, Buffer.alloc(pageBytes));
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  dispose(): void {
    execFileSync('umount', ['--lazy', this.path], { stdio: 'pipe' });
    rmSync(this.path, { recursive: true, force: true });
  }
}
