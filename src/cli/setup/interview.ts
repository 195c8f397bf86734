import { CommandError } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

/** What somebody said, by question: text, or a list of texts. */
export type SetupAnswers = Readonly<Record<string, string | readonly string[]>>;

export interface Question {
  /** Its name in an answer file. */
  readonly key: string;
  readonly text: string;
  /** What is meant when nothing is said; undefined where something must be. */
  readonly usual?: string | undefined;
  /** The words there are to choose from, and what each means. */
  readonly choices?: readonly (readonly [word: string, meaning: string])[];
  /** Several of the words, with commas between. */
  readonly several?: boolean;
  /** @returns what is wrong with it */
  readonly check?: (answer: string) => string | undefined;
}

export interface InterviewOptions {
  readonly terminal: Terminal;
  /** From an answer file: they are not asked again. */
  readonly given: SetupAnswers;
  /** From a set-up that was interrupted. */
  readonly earlier: SetupAnswers;
  /** Take what is usual where nothing was given, and ask nobody. */
  readonly yes: boolean;
  /** Keeps what was said, so that an interruption loses nothing. */
  readonly keep: (answers: SetupAnswers) => void;
}

/** Asks, or looks up what was answered before. */
export class Interview {
  readonly #options: InterviewOptions;
  readonly #said: Record<string, string | readonly string[]>;

  constructor(options: InterviewOptions) {
    this.#options = options;
    this.#said = { ...options.earlier };
  }

  /** Nobody is to be asked. */
  get isSilent(): boolean {
    return this.#options.yes;
  }

  /** @throws CommandError where nobody can be asked, or an answer that was given is no answer */
  async ask(question: Question): Promise<string> {
    const { given, yes, terminal, keep } = this.#options;
    const { key, usual } = question;
    const known = given[key] ?? this.#said[key];
    if (known !== undefined) {
      const answer = typeof known === 'string' ? known.trim() : known.join(',');
      const wrong = wrongWith(question, answer);
      if (wrong !== undefined)
        throw new CommandError('usage', `The answer to ${key}, "${answer}", cannot be: ${wrong}`);
      return answer;
    }
    if (yes) {
      if (usual === undefined)
        throw new CommandError(
          'usage',
          `There is no usual answer to ${key}. Give one with --answers FILE: ${question.text}`,
        );
      return usual;
    }
    const answer = await this.#askSomebody(question);
    this.#said[key] = answer;
    keep(this.#said);
    terminal.err('');
    return answer;
  }

  async confirm(question: Omit<Question, 'choices' | 'usual'> & { readonly usual: boolean }): Promise<boolean> {
    const usual = question.usual ? 'yes' : 'no';
    const check = (answer: string) => (/^(?:y|yes|n|no|true|false)$/i.test(answer) ? undefined : 'say yes or no.');
    return /^(?:y|yes|true)$/i.test(await this.ask({ ...question, usual, check }));
  }

  /** Something that is kept nowhere but where the caller puts it. */
  async askSecret(key: string, text: string): Promise<string> {
    const { yes, terminal } = this.#options;
    if (yes || terminal.ask === undefined)
      throw new CommandError(
        'usage',
        `${text} Nobody can be asked here: give ${key}_file in the answer file, a file that holds it.`,
      );
    for (;;) {
      const said = (await terminal.ask(text, { secret: true })).trim();
      if (said !== '') return said;
      terminal.err('It must not be empty.');
    }
  }

  async #askSomebody(question: Question): Promise<string> {
    const { terminal } = this.#options;
    const { text, usual, choices } = question;
    if (terminal.ask === undefined)
      throw new CommandError(
        'usage',
        `Nobody can be asked here (${question.key}). Take what is usual with --yes, or give answers with --answers FILE.`,
      );
    terminal.err(text);
    choices?.forEach(([word, meaning], index) => {
      terminal.err(`  ${index + 1}) ${word === meaning ? word : `${word}: ${meaning}`}`);
    });
    for (;;) {
      const prompt = usual === undefined || usual === '' ? '>' : `[${usual}] >`;
      const said = (await terminal.ask(prompt, { secret: false })).trim();
      const answer = said === '' && usual !== undefined ? usual : inWords(question, said);
      const wrong = wrongWith(question, answer);
      if (wrong === undefined) return answer;
      terminal.err(`That cannot be: ${wrong}`);
    }
  }
}

/** A number stands for the word in its line. */
function inWords({ choices, several }: Question, said: string): string {
  if (choices === undefined) return said;
  const parts = several ? said.split(',').map((part) => part.trim()) : [said];
  return parts.map((part) => (/^\d+$/.test(part) ? (choices[Number(part) - 1]?.[0] ?? part) : part)).join(',');
}

function wrongWith({ choices, several, check, usual }: Question, answer: string): string | undefined {
  if (answer === '' && usual !== '') return 'it must not be empty.';
  if (choices !== undefined && answer !== '') {
    const words = choices.map(([word]) => word);
    const strange = (several ? answer.split(',').map((part) => part.trim()) : [answer]).find(
      (one) => !words.includes(one),
    );
    if (strange !== undefined) return `"${strange}" is none of ${words.join(', ')}.`;
  }
  return check?.(answer);
}
