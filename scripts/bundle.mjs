import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

/** What is loaded by its own name, by us, by tests or by drivers from elsewhere: all of them share the same chunks. */
const entries = [
  'drivers/index.js',
  'src/cli/main.js',
  'src/composition/gateway.js',
  'src/config/load.js',
  'src/driver-kit/index.js',
  'src/driver-testing/index.js',
  'src/store/sqlite-store.js',
  'src/store/writer-faults.js',
  'src/transports/mqtt/index.js',
];

/**
 * What `zod` is within `dist`: in the chunks, and by this name for the files that stay. A driver from elsewhere has its own:
 * what the two give each other are schemas, which know themselves, and what is said of them stands in one registry.
 */
const ownZod = 'src/zod.js';

/** Native code, code that runs beside its own files, and what is installed only where it is wanted. */
const leftOut = [
  ...['libsql', '@stoprocent/*', 'serialport', '@serialport/*'],
  ...['zwave-js', '@zwave-js/*', 'alcalzone-shared', '@jellybrick/dbus-next'],
  // The driver author's own.
  'vitest',
];

/** Files that stay as they were compiled: what a driver's author reads, and the first file of all. */
const stays = (/** @type {string} */ file) => file.startsWith('src/contract/') || file === 'src/cli.js';

/** Scripts for browsers, which were bundled already. */
const isForBrowsers = (/** @type {string} */ file) => /^(console|api-docs)\//.test(file);

/**
 * Modules that stay are named by where they lie in `dist`, wherever the importing chunk lies; and a module that finds the
 * files beside it by its own URL keeps that URL. Both go by `imports` in the package.json of `dist`.
 * @param {string} dist @returns {import('esbuild').Plugin}
 */
const places = (dist) => ({
  name: 'places',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
      const file = relative(dist, join(resolveDir, path));
      return stays(file) ? { path: `#dist/${file}`, external: true } : undefined;
    });
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const file = relative(dist, path);
      const text = file.startsWith('..') ? '' : readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const ownUrl = `__urlOf(${JSON.stringify(file)})`;
      const contents = `import { urlOf as __urlOf } from '#dist/url-of.mjs';${text.replaceAll('import.meta.url', ownUrl)}`;
      return { contents, loader: 'js' };
    });
  },
});

/**
 * What libraries print for their own developers: packets, PINs and keys included. The gateway never lets it be switched on
 * (src/cli/quiet-libraries.ts), and one door command asks sixty times whether it is.
 * @type {import('esbuild').Plugin}
 */
const mutedLibraries = {
  name: 'muted-libraries',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^debug$/ }, () => ({ path: 'debug', namespace: 'muted' }));
    const contents =
      'const mute = () => undefined; mute.enabled = false; mute.extend = () => mute; module.exports = () => mute;';
    onLoad({ filter: /^debug$/, namespace: 'muted' }, () => ({ contents, loader: 'js' }));
  },
};

/**
 * Its words in sixty languages: the gateway has words of its own, in English.
 * @type {import('esbuild').Plugin}
 */
const oneLanguage = {
  name: 'one-language',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

/**
 * Puts what the compiler made, and the libraries below it, into few files: opening nine hundred takes half of a start.
 * What is loaded only when it is wanted stays in files of its own.
 * @param {string} dist compiled, with its assets
 */
export async function bundle(dist) {
  writeFileSync(join(dist, ownZod), "export { z } from 'zod';\n");
  for (const file of readdirSync(join(dist, 'src/contract')).filter((name) => name.endsWith('.js'))) {
    const path = join(dist, 'src/contract', file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/ from 'zod'/g, ` from '#dist/${ownZod}'`));
  }
  const { metafile } = await build({
    absWorkingDir: dist,
    entryPoints: [...entries, ownZod],
    outdir: dist,
    outbase: dist,
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    // Names stay: they stand in stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    external: [...leftOut, '#dist/*'],
    plugins: [places(dist), mutedLibraries, oneLanguage],
    metafile: true,
    // Libraries in CommonJS ask for Node's own modules by `require`.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  writeFileSync(join(dist, 'url-of.mjs'), 'export const urlOf = (file) => new URL(file, import.meta.url).href;\n');
  const packageFile = join(dist, 'package.json');
  const described = { ...JSON.parse(readFileSync(packageFile, 'utf8')), imports: { '#dist/*': './*' } };
  writeFileSync(packageFile, `${JSON.stringify(described, undefined, 2)}\n`);
  // Whoever loaded one of the others would have a second instance of it.
  const made = new Set(Object.keys(metafile.outputs));
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' }))
    if (/\.js(\.map)?$/.test(file) && !made.has(file) && !stays(file.replace(/\.map$/, '')) && !isForBrowsers(file))
      rmSync(join(dist, file));
}
