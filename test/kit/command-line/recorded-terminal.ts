import type { Terminal } from '../../../src/cli/terminal.ts';

/** A terminal that keeps what was said. */
export class RecordedTerminal implements Terminal {
  readonly env: Record<string, string>;
  readonly cwd: string;
  /** Somebody who answers questions. */
  ask: Terminal['ask'];
  readonly outLines: string[] = [];
  readonly errLines: string[] = [];

  constructor(cwd: string, env: Record<string, string> = {}) {
    this.cwd = cwd;
    this.env = env;
  }

  out(line: string): void {
    this.outLines.push(line);
  }

  err(line: string): void {
    this.errLines.push(line);
  }

  get output(): string {
    return this.outLines.join('\n');
  }

  get errors(): string {
    return this.errLines.join('\n');
  }
}
