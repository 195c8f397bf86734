import { z } from 'zod';

/**
 * Text for people. It stands in logs, in lists and on terminals, and SQLite ends a text at its first NUL: control
 * characters would forge a line, or lose what follows them.
 */
export const oneLine = z.string().regex(/^\P{Cc}*$/u, 'Give one line without control characters');

/** A point in time. Without a zone nobody could know which one was meant. */
export const moment = z.iso.datetime({
  offset: true,
  error: 'Give a time in ISO 8601 with its zone, such as 2030-05-01T15:00:00Z or 2030-05-01T17:00:00+02:00',
});
