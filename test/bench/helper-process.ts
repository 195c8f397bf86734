import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What every helper can tell of itself. */
export interface ProcessFigures {
  /** User and system time of all its threads, in microseconds. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** 99th percentile of the event loop's delay since the last question, in milliseconds. */
  readonly loopP99Ms: number;
  /** Groups that the store has made durable, one sync each; undefined where there is none. */
  readonly batches?: number;
}

/** A gateway looks for the outcome of what it sent for 2 s. */
const PATIENCE_MS = 10_000;

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/**
 * A process of its own that answers questions over IPC. Plain JavaScript, so that no compiler's memory or time is
 * measured with it.
 */
export class HelperProcess {
  readonly #child: ChildProcess;
  readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  /** Rejects when it ended without being told to; never resolves. */
  readonly failed: Promise<never>;
  #lastId = 0;
  #stopping = false;

  /**
   * @param file beside this one
   * @param settings handed to it as JSON in a file
   * @param nodeArguments such as `--cpu-prof`
   * @param env beside what this process has
   * @param node the program that runs it; this process's own unless given
   */
  constructor(
    file: string,
    settings: object,
    nodeArguments: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
    node: string = process.execPath,
  ) {
    // In a file: ten thousand devices are more than a command line may hold.
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-bench-'));
    const settingsFile = join(folder, 'settings.json');
    writeFileSync(settingsFile, JSON.stringify(settings));
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), [settingsFile], {
      execPath: node,
      execArgv: [...nodeArguments],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.on('message', (reply: Reply) => {
      const waiting = this.#open.get(reply.id);
      this.#open.delete(reply.id);
      if (reply.error === undefined) waiting?.resolve(reply.value);
      else waiting?.reject(new Error(`${file}: ${reply.error}`));
    });
    this.failed = new Promise((_, fail) => {
      this.#child.once('exit', (code, signal) => {
        rmSync(folder, { recursive: true, force: true });
        const error = new Error(`${file} ended with ${code ?? signal}`);
        if (!this.#stopping) fail(error);
        for (const { reject } of this.#open.values()) reject(error);
        this.#open.clear();
      });
    });
    this.failed.catch((error: Error) => console.error(error.message));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  ask<Answer>(question: string, details: object = {}): Promise<Answer> {
    const id = ++this.#lastId;
    return new Promise<Answer>((resolve, reject) => {
      this.#open.set(id, { resolve: (value) => resolve(value as Answer), reject });
      this.#child.send({ id, question, details });
    });
  }

  figures(): Promise<ProcessFigures> {
    return this.ask('figures');
  }

  kill(): void {
    this.#stopping = true;
    this.#child.kill('SIGKILL');
  }

  /** Lets it end by itself, which is when a profile is written; one that does not is killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    const late = setTimeout(() => this.kill(), PATIENCE_MS);
    await exited;
    clearTimeout(late);
  }
}
