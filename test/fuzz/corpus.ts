import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const fileOf = (target: string) => join(import.meta.dirname, 'corpus', `${target}.txt`);

/** The inputs that a target begins from: texts as they are, bytes after `hex:`; one a line, `#` begins a remark. */
export function corpusOf(target: string): readonly Buffer[] {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => (line.startsWith('hex:') ? Buffer.from(line.slice(4), 'hex') : Buffer.from(line)));
}

/** Keeps an input that showed a fault, so that it is tried at each run from then on. */
export function keep(target: string, input: Buffer, why: string): void {
  appendFileSync(fileOf(target), `# ${why.replaceAll('\n', ' ').slice(0, 100)}\nhex:${input.toString('hex')}\n`);
}
