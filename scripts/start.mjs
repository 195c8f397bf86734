import { join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';

// `ignore-scripts` in .npmrc silences `prestart` as well, so starting does its own building.
await ensureBuilt();
process.setSourceMapsEnabled(true);

const cli = join(resolve(import.meta.dirname, '..'), 'dist/src/cli.js');
process.argv = [process.argv[0] ?? process.execPath, cli, 'run', ...process.argv.slice(2)];
await import(pathToFileURL(cli).href);
