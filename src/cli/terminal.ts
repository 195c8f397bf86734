import type { Environment } from '../config/environment.ts';

/** What a command line program can do to the world around it, so that a test can look on. */
export interface Terminal {
  /** What was asked for: standard output. */
  out(line: string): void;
  /** What went wrong, and what a person should know: standard error. */
  err(line: string): void;
  /** Asks whoever sits there, and resolves with the line; undefined where nobody does. A secret is not shown. */
  readonly ask?: ((question: string, options: { readonly secret: boolean }) => Promise<string>) | undefined;
  /**
   * A line that moves: it takes the place of the one before, and undefined takes it away. Absent where nobody looks, or
   * where lines cannot move.
   */
  readonly progress?: ((line: string | undefined) => void) | undefined;
  readonly env: Environment;
  readonly cwd: string;
}

export const json = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** Columns as wide as their widest cell; the last one is not filled up. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
