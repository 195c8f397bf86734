#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { drivers } from '../drivers/index.ts';
import { runProgram } from './cli/program.ts';
import { onStopSignals } from './cli/stop-signals.ts';
import { simulators } from './simulation/index.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await runProgram(
  {
    terminal: {
      out: (line) => process.stdout.write(`${line}\n`),
      err: (line) => process.stderr.write(`${line}\n`),
      env: process.env,
      cwd: process.cwd(),
    },
    catalogues: { drivers, simulators },
    version,
    stop: () => onStopSignals(process),
  },
  process.argv.slice(2),
);
