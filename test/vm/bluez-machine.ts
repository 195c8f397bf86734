import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { GattPeripheral } from '../../src/contract/index.ts';
import { servePeripheral } from '../../src/simulation/radio/peripheral-host.ts';
import { BTVIRT_SOCKET } from '../peers/kit/btvirt.ts';
import { ttyTo } from '../peers/kit/ttys.ts';

/** btvirt tells of an advertising device when it begins to advertise, and never again: hence so often, in milliseconds. */
const ADVERTISE_MS = 400;
const BAUD_RATE = 1_000_000;

/** Waits for something outside this process. @throws Error when it has not come about in time */
export async function eventually(what: string, done: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const until = performance.now() + ms;
  while (!(await done())) {
    if (performance.now() > until) throw new Error(`not so after ${ms / 1_000} s: ${what}`);
    await pause(50);
  }
}

/** Runs a program to its end, while everything else goes on. @returns what it printed */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { encoding: 'utf8', timeout: 60_000 });
  return stdout;
}

/**
 * A machine's Bluetooth: the kernel's own stack on virtual controllers of BlueZ's emulator, D-Bus and bluetoothd. All of
 * it is root's, and everything is ended with the machine.
 */
export class BluezMachine {
  readonly #running = new Map<string, ChildProcess>();
  readonly #peripherals: (() => void)[] = [];

  /** Two adapters of the kernel, and controllers for peripherals behind a socket, all on one emulated air. */
  async plugIn(): Promise<void> {
    rmSync(BTVIRT_SOCKET, { force: true });
    const before = await this.adapters();
    this.#start('btvirt', 'btvirt', '-l2', '-L', '-s');
    const after = before.length + 2;
    await eventually('two adapters', async () => existsSync(BTVIRT_SOCKET) && (await this.adapters()).length === after);
  }

  /** The adapters go as pulled dongles do, and the peripherals with them. */
  async unplug(): Promise<void> {
    this.silence();
    await this.kill('btvirt');
    await eventually('no adapters', async () => (await this.adapters()).length === 0);
  }

  /** The kernel's names. */
  async adapters(): Promise<readonly string[]> {
    return [...(await run('hciconfig')).matchAll(/^(hci\d+):/gm)].map(([, name = '']) => name).sort();
  }

  /** The adapter that tests use. */
  async first(): Promise<string> {
    return (await this.adapters())[0] ?? '';
  }

  async addressOf(adapter: string): Promise<string> {
    return /BD Address: (\S+)/.exec(await run('hciconfig', adapter))?.[1]?.toLowerCase() ?? '';
  }

  async startBus(): Promise<void> {
    mkdirSync('/run/dbus', { recursive: true });
    rmSync('/run/dbus/system_bus_socket', { force: true });
    this.#start('dbus', 'dbus-daemon', '--system', '--nofork', '--nopidfile');
    await eventually('a system bus', () => existsSync('/run/dbus/system_bus_socket'));
  }

  async startBluetoothd(): Promise<void> {
    this.#start('bluetoothd', '/usr/libexec/bluetooth/bluetoothd', '-n');
    await this.power(await this.first(), true);
  }

  /** Switches an adapter on or off in BlueZ, as soon as bluetoothd has it. */
  async power(adapter: string, on: boolean): Promise<void> {
    const path = `/org/bluez/${adapter}`;
    const property = ['org.freedesktop.DBus.Properties', 'string:org.bluez.Adapter1', 'string:Powered'] as const;
    const ask = async (member: string, ...more: string[]): Promise<string> => {
      try {
        const [iface, ...which] = property;
        return await run(
          'dbus-send',
          '--system',
          '--print-reply',
          '--dest=org.bluez',
          path,
          `${iface}.${member}`,
          ...which,
          ...more,
        );
      } catch {
        return 'not yet';
      }
    };
    await eventually(`${adapter} is ${on ? 'on' : 'off'}`, async () => {
      if ((await ask('Get')).includes(`boolean ${on}`)) return true;
      await ask('Set', `variant:boolean:${on}`);
      return false;
    });
  }

  signal(name: 'btvirt' | 'dbus' | 'bluetoothd', signal: NodeJS.Signals): void {
    this.#running.get(name)?.kill(signal);
  }

  /** Ends a program without giving it time for anything. */
  async kill(name: 'btvirt' | 'dbus' | 'bluetoothd'): Promise<void> {
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** Serves a device on a controller of its own, which is no adapter of this machine's. @returns its address */
  async serve(peripheral: GattPeripheral): Promise<string> {
    const folder = mkdtempSync('/run/peripheral-');
    const tty = await ttyTo('socat', join(folder, 'tty'), BTVIRT_SOCKET);
    const running = await servePeripheral(peripheral, { uart: join(folder, 'tty'), baudRate: BAUD_RATE });
    const heard = setInterval(() => running.advertiseAnew(), ADVERTISE_MS);
    this.#peripherals.push(() => {
      clearInterval(heard);
      running.stop();
      tty.close();
    });
    return running.address;
  }

  /** Stops all peripherals. */
  silence(): void {
    for (const stop of this.#peripherals.splice(0)) stop();
  }

  async close(): Promise<void> {
    this.silence();
    for (const name of ['bluetoothd', 'btvirt', 'dbus'] as const) await this.kill(name);
  }

  #start(name: string, program: string, ...args: string[]): void {
    const child = spawn(program, args, { stdio: 'ignore' });
    child.on('error', (error) => {
      throw error;
    });
    this.#running.set(name, child);
  }
}
