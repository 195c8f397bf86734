import './quiet-libraries.ts';

import { readFileSync } from 'node:fs';
import { drivers } from '../../drivers/index.ts';
import { simulators } from '../simulation/index.ts';
import { exitCodes } from './exit.ts';
import { runProgram } from './program.ts';
import { tellSourceLines } from './source-lines.ts';
import { onStopSignals } from './stop-signals.ts';
import { ask, folded, openScreen } from './terminal.ts';

// Not where the sources themselves run.
if (import.meta.url.endsWith('.js')) tellSourceLines();

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.on('uncaughtException', (fault) => {
  process.stderr.write(
    `strikeplate ends because of a fault in it; please report it. ${fault.stack ?? fault.message}\n`,
  );
  process.exit(exitCodes.internal);
});

// Whoever read the output may have gone (`| head`): no reason for a gateway to end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const exitCode = await runProgram(
  {
    terminal: {
      out: (line) => process.stdout.write(`${line}\n`),
      err: (text) => {
        const room = process.stderr.isTTY ? process.stderr.columns || 80 : Number.POSITIVE_INFINITY;
        // What is indented is typed or copied as it stands.
        const lines = text.split('\n').flatMap((one) => (one.startsWith('  ') ? [one] : folded(one, room, '  ')));
        for (const line of lines) process.stderr.write(`${line}\n`);
      },
      ...(process.stdin.isTTY && { ask }),
      ...(process.stderr.isTTY && {
        progress: (line: string | undefined) => {
          const room = (process.stderr.columns || 80) - 1;
          process.stderr.write(`\r\u001b[K${(line ?? '').slice(0, room)}`);
        },
      }),
      ...(process.stdout.isTTY && { columns: process.stdout.columns || 80 }),
      ...(process.stdout.isTTY &&
        process.stdin.isTTY && { openScreen: () => openScreen(process.stdin, process.stdout) }),
      env: process.env,
      cwd: process.cwd(),
    },
    catalogues: { drivers, simulators },
    version,
    stop: () => onStopSignals(process),
    // At a terminal it means that the terminal was closed.
    ...(!process.stdin.isTTY && { onReload: (listener: () => void) => void process.on('SIGHUP', listener) }),
  },
  process.argv.slice(2),
);
// Whatever is still open, a kept-alive connection or a half-closed one after a failure, is of no use any more.
process.exit(exitCode);
