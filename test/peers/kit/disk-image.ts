import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = (program: string, ...words: string[]) => execFileSync(program, words, { stdio: 'pipe' });

/** Without these the kernel would write by itself, every 5 s, what nobody has synced. */
const mountOptions = 'loop,commit=3600,noatime';

/**
 * An ext4 disk in a file. The file holds what has reached the disk: what was written and not synced is still in the
 * kernel's memory, as it is when the power goes. Needs root and loop devices.
 */
export class DiskImage {
  readonly path: string;
  readonly #folder: string;
  readonly #image: string;

  /**
   * Whether this process may mount one.
   * @throws Error under CI, where it must not pass unnoticed that the tests which need one did not run
   */
  static available(): boolean {
    try {
      DiskImage.create(4 << 20).dispose();
      return true;
    } catch (error) {
      if (process.env.CI)
        throw new Error('Mounting a disk image needs root, loop devices and e2fsprogs.', { cause: error });
      return false;
    }
  }

  static create(bytes: number): DiskImage {
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-image-'));
    const image = join(folder, 'image');
    const file = openSync(image, 'w');
    ftruncateSync(file, bytes);
    closeSync(file);
    run('mkfs.ext4', '-q', '-F', image);
    return new DiskImage(folder, image);
  }

  private constructor(folder: string, image: string) {
    this.#folder = folder;
    this.#image = image;
    this.path = mkdtempSync(join(folder, 'mounted-'));
    run('mount', '-o', mountOptions, image, this.path);
  }

  /** The disk as the machine finds it after the power was cut now. Nothing may be writing. */
  afterPowerCut(): DiskImage {
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-image-'));
    const image = join(folder, 'image');
    copyFileSync(this.#image, image);
    return new DiskImage(folder, image);
  }

  dispose(): void {
    run('umount', '--lazy', this.path);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
