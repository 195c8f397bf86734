/** Where in the document something is, as keys and list positions from the top. */
export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong with a configuration, before it is known where in the file it stands. */
export interface Finding {
  readonly path: ConfigPath;
  readonly message: string;
  /** Whether to point at the key or at what stands behind it. */
  readonly at: 'key' | 'value';
}

/** One thing that is wrong, or worth a look, with its place. */
export interface ConfigProblem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 code units. */
  readonly column: number;
  /** Dotted, for example `devices.0.settings.base_topic`; `(file)` when it concerns the whole file. */
  readonly path: string;
  readonly message: string;
}

/** `file:line:column path: message`, in one line. */
export const formatProblem = (problem: ConfigProblem): string =>
  `${problem.file}:${problem.line}:${problem.column} ${problem.path}: ${problem.message}`.replace(
    /[\r\n\u2028\u2029]+/g,
    ' ',
  );

export const formatPath = (path: ConfigPath): string =>
  path.length === 0 ? '(file)' : path.map((step) => quotedUnlessPlain(String(step))).join('.');

/** A word as it is; anything that would not be recognised as one word in quotes. */
export const quotedUnlessPlain = (text: string): string =>
  /^[\p{L}\p{N}_/-]+$/u.test(text) ? text : JSON.stringify(text);

/** The configuration cannot be used. Holds everything that is wrong with it, one problem per line of `message`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** Collects findings about one part of the document. */
export class Findings {
  readonly #found: Finding[] = [];

  get all(): readonly Finding[] {
    return this.#found;
  }

  /** The value at `path` is wrong. */
  add(path: ConfigPath, message: string): void {
    this.#found.push({ path, message, at: 'value' });
  }

  /** The key itself is wrong, or something is missing below it. */
  addAtKey(path: ConfigPath, message: string): void {
    this.#found.push({ path, message, at: 'key' });
  }

  addAll(findings: readonly Finding[]): void {
    this.#found.push(...findings);
  }
}
