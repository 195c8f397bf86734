import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../kit/store/sqlite-bench.ts';
import { uuid } from '../kit/store/store-records.ts';
import { DiskImage } from './kit/disk-image.ts';

const child = fileURLToPath(new URL('../kit/store/store-crash-child.ts', import.meta.url));

describe.skipIf(!DiskImage.available())('a power cut', () => {
  it.each([1, 40, 700, 3_000])('after %i answers takes none of them back', async (answers) => {
    const disk = DiskImage.create(64 << 20);
    onTestFinished(() => disk.dispose());
    const running = spawn(process.execPath, ['--import', 'tsx', child, join(disk.path, 'strikeplate.db')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => running.once('exit', resolve));
    const lines: string[] = [];
    let after: DiskImage | undefined;
    for await (const line of createInterface({ input: running.stdout })) {
      if (after !== undefined) break;
      lines.push(line);
      if (lines.length <= answers) continue;
      running.kill('SIGSTOP');
      after = disk.afterPowerCut();
      running.kill('SIGKILL');
    }
    await ended;
    onTestFinished(() => after?.dispose());

    if (after === undefined) throw new Error('the process ended by itself');
    const store = await openSqliteStore(join(after.path, 'strikeplate.db'));
    const seqs = (what: string) =>
      lines.filter((line) => line.startsWith(what)).map((line) => Number(line.split(' ')[1]));
    for (const seq of seqs('accepted')) expect(store.read.attempt(uuid(seq))?.seq).toBe(seq);
    for (const seq of seqs('intent')) expect(store.read.attempt(uuid(seq))?.intent).toBe(true);
    for (const seq of seqs('settled')) expect(store.read.attempt(uuid(seq))?.settlement?.status).toBe('success');
    expect(store.read.highestSeq()).toBeGreaterThan(0);
    await store.close();
  });
});
