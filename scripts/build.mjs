import '../src/require-node.mjs';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildApiDocs } from './build-api-docs.mjs';
import { buildConsole } from './build-console.mjs';
import { bundle } from './bundle.mjs';
import { copyAssets } from './copy-assets.mjs';
import { sbomOf } from './sbom.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const stampFile = join(dist, '.built-from');
const compiler = join(root, 'node_modules/typescript/bin/tsc');

/** Changes whenever a file that goes into `dist` does. */
function fingerprint() {
  const hash = createHash('sha256');
  const inputs = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  for (const folder of ['src', 'drivers', 'config'])
    if (existsSync(join(root, folder)))
      for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }))
        if (!/\.test\.ts$/.test(file)) inputs.push(join(folder, file));
  for (const file of inputs.sort()) {
    const { mtimeMs, size, mode } = statSync(join(root, file));
    hash.update(`${file}\0${mode}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

const built = () => (existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : undefined);

/**
 * Compiles into a folder of its own and swaps it in, so that nobody ever runs half a build. The folder lies as deep as
 * `dist`, or source maps would point beside the sources.
 */
export async function build() {
  const stamp = fingerprint();
  const next = join(root, `.dist-next-${process.pid}`);
  const last = join(root, `.dist-last-${process.pid}`);
  try {
    const tsc = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', next], {
      cwd: root,
      encoding: 'utf8',
    });
    if (tsc.status !== 0) throw new Error(`The build failed:\n${tsc.stdout}${tsc.stderr}${tsc.error ?? ''}`);
    copyAssets(root, next);
    buildConsole(root, next);
    buildApiDocs(root, next);
    writeFileSync(join(next, 'sbom.cdx.json'), `${JSON.stringify(sbomOf(root), undefined, 1)}\n`);
    await bundle(next);
    writeFileSync(join(next, '.built-from'), stamp);
    if (existsSync(dist)) renameSync(dist, last);
    renameSync(next, dist);
  } finally {
    for (const folder of [next, last]) rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Builds unless `dist` is up to date. Several processes may ask at once: one builds, the others wait for it.
 * Where there is no compiler (`npm ci --omit=dev`) an existing build is taken as it is.
 */
export async function ensureBuilt() {
  if (!existsSync(compiler) && built() !== undefined) return;
  const lock = join(tmpdir(), `strikeplate-build-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  const claim = `${lock}-${process.pid}`;
  writeFileSync(claim, String(process.pid));
  try {
    while (built() !== fingerprint()) {
      try {
        linkSync(claim, lock);
      } catch {
        await sleep(50);
        if (existsSync(lock) && !isAlive(Number(readFileSync(lock, 'utf8')))) rmSync(lock, { force: true });
        continue;
      }
      try {
        if (built() !== fingerprint()) await build();
      } finally {
        rmSync(lock, { force: true });
      }
    }
  } finally {
    rmSync(claim, { force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await build();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
