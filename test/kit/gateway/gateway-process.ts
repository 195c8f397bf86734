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

/** A program that runs in a process of its own, and everything it has said so far. */
export abstract class SpokenProgram {
  stdout = '';
  stderr = '';
  abstract readonly ended: Promise<ProcessEnd>;
  readonly #listeners = new Set<() => void>();

  abstract kill(signal: NodeJS.Signals): void;

  protected hear(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    for (const listener of this.#listeners) listener();
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

/** The program as built. */
class CliProcess extends SpokenProgram {
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], { env = {}, imports = [] }: ProcessOptions) {
    super();
    const words = [...imports.flatMap((file) => ['--import', file]), cli, ...args];
    // Nothing of the environment of whoever runs the tests but what starts a program.
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, words, { env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stdout.on('data', (bytes: Buffer) => this.hear('stdout', bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => this.hear('stderr', bytes.toString()));
    this.ended = new Promise((resolve) => {
      // Not `exit`: what it said last is still to come then.
      child.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
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
  readonly #process: SpokenProgram;

  /** Resolves once it listens. @throws Error with what it said when it ended instead */
  static start(box: GatewayBox, options: ProcessOptions = {}): Promise<GatewayProcess> {
    return GatewayProcess.begin(box, options).up;
  }

  /** Starts it, for who does not wait until it listens. */
  static begin(box: GatewayBox, options: ProcessOptions = {}): StartingGateway {
    return GatewayProcess.of(new CliProcess(['run', '--config', box.configFile], options), box);
  }

  /** What somebody else has started with `run` in this box. */
  static of(program: SpokenProgram, box: GatewayBox): StartingGateway {
    const up = async () => {
      const listens = program.said(/listens on (\S+)/);
      const end = await Promise.race([listens.then(() => undefined), program.ended]);
      if (end !== undefined) throw new Error(`the gateway ended with ${end.code ?? end.signal}: ${end.stderr}`);
      return new GatewayProcess(program, new ApiCaller((await listens)[1] ?? '', box.key));
    };
    return { up: up(), ended: program.ended, signal: (signal) => program.kill(signal) };
  }

  /** Use {@link GatewayProcess.start}. */
  constructor(process: SpokenProgram, api: ApiCaller) {
    this.#process = process;
    this.api = api;
    this.ended = process.ended;
  }

  /** Everything it has said so far: its log, and what it tells people. */
  get said(): string {
    return this.#process.stdout + this.#process.stderr;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends it, politely unless told otherwise. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessEnd> {
    this.signal(signal);
    return this.ended;
  }
}
