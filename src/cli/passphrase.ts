import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Secret } from '../contract/index.ts';
import { CommandError } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** A backup may lie where others can try passphrases for years. A guess: four words, or twelve letters at random. */
const LEAST_LENGTH = 12;

/**
 * The passphrase of a backup: from a file, or asked for; never from the command line, which every process can read.
 * @param isNew it is going to protect something: it must be long, and is asked for twice
 * @throws CommandError
 */
export async function passphraseFor(
  terminal: Terminal,
  file: string | undefined,
  { isNew }: { readonly isNew: boolean },
): Promise<Secret> {
  const text = file === undefined ? await asked(terminal, isNew) : inFile(resolve(terminal.cwd, file));
  if (isNew && text.length < LEAST_LENGTH)
    throw new CommandError(
      'usage',
      `The passphrase has ${text.length} characters; it must have ${LEAST_LENGTH} at least. Four random words are easy to write down.`,
    );
  if (text === '') throw new CommandError('usage', 'The passphrase is empty.');
  return new Secret(text);
}

async function asked({ ask }: Terminal, isNew: boolean): Promise<string> {
  if (ask === undefined)
    throw new CommandError(
      'usage',
      'Nobody can be asked for the passphrase here. Give it with --passphrase-file FILE.',
    );
  const text = (await ask('Passphrase:', { secret: true })).trim();
  if (!isNew) return text;
  if ((await ask('Once more:', { secret: true })).trim() !== text)
    throw new CommandError('usage', 'The two were not the same. Nothing was done.');
  return text;
}

function inFile(file: string): string {
  try {
    if ((statSync(file).mode & 0o007) !== 0)
      throw new CommandError('usage', `Everybody on this machine can read ${file}. Run: chmod o= ${file}`);
    return (readFileSync(file, 'utf8').split('\n', 1)[0] ?? '').trim();
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError('failed', `The passphrase in ${file} cannot be read. Check that it is there and readable.`, {
      cause,
    });
  }
}
