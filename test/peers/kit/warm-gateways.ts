import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { GatewayBox } from '../../kit/gateway/gateway-box.ts';
import {
  GatewayProcess,
  type ProcessEnd,
  type ProcessOptions,
  SpokenProgram,
  type StartingGateway,
} from '../../kit/gateway/gateway-process.ts';

const source = fileURLToPath(new URL('./warm-fork.c', import.meta.url));
const parent = fileURLToPath(new URL('./warm-gateway.mjs', import.meta.url));

/**
 * Starts the built gateway at less than half of the cost: a process that has loaded its modules makes a child of itself,
 * which goes on with a command line as the program does. Each is a process with a database, a broker and threads of its
 * own, to be killed as any other.
 */
export class WarmGateways {
  readonly #folder = mkdtempSync(join(tmpdir(), 'strikeplate-warm-'));
  /** In the order in which they were asked for, which is that of their numbers. */
  readonly #programs: WarmProgram[] = [];
  /** How many of them have a process id. */
  #made = 0;
  readonly #server: Server;
  readonly #parent: ReturnType<typeof spawnParent>;

  /** @param gcc compiles what makes the child */
  static async make(gcc: string, options: ProcessOptions = {}): Promise<WarmGateways> {
    const warm = new WarmGateways(gcc, options);
    await once(warm.#server, 'listening');
    return warm;
  }

  /** Use {@link WarmGateways.make}. */
  constructor(gcc: string, options: ProcessOptions) {
    const addon = join(this.#folder, 'warm-fork.node');
    execFileSync(gcc, ['-Wall', '-Werror', '-O1', '-shared', '-fPIC', '-o', addon, source, '-ldl']);
    const socket = join(this.#folder, 'said');
    this.#server = createServer((connection) => this.#hear(connection)).listen(socket);
    this.#parent = spawnParent(addon, socket, options);
    createInterface({ input: this.#parent.stdout }).on('line', (pid) => {
      this.#programs[this.#made++]?.is(Number(pid));
    });
  }

  begin(box: GatewayBox): StartingGateway {
    const program = new WarmProgram();
    this.#programs.push(program);
    this.#parent.stdin.write(`${JSON.stringify(['run', '--config', box.configFile])}\n`);
    return GatewayProcess.of(program, box);
  }

  async close(): Promise<void> {
    for (const program of this.#programs) program.kill('SIGKILL');
    const gone = once(this.#parent, 'close');
    this.#parent.kill('SIGKILL');
    await gone;
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The first line says whose it is. */
  #hear(connection: Socket): void {
    let said = '';
    const listen = (bytes: Buffer) => {
      said += bytes.toString();
      const line = /^(\d+) (stdout|stderr)\n/.exec(said);
      if (line === null) return;
      connection.off('data', listen);
      const stream = line[2] === 'stderr' ? 'stderr' : 'stdout';
      this.#programs[Number(line[1])]?.listen(stream, connection, said.slice(line[0].length));
    };
    connection.on('data', listen).on('error', () => undefined);
  }
}

/** A child of the warm process. */
class WarmProgram extends SpokenProgram {
  readonly ended: Promise<ProcessEnd>;
  #finish: (end: ProcessEnd) => void = () => undefined;
  #pid: number | undefined;
  #wanted: NodeJS.Signals | undefined;
  /** The signal that reached it last. */
  #signal: NodeJS.Signals | null = null;
  #streams = 2;

  constructor() {
    super();
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  is(pid: number): void {
    this.#pid = pid;
    if (this.#wanted !== undefined) this.kill(this.#wanted);
  }

  /** Its sockets close with it: nobody else has them. */
  listen(stream: 'stdout' | 'stderr', connection: Socket, first: string): void {
    this.hear(stream, first);
    connection.on('data', (bytes: Buffer) => this.hear(stream, bytes.toString()));
    connection.once('close', () => {
      this.#streams -= 1;
      const { stdout, stderr } = this;
      if (this.#streams === 0) this.#finish({ code: null, signal: this.#signal, stdout, stderr });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#wanted = signal;
    if (this.#pid === undefined) return;
    try {
      process.kill(this.#pid, signal);
      this.#signal = signal;
    } catch {
      // It has ended by itself, which its end tells.
    }
  }
}

function spawnParent(addon: string, socket: string, { env = {}, imports = [] }: ProcessOptions) {
  // Children have no thread of their parent but the main one; what is compiled beforehand, each of them has compiled.
  const flags = ['--single-threaded', '--no-lazy', '--no-flush-bytecode'];
  const loaded = imports.flatMap((file) => ['--import', file]);
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, [...flags, ...loaded, parent, addon, socket], {
    env: { PATH, HOME, ...env, LD_PRELOAD: addon },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}
