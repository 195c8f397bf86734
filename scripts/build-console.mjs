import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';

/**
 * Bundles the console into `dist/console`: files named by their content, each compressed already, and the page that
 * names them. Nothing of it asks another server.
 * @param {string} root @param {string} dist
 */
export function buildConsole(root, dist) {
  const source = join(root, 'src/console');
  const out = join(dist, 'console');
  mkdirSync(out, { recursive: true });
  const { outputFiles } = buildSync({
    entryPoints: [join(source, 'main.tsx'), join(source, 'style.css'), join(source, 'icon.svg')],
    outdir: out,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.svg': 'copy' },
    legalComments: 'none',
    logLevel: 'silent',
    write: false,
  });
  const nameOf = (/** @type {string} */ start, /** @type {string} */ end) => {
    const found = outputFiles
      .map(({ path }) => basename(path))
      .find((name) => name.startsWith(start) && name.endsWith(end));
    if (found === undefined) throw new Error(`The console has no ${start}${end}.`);
    return found;
  };
  const page = readFileSync(join(source, 'index.html'), 'utf8')
    .replace('{{icon.svg}}', nameOf('icon-', '.svg'))
    .replace('{{main.css}}', nameOf('style-', '.css'))
    .replace('{{main.js}}', nameOf('main-', '.js'));
  for (const { name, contents } of [
    ...outputFiles.map(({ path, contents }) => ({ name: basename(path), contents })),
    { name: 'index.html', contents: Buffer.from(page) },
    // For those who name it without having read the page.
    { name: 'icon.svg', contents: readFileSync(join(source, 'icon.svg')) },
  ]) {
    writeFileSync(join(out, name), contents);
    writeFileSync(join(out, `${name}.gz`), gzipSync(contents, { level: 9 }));
    writeFileSync(
      join(out, `${name}.br`),
      brotliCompressSync(contents, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    );
  }
}
