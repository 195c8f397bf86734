import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFailed, onTestFinished } from 'vitest';

export const builtCli = fileURLToPath(new URL('../../../dist/src/cli.js', import.meta.url));

/** The built program in a process of its own; killed after the test. */
export class BuiltCommand {
  readonly child: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  out = '';
  err = '';

  constructor(
    args: readonly string[],
    options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
  ) {
    const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, ...options.env };
    this.child = spawn(process.execPath, [builtCli, ...args], { cwd: options.cwd, env, stdio: 'pipe' });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => code ?? signal);
    onTestFailed(() => console.error(`strikeplate ${args.join(' ')} (${this.child.exitCode}): ${this.out}${this.err}`));
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** Resolves when it printed the words; rejects when it ended without. */
  async printed(words: string): Promise<void> {
    const over = this.ended.then((code) => {
      if (!this.out.includes(words)) throw new Error(`ended with ${code} without "${words}":\n${this.out}${this.err}`);
    });
    while (!this.out.includes(words) && this.child.stdout) await Promise.race([once(this.child.stdout, 'data'), over]);
  }
}
