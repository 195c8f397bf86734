import '../src/require-node.mjs';

import { join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const { ensureBuilt } = await import('./build.mjs');

// `ignore-scripts` in .npmrc silences `prestart` as well, so starting does its own building.
await ensureBuilt();
process.setSourceMapsEnabled(true);

const cli = join(resolve(import.meta.dirname, '..'), 'dist/src/cli.js');
const args = process.argv.slice(2);
// Without a configuration it is a trial: the demonstration.
const command = args.length === 0 && !process.env.STRIKEPLATE_CONFIG ? 'demo' : 'run';
process.argv = [process.argv[0] ?? process.execPath, cli, command, ...args];
await import(pathToFileURL(cli).href);
