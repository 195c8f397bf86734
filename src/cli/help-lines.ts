/** Columns of help: a terminal has eighty at the least. */
export const HELP_WIDTH = 80;

/** Fits help to the width: prose is filled anew, and a command line goes on below after a backslash. */
export function fitHelp(text: string): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const flush = () => {
    const isWide = paragraph.some((line) => line.length > HELP_WIDTH);
    lines.push(...(isWide ? filled(paragraph.join(' ').split(' '), '', '') : paragraph));
    paragraph = [];
  };
  for (const line of text.split('\n')) {
    const indent = /^ */.exec(line)?.[0] ?? '';
    if (indent === '' && line !== '') {
      paragraph.push(line);
      continue;
    }
    flush();
    const isCommand = line.trimStart().startsWith('strikeplate ');
    if (line.length <= HELP_WIDTH || !isCommand) lines.push(line);
    else lines.push(...filled(line.trim().split(' '), indent, ' \\'));
  }
  flush();
  return lines.join('\n');
}

/** @param end at each line that goes on */
function filled(words: readonly string[], indent: string, end: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of words) {
    const longer = line.trim() === '' ? `${line}${word}` : `${line} ${word}`;
    if (longer.length + end.length <= HELP_WIDTH || line.trim() === '') {
      line = longer;
      continue;
    }
    lines.push(`${line}${end}`);
    line = `${indent}${end === '' ? '' : '  '}${word}`;
  }
  return [...lines, line];
}
