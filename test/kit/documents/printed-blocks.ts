import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const repository = join(import.meta.dirname, '../../..');
export const read = (file: string): string => readFileSync(join(repository, file), 'utf8');

/** What a document prints between two fences. */
export interface PrintedBlock {
  readonly document: string;
  /** Of the opening fence, counted from 1. */
  readonly line: number;
  readonly language: string;
  /** What stands behind the language: the file's name. */
  readonly file: string;
  /** Without the fence's indentation. */
  readonly text: string;
}

export const named = ({ document, line }: PrintedBlock): string => `${document}:${line}`;

/** Every document there is, but for the changelog and what a decision says of its own day. */
function allDocuments(): string[] {
  const below = (folder: string) =>
    readdirSync(join(repository, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map((entry) => relative(repository, join(entry.parentPath, entry.name)));
  const all = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...['docs', 'drivers', 'src', 'test'].flatMap(below)];
  return all.filter((file) => !file.startsWith('docs/decisions/')).sort();
}

export const documents: readonly string[] = allDocuments();

function blocksIn(document: string): PrintedBlock[] {
  const found: PrintedBlock[] = [];
  let open:
    | { readonly line: number; readonly indent: string; readonly info: string; readonly text: string[] }
    | undefined;
  for (const [index, line] of read(document).split('\n').entries()) {
    const [, indent = '', info = ''] = /^( *)```(.*)$/.exec(line) ?? [undefined];
    if (!/^ *```/.test(line)) open?.text.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    else if (open === undefined) open = { line: index + 1, indent, info, text: [] };
    else {
      const [language = '', file = ''] = open.info.split(' ');
      found.push({ document, line: open.line, language, file, text: `${open.text.join('\n')}\n` });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${document}:${open.line} is not closed`);
  return found;
}

export const printedBlocks: readonly PrintedBlock[] = documents.flatMap(blocksIn);

/** Commands as they stand in a sentence: ours, and those of the tools that a reader would type. */
export const printedInline: readonly { readonly document: string; readonly command: string }[] = documents.flatMap(
  (document) =>
    [
      ...read(document)
        .replace(/^ *```[\s\S]*?^ *```$/gm, '')
        .matchAll(/`((?:strikeplate|npm|npx|systemctl|journalctl|docker) [^`]+)`/g),
    ].map(([, command = '']) => ({
      document,
      command: command.replace(/\s+/g, ' '),
    })),
);

const drawing = ({ text }: PrintedBlock): boolean => /[│▼▲►]|\+-{5,}\+/.test(text);

/** Which test runs a block, and what of it. The first that fits counts. */
export const runs: readonly {
  readonly by: string;
  readonly what: string;
  readonly takes: (block: PrintedBlock) => boolean;
}[] = [
  { by: 'nobody', what: 'a drawing: there is nothing to run', takes: drawing },
  {
    by: 'test/contract/guide.test.ts',
    what: 'the driver that the guide prints, built and put through the suite',
    takes: ({ document, language }) => document === 'docs/writing-a-driver.md' && language === 'ts',
  },
  {
    by: 'test/scenarios/for-applications.test.ts',
    what: 'an application, compiled and run with the official client',
    takes: ({ document, language }) => document === 'docs/for-applications.md' && language === 'ts',
  },
  {
    by: 'test/peers/documents.test.ts',
    what: 'answers for a set-up, by which a whole box is set up',
    takes: ({ text }) => text.startsWith('# answers.yaml'),
  },
  {
    by: 'test/house/printed-types.test.ts',
    what: 'TypeScript, compiled',
    takes: ({ language }) => language === 'ts',
  },
  {
    by: 'test/house/printed-commands.test.ts',
    what: 'commands, each taken by its own parser, by the gateway or by a shell',
    takes: ({ language }) => language === 'sh',
  },
  {
    by: 'test/house/printed-output.test.ts',
    what: 'what commands and streams print, compared with what they print',
    takes: ({ language, document }) => language === 'text' || (document === 'docs/monitoring.md' && language === ''),
  },
  {
    by: 'test/house/printed-data.test.ts',
    what: 'configurations and bodies, read by what reads them',
    takes: ({ language, document }) => ['yaml', 'json', ''].includes(language) && document !== 'docs/monitoring.md',
  },
  {
    by: 'test/house/printed-commands.test.ts',
    what: 'commands over MQTT of Home Assistant, taken by the gateway',
    takes: ({ language, document }) => language === 'yaml' && document === 'docs/monitoring.md',
  },
];

export const blocksRunBy = (test: string): readonly PrintedBlock[] =>
  printedBlocks.filter((block) => runs.find(({ takes }) => takes(block))?.by === test);
