import { type Logger, pino } from 'pino';

export interface RecordedLog {
  readonly logger: Logger;
  /** Every line, of every level, as it would have been written, without time and process: their digits are nobody's. */
  readonly lines: readonly Record<string, unknown>[];
  /** All lines as one text: for searching what must not be there. */
  readonly text: string;
}

/** A logger that keeps what it is given, so that a test can read it. */
export function recordLog(): RecordedLog {
  const written: string[] = [];
  const logger = pino(
    { level: 'trace', base: null, timestamp: false },
    { write: (line: string) => void written.push(line) },
  );
  return {
    logger,
    get lines() {
      return written.map((line) => JSON.parse(line));
    },
    get text() {
      return written.join('');
    },
  };
}
