import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore, temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import { aCode, uuid } from '../../test/kit/store/store-records.ts';

const child = fileURLToPath(new URL('../../test/kit/store/store-crash-child.ts', import.meta.url));

/** Starts the committing process and hands each line it says to `onLine` until that asks for the kill. */
async function runUntilKilled(path: string, delayMs: number, onLine: (line: string, pid: number) => Promise<boolean>) {
  const running = spawn(process.execPath, ['--import', 'tsx', child, path, String(delayMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const died = new Promise((resolve) => running.once('exit', (_code, signal) => resolve(signal)));
  const lines: string[] = [];
  let killed = false;
  for await (const line of createInterface({ input: running.stdout })) {
    lines.push(line);
    // What it had said before it died counts, too.
    if (!killed && (await onLine(line, running.pid ?? 0))) killed = running.kill('SIGKILL');
  }
  expect(await died).toBe('SIGKILL');
  return lines;
}

describe('SqliteStore, killed', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let path: string;
  beforeEach(() => {
    directory = temporaryDirectory();
    path = join(directory.path, 'strikeplate.db');
  });
  afterEach(() => directory.dispose());

  it('has everything that was acknowledged, start after start', async () => {
    const said = { accepted: new Set<number>(), intent: new Set<number>(), settled: new Set<number>() };
    for (const [delayMs, killAfter] of [
      [0, 311],
      [3, 120],
      [0, 1],
    ] as const) {
      let count = 0;
      const lines = await runUntilKilled(path, delayMs, async () => count++ >= killAfter);
      for (const line of lines.slice(1)) {
        const [what, seq] = line.split(' ') as [keyof typeof said, string];
        said[what].add(Number(seq));
      }

      const store = await openSqliteStore(path, { reserveBytes: 16 * 1024 });
      const pending = new Set(store.read.pendingAttempts().map(({ seq }) => seq));
      for (const seq of said.accepted) {
        const attempt = store.read.attempt(uuid(seq));
        expect(attempt?.seq).toBe(seq);
        if (said.intent.has(seq)) expect(attempt?.intent).toBe(true);
        if (said.settled.has(seq)) expect(attempt?.settlement?.status).toBe('success');
        // A commit is there as a whole: the code goes with its attempt's end.
        expect(store.read.accessCode(aCode(seq).accessCodeId) === undefined).toBe(attempt?.settlement !== undefined);
        expect(pending.has(seq)).toBe(attempt?.settlement === undefined);
      }
      expect(store.read.highestSeq()).toBeGreaterThanOrEqual(Math.max(...said.accepted));
      await store.close();
    }
    expect(said.settled.size).toBeGreaterThan(50);
  });

  it('refuses a second gateway while the first lives, and names it', async () => {
    let refusal: unknown;
    let first = 0;
    await runUntilKilled(path, 0, async (_line, pid) => {
      first = pid;
      refusal = await openSqliteStore(path).catch((error: unknown) => error);
      return true;
    });
    expect(refusal).toMatchObject({ name: 'GatewayError', type: 'misconfigured' });
    expect(String(refusal)).toContain(`process ${first}`);
    expect(String(refusal)).toContain(path);
    const second = await openSqliteStore(path);
    await second.close();
  });
});
