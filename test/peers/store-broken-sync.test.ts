import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqliteStore, temporaryDirectory } from '../kit/store/sqlite-bench.ts';
import { uuid } from '../kit/store/store-records.ts';
import { peerProgram } from './kit/peer-program.ts';

const strace = peerProgram('strace', 'strace');
const child = fileURLToPath(new URL('../kit/store/store-crash-child.ts', import.meta.url));

describe.skipIf(strace === undefined)('a disk whose sync fails', () => {
  it.each(['EIO', 'ENOSPC'])(
    'ends the process at the first %s, and nothing that was acknowledged is lost',
    async (error) => {
      const directory = temporaryDirectory();
      onTestFinished(() => directory.dispose());
      const path = join(directory.path, 'strikeplate.db');
      const running = spawn(
        strace ?? '',
        // The kernel's answer to the 100th sync and all that follow.
        ['-f', '-qq', '-o', '/dev/null', '-e', `inject=fsync,fdatasync:error=${error}:when=100+`].concat([
          process.execPath,
          '--import',
          'tsx',
          child,
          path,
        ]),
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const ended = new Promise((resolve) => running.once('exit', resolve));
      const lines: string[] = [];
      for await (const line of createInterface({ input: running.stdout })) lines.push(line);
      expect(await ended).toBe(70);
      expect(lines.pop()).toMatch(/^fatal .*SQLITE_IOERR_FSYNC/);

      const store = await openSqliteStore(path);
      const acknowledged = lines.filter((line) => line.startsWith('settled '));
      expect(acknowledged.length).toBeGreaterThan(10);
      for (const line of acknowledged) {
        expect(store.read.attempt(uuid(Number(line.split(' ')[1])))?.settlement?.status).toBe('success');
      }
      await store.close();
    },
  );
});
