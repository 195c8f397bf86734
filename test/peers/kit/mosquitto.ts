import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../kit/free-port.ts';
import { peerProgram } from './peer-program.ts';

export const mosquittoProgram = peerProgram('mosquitto', 'mosquitto');
export const mosquittoSub = peerProgram('mosquitto_sub', 'mosquitto-clients');

export interface MosquittoOptions {
  /** Lines of its configuration besides the listener. Default: everybody is let in. */
  readonly lines?: readonly string[];
  /** Default 127.0.0.1 */
  readonly host?: string;
  /** A command that goes before, for example `ip netns exec NAME`. */
  readonly wrapper?: readonly string[];
}

/** The real broker, on a free port. Its log is printed when it does not start. */
export class Mosquitto {
  readonly port: number;
  readonly host: string;
  /** For files that go with the configuration. */
  readonly folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  readonly #options: MosquittoOptions;
  #process: ChildProcess | undefined;

  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort(), options);
    await broker.start();
    return broker;
  }

  constructor(port: number, options: MosquittoOptions = {}) {
    this.port = port;
    this.host = options.host ?? '127.0.0.1';
    this.#options = options;
  }

  get url(): string {
    return `mqtt://${this.host}:${this.port}`;
  }

  async start(): Promise<void> {
    if (mosquittoProgram === undefined)
      throw new Error('mosquitto is not installed. Run: apt-get install -y mosquitto mosquitto-clients');
    const configuration = join(this.folder, 'mosquitto.conf');
    const lines = [
      'user root',
      'log_dest stderr',
      'set_tcp_nodelay true',
      `listener ${this.port} ${this.host}`,
      ...(this.#options.lines ?? ['allow_anonymous true']),
    ];
    writeFileSync(configuration, `${lines.join('\n')}\n`);
    const [command = '', ...words] = [...(this.#options.wrapper ?? []), mosquittoProgram, '-c', configuration];
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    const log: string[] = [];
    const output = createInterface({ input: child.stderr });
    await new Promise<void>((resolve, reject) => {
      output.on('line', (line) => {
        log.push(line);
        if (line.endsWith('running')) resolve();
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`mosquitto ended with ${code}:\n${log.join('\n')}`)));
    });
    child.removeAllListeners('exit');
  }

  /** Makes it read passwords and access rules anew. mosquitto(8): SIGHUP. */
  reload(): void {
    this.#process?.kill('SIGHUP');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
