import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

/** What is loaded by its own name, by us, by tests or by drivers from elsewhere: all of them share the same chunks. */
const entries = [
  'drivers/index.js',
  'src/cli/main.js',
  'src/composition/gateway.js',
  'src/config/load.js',
  'src/contract/index.js',
  'src/driver-kit/index.js',
  'src/driver-testing/index.js',
  'src/store/sqlite-store.js',
  'src/store/writer-ahead.js',
  'src/store/writer-faults.js',
  'src/transports/mqtt/index.js',
];

/** Native code, code that runs beside its own files, and what is installed only where it is wanted. */
const leftOut = [
  ...['libsql', '@stoprocent/*', 'serialport', '@serialport/*'],
  ...['zwave-js', '@zwave-js/*', 'alcalzone-shared', '@jellybrick/dbus-next'],
  // The driver author's own.
  'vitest',
];

/** Stays as it was compiled: the first file of all. */
const stays = (/** @type {string} */ file) => file === 'src/cli.js';

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
      if (file.startsWith('..')) return undefined;
      // As `z` alone it is one object with all that zod has, its words in sixty languages included.
      const text = readFileSync(path, 'utf8').replace(/^import \{ z \} from 'zod';$/m, "import * as z from 'zod';");
      if (!text.includes('import.meta.url')) return { contents: text, loader: 'js' };
      const ownUrl = `__urlOf(${JSON.stringify(file)})`;
      const contents = `import { urlOf as __urlOf } from '#dist/url-of.mjs';${text.replaceAll('import.meta.url', ownUrl)}`;
      return { contents, loader: 'js' };
    });
  },
});

/**
 * What libraries load and this gateway never comes to, and what stands there in its place.
 * @type {Readonly<Record<string, string>>}
 */
const instead = {
  // Packets, PINs and keys included, for the libraries' own developers. The gateway never lets it be switched on
  // (src/cli/quiet-libraries.ts), and one door command asks sixty times whether it is.
  debug: 'const mute = () => undefined; mute.enabled = false; mute.extend = () => mute; module.exports = () => mute;',
  // fastify: requests are read by zod, no plugin tells which version it is for, HTTP/2 is not spoken, and what needs no
  // socket is for tests, which run the sources.
  '@fastify/ajv-compiler': 'module.exports = {};',
  '@fastify/fast-json-stringify-compiler': 'module.exports = {};',
  'light-my-request': 'module.exports = {};',
  'node:http2': 'module.exports = {};',
  semver: 'module.exports = {};',
  // mqtt: for browsers and proxies. A broker is reached over TCP or TLS (src/config/schema.ts).
  socks: 'module.exports = {};',
  ws: 'module.exports = {};',
  'worker-timers': 'module.exports = {};',
  // A copy of what Node.js has.
  'readable-stream': "module.exports = require('node:stream');",
  // Without what it measures of the process, which brings OpenTelemetry along.
  'prom-client': `module.exports = {
    Counter: require('prom-client/lib/counter'),
    Gauge: require('prom-client/lib/gauge'),
    Histogram: require('prom-client/lib/histogram'),
    Registry: require('prom-client/lib/registry'),
  };`,
};

/** @param {string} dist @returns {import('esbuild').Plugin} */
const leanLibraries = (dist) => ({
  name: 'lean-libraries',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: new RegExp(`^(?:${Object.keys(instead).join('|')})$`) }, ({ path }) => ({
      path,
      namespace: 'instead',
    }));
    onLoad({ filter: /^/, namespace: 'instead' }, ({ path }) => ({
      contents: instead[path] ?? '',
      loader: 'js',
      resolveDir: dist,
    }));
  },
});

/**
 * Puts what the compiler made, and the libraries below it, into few files: opening nine hundred takes half of a start.
 * What is loaded only when it is wanted stays in files of its own.
 * @param {string} dist compiled, with its assets
 */
export async function bundle(dist) {
  const { metafile } = await build({
    absWorkingDir: dist,
    entryPoints: entries,
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
    plugins: [places(dist), leanLibraries(dist)],
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
