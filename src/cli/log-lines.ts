import type { Environment } from '../config/environment.ts';

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
