import '../src/require-node.mjs';

/*
 * Debian packages of the gateway: `npm run package [-- --arch amd64,arm64,armhf] [--with-node] [--out FOLDER]`.
 * Needs dpkg-deb. What goes in is the build and the locked production dependencies, so that two builds of one commit are
 * equal byte for byte: times are the commit's, owners are root, names come from git and the lock file alone.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { architectures } from './package/architectures.mjs';
import { buildExtra, buildGateway } from './package/contents.mjs';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'amd64' },
    'with-node': { type: 'boolean', default: false },
    extras: { type: 'boolean', default: false },
    out: { type: 'string', default: join(root, 'packages') },
  },
});

const chosen = values.arch.split(',');
const unknown = chosen.find((arch) => !(arch in architectures));
if (unknown !== undefined) {
  console.error(`There is no package for "${unknown}": ${Object.keys(architectures).join(', ')}.`);
  process.exit(2);
}

process.umask(0o022);
/** Seconds since the Unix epoch that all files of the package carry. https://reproducible-builds.org/specs/source-date-epoch/ */
const epoch =
  process.env.SOURCE_DATE_EPOCH ??
  execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim();
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'strikeplate-package-'));
try {
  await build();
  for (const arch of chosen) console.log(buildGateway({ root, work, out, epoch, arch, withNode: values['with-node'] }));
  if (values.extras) for (const extra of ['zwave', 'dbus']) console.log(buildExtra({ root, work, out, epoch, extra }));
} finally {
  rmSync(work, { recursive: true, force: true });
}
