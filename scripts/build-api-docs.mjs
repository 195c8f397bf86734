import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** As good as the best by a hair, and ten times as fast. */
const BROTLI_QUALITY = 9;

/**
 * Puts the API's viewer into `dist/api-docs`: Swagger UI's script and style as they are published, our page and the few
 * lines that start it, each compressed already.
 * @param {string} root @param {string} dist
 */
export function buildApiDocs(root, dist) {
  const out = join(dist, 'api-docs');
  mkdirSync(out, { recursive: true });
  const published = join(root, 'node_modules/swagger-ui-dist');
  const own = join(root, 'src/api-docs');
  for (const file of [
    join(published, 'swagger-ui-bundle.js'),
    join(published, 'swagger-ui.css'),
    join(own, 'start.js'),
    join(own, 'index.html'),
  ]) {
    // The maps of its sources stay behind.
    const contents = readFileSync(file, 'utf8').replace(/^(\/\/|\/\*)# sourceMappingURL=.*$/m, '');
    const name = join(out, file.split('/').at(-1) ?? '');
    writeFileSync(name, contents);
    writeFileSync(`${name}.gz`, gzipSync(contents, { level: 9 }));
    writeFileSync(
      `${name}.br`,
      brotliCompressSync(contents, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    );
  }
  writeFileSync(join(out, 'LICENSE.swagger-ui'), readFileSync(join(published, 'LICENSE')));
}
