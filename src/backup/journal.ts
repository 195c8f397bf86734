import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { keepOwner } from '../store/keep-owner.ts';

const entry = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('made'),
    /** Milliseconds since the Unix epoch. */
    at: z.int(),
    by: z.enum(['cli', 'schedule']),
    bytes: z.int(),
    sha256: z.string(),
  }),
  z.strictObject({ kind: z.literal('restored'), at: z.int(), made_at: z.string() }),
]);

/** That a backup was made or put back. The gateway writes it into its audit log when it comes across it. */
export type JournalEntry = z.output<typeof entry>;

/** A guess: far more than are made between two looks. */
const KEPT = 100;

const fileOf = (stateDir: string): string => join(stateDir, 'backups.json');

/** Oldest first. A file that cannot be read is one that says nothing: it decides no door. */
export function readJournal(stateDir: string): JournalEntry[] {
  try {
    return z.array(entry).parse(JSON.parse(readFileSync(fileOf(stateDir), 'utf8')));
  } catch {
    return [];
  }
}

export function writeJournal(stateDir: string, added: JournalEntry): void {
  const file = fileOf(stateDir);
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify([...readJournal(stateDir), added].slice(-KEPT))}\n`, { mode: 0o600 });
  keepOwner(draft);
  renameSync(draft, file);
}
