import type { Clock } from '../../../src/contract/index.ts';
import { commands, statusCodes } from './catalogue.ts';
import { requestLogEntries, type SecurityPin } from './codec-commands.ts';
import { type LogEntry, readLogEntry, readStatus } from './codec-replies.ts';
import { type Conversation, REPLY_MS } from './conversation.ts';
import { refusal, silent } from './failures.ts';

/** Entries asked for at a time, so that a door of another lock on the same adapter waits half a second at most. */
export const LOG_PAGE = 10;

export interface LogPage {
  /** Newest first. */
  readonly entries: readonly LogEntry[];
  /** Nothing older is in the lock's log. */
  readonly isLast: boolean;
}

/**
 * Asks for entries of the lock's log, the newest first. A page that was cut short or refused is none: what is missing
 * of it must not pass for what did not happen.
 *
 * @param startIndex from this entry on to older ones; 0 from the newest
 * @throws GatewayError what the lock said instead, or `device_offline`
 */
export async function askLogPage(
  conversation: Conversation,
  { clock, deviceName }: { readonly clock: Clock; readonly deviceName: string },
  startIndex: number,
  pin: SecurityPin,
): Promise<LogPage> {
  const request = { startIndex, count: LOG_PAGE, newestFirst: true };
  await conversation.send(requestLogEntries(request, await conversation.challenge(), pin));
  const entries: LogEntry[] = [];
  for (;;) {
    const arrival = await conversation.next(clock.now() + REPLY_MS);
    if (arrival === undefined) {
      // Whether COMPLETE follows a full page is not documented.
      if (entries.length >= LOG_PAGE) return { entries: newestFirst(entries), isLast: false };
      throw silent(deviceName, 'while telling of its log');
    }
    if (arrival.kind === 'error') {
      const { command, code } = arrival.report;
      if (command === commands.requestLogEntries || command === 0) throw refusal(deviceName, code);
      continue;
    }
    const { command, payload } = arrival.message;
    if (command === commands.logEntry) entries.push(readLogEntry(payload));
    if (command === commands.status && readStatus(payload) === statusCodes.complete)
      return { entries: newestFirst(entries), isLast: entries.length < LOG_PAGE };
  }
}

const newestFirst = (entries: readonly LogEntry[]): readonly LogEntry[] =>
  entries.toSorted((a, b) => b.index - a.index);
