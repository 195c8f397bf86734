import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerProgram } from './peer-program.ts';

export const socatProgram = peerProgram('socat', 'socat');

/** The machine's own: a test may have replaced it, and have its time stand while ends come and go. */
const realTimeout = globalThis.setTimeout;

/**
 * Pseudo terminals joined by socat: what a USB adapter and its line are to programs. The adapter can be pulled while
 * the units at the far end go on, as they do on a wire.
 */
export class TtyPair {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ttys-'));
  /** The gateway's end. */
  readonly near = join(this.#folder, 'near');
  /** The units' end. */
  readonly far = join(this.#folder, 'far');
  readonly #middle = join(this.#folder, 'middle');
  #line: ChildProcess | undefined;
  #adapter: ChildProcess | undefined;
  #holder: number | undefined;
  #changes = 0;

  /** The adapter is being put in or pulled, which takes another process some time. */
  get isChanging(): boolean {
    return this.#changes > 0;
  }

  static async open(): Promise<TtyPair> {
    const pair = new TtyPair();
    const pty = (link: string) => `pty,raw,echo=0,link=${link}`;
    pair.#line = socat([pty(pair.far), pty(pair.#middle)]);
    await there(pair.far, pair.#middle);
    // The line stays when nobody has it open: without this, its end would be an error to the units.
    pair.#holder = openSync(pair.#middle, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    await pair.plug();
    return pair;
  }

  plug(): Promise<void> {
    return this.#changing(async () => {
      this.#discard();
      this.#adapter = socat([`pty,raw,echo=0,link=${this.near}`, `${this.#middle},raw,echo=0`]);
      await there(this.near);
    });
  }

  unplug(): Promise<void> {
    return this.#changing(async () => {
      const adapter = this.#adapter;
      this.#adapter = undefined;
      await stopped(adapter);
    });
  }

  async close(): Promise<void> {
    await this.unplug();
    if (this.#holder !== undefined) closeSync(this.#holder);
    this.#holder = undefined;
    await stopped(this.#line);
    this.#line = undefined;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #changing(change: () => Promise<void>): Promise<void> {
    this.#changes += 1;
    try {
      await change();
    } finally {
      this.#changes -= 1;
    }
  }

  /** What the units said while nobody was there is lost. */
  #discard(): void {
    try {
      while (this.#holder !== undefined && readSync(this.#holder, Buffer.alloc(256)) > 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

function socat(ends: readonly string[]): ChildProcess {
  if (socatProgram === undefined) throw new Error('socat is not installed. Run: apt-get install -y socat');
  return spawn(socatProgram, ends, { stdio: 'ignore' });
}

async function there(...paths: readonly string[]): Promise<void> {
  while (!paths.every((path) => existsSync(path))) await new Promise((resolve) => realTimeout(resolve, 5));
}

async function stopped(process: ChildProcess | undefined): Promise<void> {
  if (!process || process.exitCode !== null || process.signalCode !== null) return;
  const gone = new Promise((resolve) => process.once('exit', resolve));
  process.kill('SIGTERM');
  await gone;
}
