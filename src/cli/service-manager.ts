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

/** syslog(3): a journal reads `<N>` before a line as its priority. sd-daemon(3). */
const priorities = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
  [0, 7],
] as const;
/** What happened at a door is worth more than that the gateway runs: `notice`. */
const NOTICE = 5;

export type LogFormat = 'json' | 'text' | 'journal';

/** Lines for a journal where systemd reads them, for people on a terminal, and JSON for everything else. */
export function logFormat(chosen: 'auto' | 'json' | 'text', env: Environment, isTerminal: boolean): LogFormat {
  if (chosen === 'json') return 'json';
  if (env.JOURNAL_STREAM) return 'journal';
  return chosen === 'text' || isTerminal ? 'text' : 'json';
}

/** Fields that say where a line comes from rather than what happened. */
const own = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'name', 'notice', 'err', 'v']);

/**
 * One of pino's JSON lines as text: what happened, then the fields as `key=value`, then a fault's stack.
 * A line that is no JSON is passed on as it is.
 */
export function logLine(line: string, format: 'text' | 'journal'): string {
  const fields = parse(line);
  if (fields === undefined) return line;
  const level = typeof fields.level === 'number' ? fields.level : 30;
  const details = Object.entries(fields).flatMap(([key, value]) =>
    own.has(key) || value === undefined || value === null ? [] : [`${key}=${shown(value)}`],
  );
  const text = [String(fields.msg ?? ''), ...details].filter((part) => part !== '').join(' ');
  const stack = stackOf(fields.err);
  if (format === 'text') {
    const time = typeof fields.time === 'number' ? new Date(fields.time).toTimeString().slice(0, 8) : '';
    return `${time} ${word(level)} ${text}${stack}\n`.trimStart();
  }
  const priority = fields.notice === true ? NOTICE : (priorities.find(([from]) => level >= from)?.[1] ?? 7);
  return `${text}${stack}`
    .split('\n')
    .map((part) => `<${priority}>${part}\n`)
    .join('');
}

const word = (level: number) => (level >= 50 ? 'ERROR' : level >= 40 ? 'WARN ' : level >= 30 ? 'info ' : 'debug');

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
};

function stackOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  return typeof stack === 'string' ? `\n${stack}` : typeof message === 'string' ? `: ${message}` : '';
}
