import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { logFormat, logLine } from './service-manager.ts';

function lines(format: 'text' | 'journal', write: (log: pino.Logger) => void): string {
  let said = '';
  const log = pino({ level: 'trace' }, { write: (line: string) => (said += logLine(line, format)) });
  write(log);
  return said;
}

describe('a line of the log', () => {
  it.each([
    ['fatal', 2],
    ['error', 3],
    ['warn', 4],
    ['info', 6],
    ['debug', 7],
    ['trace', 7],
  ] as const)('has in a journal the priority of %s', (level, priority) => {
    expect(lines('journal', (log) => log[level]({ broker: 'main' }, 'The broker is away'))).toBe(
      `<${priority}>The broker is away broker=main\n`,
    );
  });

  it('is a notice when it tells of a door', () => {
    expect(lines('journal', (log) => log.info({ notice: true, device: 'front' }, 'Front door is unlocked'))).toBe(
      '<5>Front door is unlocked device=front\n',
    );
  });

  it('carries a fault with each of its lines under the same priority, so that a filter shows it whole', () => {
    const error = new Error('no such thing');
    error.stack = 'Error: no such thing\n    at there';
    expect(lines('journal', (log) => log.error({ err: error }, 'It failed'))).toBe(
      '<3>It failed\n<3>Error: no such thing\n<3>    at there\n',
    );
  });

  it('quotes what would read as two fields, and a line break cannot make a line of its own', () => {
    expect(lines('journal', (log) => log.warn({ topic: 'a b\n<0>c' }, 'Heard'))).toBe('<4>Heard topic="a b\\n<0>c"\n');
    expect(lines('journal', (log) => log.warn('Heard\n<0>of it'))).toBe('<4>Heard\n<4><0>of it\n');
  });

  it('says the time to people on a terminal', () => {
    expect(lines('text', (log) => log.warn('The disk is full'))).toMatch(/^\d\d:\d\d:\d\d WARN {2}The disk is full\n$/);
  });

  it('stays JSON where a program reads it', () => {
    expect(logFormat('auto', {}, false)).toBe('json');
    expect(logFormat('auto', {}, true)).toBe('text');
    expect(logFormat('auto', { JOURNAL_STREAM: '8:1' }, false)).toBe('journal');
    expect(logFormat('text', { JOURNAL_STREAM: '8:1' }, false)).toBe('journal');
    expect(logFormat('json', { JOURNAL_STREAM: '8:1' }, true)).toBe('json');
  });
});
