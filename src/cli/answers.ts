import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CommandError } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** The first line of a file. @throws CommandError */
export function answerIn(terminal: Pick<Terminal, 'cwd'>, file: string): string {
  try {
    return readFileSync(resolve(terminal.cwd, file), 'utf8').split('\n', 1)[0]?.trim() ?? '';
  } catch (cause) {
    throw new CommandError('failed', `The answer in ${file} cannot be read. Check that it is there and readable.`, {
      cause,
    });
  }
}

interface AnswerFiles {
  readonly pinFile?: string;
  readonly dskFile?: string;
}

/** What was given beforehand, by the question's name. */
export async function readAnswers(terminal: Terminal, files: AnswerFiles): Promise<ReadonlyMap<string, string>> {
  const answers = new Map<string, string>();
  if (files.pinFile !== undefined) answers.set('pin', answerIn(terminal, files.pinFile));
  if (files.dskFile !== undefined) answers.set('dsk', answerIn(terminal, files.dskFile));
  return answers;
}

/** SmartStart needs a DSK before anything begins. @throws CommandError where nobody can be asked */
export async function askedDsk(
  terminal: Terminal,
  { dskFile }: AnswerFiles,
): Promise<Readonly<Record<string, object>>> {
  if (dskFile !== undefined) return {};
  const dsk = await terminal.ask?.('The DSK, eight groups of five digits, as printed on the device:', { secret: true });
  if (dsk !== undefined) return { answers: { dsk: dsk.trim() } };
  throw new CommandError('usage', 'Nobody can be asked here for the DSK. Give it in a file: --dsk-file FILE');
}
