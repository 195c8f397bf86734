import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ApiCaller } from '../sdk/api-caller.ts';
import type { GatewayBox } from './gateway-box.ts';

const cli = fileURLToPath(new URL('../../../dist/src/cli.js', import.meta.url));

export interface ProcessEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Modules that are loaded before the program, to plant faults in it. */
  readonly imports?: readonly string[];
}

/** Runs the command line, as built, to its end. `ensureBuilt` goes before. */
export async function runCli(args: readonly string[], options: ProcessOptions = {}): Promise<ProcessEnd> {
  return new CliProcess(args, options).ended;
}

/** The program as built, and everything it has said so far. */
class CliProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<ProcessEnd>;
  stdout = '';
  stderr = '';
  readonly #listeners = new Set<() => void>();

  constructor(args: readonly string[], { env = {}, imports = [] }: ProcessOptions) {
    const words = [...imports.flatMap((file) => ['--import', file]), cli, ...args];
    // Nothing of the environment of whoever runs the tests but what starts a program.
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, words, { env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    child.stdout.on('data', (bytes: Buffer) => {
      this.stdout += bytes.toString();
      for (const listener of this.#listeners) listener();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.ended = new Promise((resolve) => {
      // Not `exit`: what it said last is still to come then.
      child.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves when it has said so on its standard output. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve) => {
      const look = () => {
        const found = pattern.exec(this.stdout);
        if (found === null) return;
        this.#listeners.delete(look);
        resolve(found);
      };
      this.#listeners.add(look);
      look();
    });
  }
}

export interface StartingGateway extends Pick<GatewayProcess, 'ended' | 'signal'> {
  /** Resolves once it listens; rejects with what it said when it ended instead. */
  readonly up: Promise<GatewayProcess>;
}

/** A gateway as it runs in the field: `strikeplate run`, a process of its own. */
export class GatewayProcess {
  readonly api: ApiCaller;
  /** What became of it, once it is no more. */
  readonly ended: Promise<ProcessEnd>;
  readonly #process: CliProcess;

  /** Resolves once it listens. @throws Error with what it said when it ended instead */
  static start(box: GatewayBox, options: ProcessOptions = {}): Promise<GatewayProcess> {
    return GatewayProcess.begin(box, options).up;
  }

  /** Starts it, for who does not wait until it listens. */
  static begin(box: GatewayBox, options: ProcessOptions = {}): StartingGateway {
    const process = new CliProcess(['run', '--config', box.configFile], options);
    const up = async () => {
      const listens = process.said(/listens on (\S+)/);
      const end = await Promise.race([listens.then(() => undefined), process.ended]);
      if (end !== undefined) throw new Error(`the gateway ended with ${end.code ?? end.signal}: ${end.stderr}`);
      return new GatewayProcess(process, new ApiCaller((await listens)[1] ?? '', box.key));
    };
    return { up: up(), ended: process.ended, signal: (signal) => void process.child.kill(signal) };
  }

  /** Use {@link GatewayProcess.start}. */
  constructor(process: CliProcess, api: ApiCaller) {
    this.#process = process;
    this.api = api;
    this.ended = process.ended;
  }

  /** Everything it has said so far: its log, and what it tells people. */
  get said(): string {
    return this.#process.stdout + this.#process.stderr;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.child.kill(signal);
  }

  /** Ends it, politely unless told otherwise. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessEnd> {
    this.signal(signal);
    return this.ended;
  }
}
