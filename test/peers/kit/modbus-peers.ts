import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { peerProgram } from './peer-program.ts';

const source = (name: string) => join(import.meta.dirname, '../serial', name);

/** Units that are not ours, on a tty. */
export interface ModbusPeer {
  readonly name: string;
  readonly noiseUnit: number;
  /** True when its programs are here. */
  readonly possible: boolean;
  /** Program and arguments before tty and baud rate. @param folder for what is compiled */
  command(folder: string): readonly string[];
}

// Debian's own: pymodbus is installed for it, whatever other Python is first on the PATH.
const python = '/usr/bin/python3';

function pythonHas(...modules: string[]): boolean {
  const found = spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0;
  if (!found && process.env.CI) throw new Error('Run: apt-get install -y python3-pymodbus python3-serial-asyncio');
  return found;
}

function libmodbusFlags(): readonly string[] | undefined {
  const pkgConfig = peerProgram('pkg-config', 'pkg-config');
  const compiler = peerProgram('gcc', 'gcc libc6-dev');
  if (pkgConfig === undefined || compiler === undefined) return undefined;
  const found = spawnSync(pkgConfig, ['--cflags', '--libs', 'libmodbus'], { encoding: 'utf8' });
  if (found.status === 0) return found.stdout.trim().split(/\s+/);
  if (process.env.CI) throw new Error('Run: apt-get install -y libmodbus-dev');
  return undefined;
}

const flags = libmodbusFlags();

export const modbusPeers: readonly ModbusPeer[] = [
  {
    name: 'pymodbus',
    noiseUnit: 2,
    possible: pythonHas('pymodbus', 'serial_asyncio'),
    command: () => [python, source('pymodbus_units.py')],
  },
  {
    name: 'libmodbus',
    noiseUnit: 1,
    possible: flags !== undefined,
    command(folder) {
      const program = join(folder, 'libmodbus_unit');
      execFileSync('gcc', ['-Wall', '-Werror', '-O1', '-o', program, source('libmodbus_unit.c'), ...(flags ?? [])]);
      return [program];
    },
  },
];

export interface RelayEvent {
  readonly relay: number;
  readonly on: boolean;
  /** Milliseconds on the unit's own clock. */
  readonly at: number;
}

/** A relay board and a noise transmitter in a process that is not ours. */
export class ModbusUnits {
  readonly relays: RelayEvent[] = [];
  /** Milliseconds of every pulse that was ordered. */
  readonly pulses: number[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'modbus-'));
  readonly #peer: ModbusPeer;
  #process: ChildProcess | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(peer: ModbusPeer) {
    this.#peer = peer;
  }

  async start(tty: string, baudRate: number): Promise<void> {
    const [program = '', ...words] = this.#peer.command(this.#folder);
    const child = spawn(program, [...words, tty, String(baudRate)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`${this.#peer.name} ended with ${code}: ${said}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line === 'ready') resolve();
        else this.#take(line);
      });
    });
  }

  /** Somebody opens or closes the door, whose contact is on while it is closed. */
  setInput(input: number, on: boolean): void {
    this.#process?.stdin?.write(`input ${input} ${on ? 'on' : 'off'}\n`);
  }

  setLevel(decibels: number): void {
    this.#process?.stdin?.write(`level ${Math.round(decibels * 10)}\n`);
  }

  isOn(relay: number): boolean {
    return this.relays.findLast((event) => event.relay === relay)?.on ?? false;
  }

  /** Resolves as soon as the relay stands so. */
  async untilRelay(relay: number, on: boolean): Promise<void> {
    while (this.isOn(relay) !== on) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #take(line: string): void {
    const [what, first, second, at] = line.split(' ');
    if (what === 'pulse') this.pulses.push(Number(second));
    else if (what === 'relay') this.relays.push({ relay: Number(first), on: second === 'on', at: Number(at) });
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
