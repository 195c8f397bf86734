import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** Asks on the terminal. What is typed as a secret is not shown. */
export async function ask(question: string, { secret }: { readonly secret: boolean }): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  // readline draws its own line anew for each key; what it draws into silence must be there already.
  if (secret) process.stderr.write(`${question} `);
  const lines = createInterface({ input: process.stdin, output: secret ? silence : process.stderr, terminal: true });
  // readline takes Ctrl-C for itself while it asks.
  lines.once('SIGINT', () => {
    lines.close();
    process.stderr.write('\n');
    process.kill(process.pid, 'SIGINT');
  });
  try {
    return await lines.question(secret ? '' : `${question} `);
  } finally {
    lines.close();
    if (secret) process.stderr.write('\n');
  }
}
