import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** A tty at `link` that leads to a unix socket, made by socat. Resolves once it can be opened. */
export async function ttyTo(socat: string, link: string, socketPath: string): Promise<{ close(): void }> {
  const child: ChildProcess = spawn(socat, [`PTY,raw,echo=0,link=${link}`, `UNIX-CONNECT:${socketPath}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  for (let tries = 0; !existsSync(link); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error(`socat made no tty at ${link}: ${said.trim()}`);
    await pause(20);
  }
  return { close: () => void child.kill() };
}
