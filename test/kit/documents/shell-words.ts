/** One program with its words, as a shell would start it. */
export interface TypedCommand {
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

/**
 * Splits what is typed into commands, as a shell does: words and quotes, comments, `&&`, `|`, `;`, what stands in `$(…)`, and
 * lines that go on. Nothing is expanded; `$(…)` stands as `$()` in its word, and its command comes first.
 */
export function typedCommands(text: string): TypedCommand[] {
  const commands: TypedCommand[] = [];
  for (const line of text.replace(/\\\n\s*/g, ' ').split('\n')) commands.push(...commandsInLine(line));
  return commands;
}

function commandsInLine(line: string): TypedCommand[] {
  const commands: TypedCommand[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let quote = '';
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    const first = words.findIndex((one) => !/^[A-Z_]+=/.test(one));
    const env = Object.fromEntries(words.slice(0, first).map((one) => one.split(/=(.*)/s)));
    if (first >= 0) commands.push({ env, words: words.slice(first) });
    words = [];
  };
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? '';
    if (line.startsWith('$(', at) && quote !== "'") {
      const end = line.indexOf(')', at);
      commands.push(...commandsInLine(line.slice(at + 2, end)));
      word = `${word ?? ''}$()`;
      at = end;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) endWord();
    else if (char === '#' && word === undefined) break;
    else if (char === '|' || char === ';' || line.startsWith('&&', at)) {
      endCommand();
      if (char === '&') at += 1;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') throw new Error(`a quote is not closed: ${line}`);
  endCommand();
  return commands;
}
