import { type ChildProcess, spawn } from 'node:child_process';
import type { Environment } from '../config/environment.ts';

/** Tells systemd how the service is: sd_notify(3). Without systemd nothing is told. */
export interface ServiceManager {
  /** The service does its work from now on; the watchdog is fed as long as the event loop turns. */
  ready(status: string): void;
  /** It is ending, in order. */
  stopping(): Promise<void>;
}

/** How long the last message may take, in milliseconds. A guess: it is one exec of a small program. */
const farewellMs = 1_000;

/** The share of the watchdog's time between two signs of life. sd_watchdog_enabled(3) recommends half or less. */
const watchdogShare = 1 / 3;

/**
 * Node.js cannot send to a datagram socket of the file system, which is what systemd listens on. So one shell waits
 * beside the gateway and hands each line on to systemd-notify, which is there wherever systemd is. The gateway itself
 * forks once, at start. docs/decisions/0050 tells what else was weighed.
 */
const messenger = 'while IFS= read -r message; do systemd-notify "$message"; done';

export function serviceManager(env: Environment): ServiceManager {
  if (!env.NOTIFY_SOCKET) return { ready: () => undefined, stopping: async () => undefined };
  const { NOTIFY_SOCKET, PATH = '/usr/bin:/bin' } = env;
  const shell = spawn('/bin/sh', ['-c', messenger], {
    env: { NOTIFY_SOCKET, PATH },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  // Neither keeps the process alive, and neither may end it: without a messenger the watchdog does its work.
  shell.unref();
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  const tell = (message: string) => {
    if (shell.stdin.writable) shell.stdin.write(`${message}\n`);
  };
  let heartbeat: NodeJS.Timeout | undefined;
  return {
    ready(status) {
      tell(`STATUS=${oneLine(status)}`);
      tell('READY=1');
      const limitMs = watchdogLimitMs(env);
      if (limitMs !== undefined) heartbeat = setInterval(() => tell('WATCHDOG=1'), limitMs * watchdogShare).unref();
    },
    async stopping() {
      clearInterval(heartbeat);
      tell('STOPPING=1');
      shell.stdin.end();
      await ended(shell);
    },
  };
}

/** Milliseconds within which a sign of life is due; undefined when none is. */
function watchdogLimitMs(env: Environment): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env;
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return undefined;
  const microseconds = Number(WATCHDOG_USEC);
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1_000 : undefined;
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ');

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, farewellMs);
    child.once('exit', () => {
      clearTimeout(limit);
      resolve();
    });
  });
}
