import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The socket on which BlueZ's emulator gives each client an LE controller; the path is fixed. */
export const BTVIRT_SOCKET = '/tmp/bt-server-le';

/** Reset, and how a controller answers it. */
const RESET = Buffer.from('01030c00', 'hex');

/**
 * Starts BlueZ's emulator. It asks the kernel for its crypto sockets and drops every client where the kernel has none;
 * it uses them for encryption alone, which nothing here asks for, so inert ones are put in their place.
 * @param folder where the replacement is compiled to
 * @returns undefined, with the reason said, where it does not run
 */
export async function startBtvirt(
  btvirt: string,
  gcc: string | undefined,
  folder: string,
): Promise<ChildProcess | string> {
  const plain = await tryBtvirt(btvirt, {});
  if (typeof plain !== 'string') return plain;
  if (gcc === undefined) return `${plain}, and there is no gcc to mend it`;
  const library = join(folder, 'inert-crypto-sockets.so');
  const source = new URL('./inert-crypto-sockets.c', import.meta.url).pathname;
  execFileSync(gcc, ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  return tryBtvirt(btvirt, { LD_PRELOAD: library });
}

async function tryBtvirt(btvirt: string, extra: NodeJS.ProcessEnv): Promise<ChildProcess | string> {
  rmSync(BTVIRT_SOCKET, { force: true });
  const child = spawn(btvirt, ['-s'], { stdio: 'ignore', env: { ...process.env, ...extra } });
  for (let tries = 0; !existsSync(BTVIRT_SOCKET); tries++) {
    if (child.exitCode !== null || tries > 1_500) {
      child.kill();
      return 'btvirt does not start';
    }
    await pause(20);
  }
  if (await answers()) return child;
  child.kill();
  return 'btvirt drops its clients: this kernel has no crypto sockets';
}

/** True when a client gets a controller that answers. */
function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(BTVIRT_SOCKET);
    const done = (yes: boolean) => {
      clearTimeout(patience);
      socket.destroy();
      resolve(yes);
    };
    const patience = setTimeout(() => done(false), 30_000);
    socket.on('connect', () => socket.write(RESET));
    socket.on('data', () => done(true));
    socket.on('close', () => done(false));
    socket.on('error', () => done(false));
  });
}
