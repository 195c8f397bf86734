import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { architectures } from './architectures.mjs';
import { isShipped, lockedClosure } from './locked-closure.mjs';

/** Where the package lies once it is installed. Releases are copies of `package`; `current` leads to the one that runs. */
const home = '/opt/strikeplate';

/** What belongs into /etc/strikeplate and is the administrator's from then on. */
const conffiles = ['/etc/strikeplate/gateway.example.yaml'];

/**
 * @typedef {{ root: string, work: string, out: string, epoch: string }} Packaging
 */

/**
 * The gateway for one architecture.
 * @param {Packaging & { arch: string, withNode: boolean }} packaging @returns {string} the package's file
 */
export function buildGateway({ root, work, out, epoch, arch, withNode }) {
  const target = architectures[arch];
  if (target === undefined) throw new Error(`There is no package for "${arch}".`);
  if (withNode && target.node === '')
    throw new Error(`Node.js 24 has no build for ${arch}: leave --with-node out, and let it come from Debian.`);
  const name = withNode ? 'strikeplate-with-node' : 'strikeplate';
  const stage = join(work, `${name}-${arch}`);
  const lib = join(stage, home, 'package');
  mkdirSync(lib, { recursive: true });
  cpSync(join(root, 'dist'), join(lib, 'dist'), { recursive: true, filter: (file) => !file.endsWith('/.built-from') });
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(root, file), join(lib, file));
  npm(lib, 'ci', '--omit=dev', '--os=linux', `--cpu=${target.cpu}`, '--libc=glibc');
  for (const file of ['package-lock.json', '.npmrc', 'node_modules/.package-lock.json', 'node_modules/.bin'])
    rmSync(join(lib, file), { recursive: true, force: true });
  slim(join(lib, 'node_modules'), target.prebuild);
  if (withNode) bringNode(work, target.node, join(lib, 'bin/node'));
  const node = withNode ? `${home}/current/bin/node` : '/usr/bin/node';

  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  write(join(lib, 'release'), `${version}-${fingerprint(lib)}\n`);
  write(
    join(stage, 'usr/bin/strikeplate'),
    `#!/bin/sh\nexec ${node} --max-semi-space-size=16 ${home}/current/dist/src/cli.js "$@"\n`,
    0o755,
  );
  const unit = readFileSync(join(root, 'systemd/strikeplate.service'), 'utf8')
    .replace(
      'Install as /etc/systemd/system/strikeplate.service; docs/operations.md has the steps.',
      'Part of the package.',
    )
    .replaceAll('/usr/bin/env node', node)
    .replaceAll('/opt/strikeplate/dist/', `${home}/current/dist/`)
    .replaceAll('/opt/strikeplate/docs/', '/usr/share/doc/strikeplate/');
  write(join(stage, 'usr/lib/systemd/system/strikeplate.service'), unit);
  const certificate = readFileSync(join(root, 'systemd/strikeplate-certificate.service'), 'utf8');
  write(
    join(stage, 'usr/lib/systemd/system/strikeplate-certificate.service'),
    certificate.replaceAll('/opt/strikeplate/docs/', '/usr/share/doc/strikeplate/'),
  );
  const parts = {
    'systemd/strikeplate-first-key.service': 'usr/lib/systemd/system/strikeplate-first-key.service',
    'systemd/strikeplate-certificate.timer': 'usr/lib/systemd/system/strikeplate-certificate.timer',
    'systemd/strikeplate.sysusers.conf': 'usr/lib/sysusers.d/strikeplate.conf',
    'systemd/strikeplate.tmpfiles.conf': 'usr/lib/tmpfiles.d/strikeplate.conf',
    'systemd/strikeplate.rules': 'usr/lib/udev/rules.d/60-strikeplate.rules',
    'systemd/bluetooth.conf': 'usr/share/doc/strikeplate/examples/bluetooth.conf',
    'systemd/serial.conf': 'usr/share/doc/strikeplate/examples/serial.conf',
    'systemd/store-key.conf': 'usr/share/doc/strikeplate/examples/store-key.conf',
    'systemd/configuration.conf': 'usr/share/doc/strikeplate/examples/configuration.conf',
    'systemd/local-network.conf': 'usr/share/doc/strikeplate/examples/local-network.conf',
    'systemd/many-doors.conf': 'usr/share/doc/strikeplate/examples/many-doors.conf',
    'config/gateway.example.yaml': 'etc/strikeplate/gateway.example.yaml',
    'config/gateway.schema.json': 'usr/share/strikeplate/gateway.schema.json',
    'scripts/package/activate': 'opt/strikeplate/package/activate',
    'CHANGELOG.md': 'usr/share/doc/strikeplate/CHANGELOG.md',
    LICENSE: 'usr/share/doc/strikeplate/copyright',
    docs: 'usr/share/doc/strikeplate',
  };
  for (const [from, to] of Object.entries(parts)) {
    mkdirSync(dirname(join(stage, to)), { recursive: true });
    cpSync(join(root, from), join(stage, to), { recursive: true });
  }
  const told = {
    'usr/share/man/man1/strikeplate.1': ['manual'],
    'usr/share/bash-completion/completions/strikeplate': ['completion', 'bash'],
    'usr/share/zsh/vendor-completions/_strikeplate': ['completion', 'zsh'],
    'usr/share/fish/vendor_completions.d/strikeplate.fish': ['completion', 'fish'],
  };
  for (const [to, args] of Object.entries(told))
    write(
      join(stage, to),
      execFileSync(process.execPath, [join(root, 'dist/src/cli.js'), ...args], { encoding: 'utf8' }),
    );
  execFileSync('gzip', ['-9n', join(stage, 'usr/share/man/man1/strikeplate.1')]);
  const other = withNode ? 'strikeplate' : 'strikeplate-with-node';
  control(stage, {
    Package: name,
    Version: version,
    Architecture: arch,
    Depends: [...(withNode ? ['libc6 (>= 2.31)', 'libstdc++6'] : ['nodejs (>= 20.19)']), 'adduser | systemd'].join(
      ', ',
    ),
    Recommends: 'systemd, udev, openssl',
    Suggests: 'mosquitto, strikeplate-zwave, strikeplate-dbus',
    Conflicts: other,
    Replaces: other,
    Description: `Gateway between applications and the doors of one building
 Locks, keypads and noise sensors over Bluetooth LE, serial lines, Z-Wave and
 MQTT, behind the wire format of the Seam API on the local network.${withNode ? '\n .\n This package brings a Node.js of its own.' : ''}`,
  });
  for (const script of ['postinst', 'prerm', 'postrm'])
    write(join(stage, 'DEBIAN', script), readFileSync(join(root, 'scripts/package', script), 'utf8'), 0o755);
  write(join(stage, 'DEBIAN/conffiles'), `${conffiles.join('\n')}\n`);
  chmodSync(join(lib, 'activate'), 0o755);
  return pack(stage, out, epoch, `${name}_${version}_${arch}.deb`);
}

/** What an optional package needs, beside the gateway, where Node.js looks for it and no upgrade takes it away. */
const extras = {
  zwave: { package: 'zwave-js', what: 'Z-Wave sticks' },
  dbus: { package: '@jellybrick/dbus-next', what: 'Bluetooth through BlueZ' },
};

/**
 * An optional part as a package of its own.
 * @param {Packaging & { extra: string }} packaging @returns {string} the package's file
 */
export function buildExtra({ root, work, out, epoch, extra }) {
  const { package: wanted, what } = extras[/** @type {keyof typeof extras} */ (extra)];
  const stage = join(work, `extra-${extra}`);
  for (const folder of lockedClosure(root, wanted)) {
    const to = join(stage, home, folder);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(root, folder), to, { recursive: true, filter: (file) => isShipped(join(root, folder), file) });
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  control(stage, {
    Package: `strikeplate-${extra}`,
    Version: version,
    Architecture: 'all',
    Depends: 'strikeplate | strikeplate-with-node',
    Description: `Strikeplate: ${what}\n Optional part of the gateway: ${wanted} as it was tested with this release.`,
  });
  return pack(stage, out, epoch, `strikeplate-${extra}_${version}_all.deb`);
}

/** @param {string} folder @param {readonly string[]} args */
function npm(folder, ...args) {
  execFileSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

/**
 * Takes away what another machine would load, and what only a compiler reads.
 * @param {string} modules @param {string} prebuild
 */
function slim(modules, prebuild) {
  for (const entry of readdirSync(modules, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (!existsSync(path)) continue;
    const foreign = entry.parentPath.endsWith('/prebuilds') && entry.name !== prebuild;
    const source = entry.isFile() && /(\.map|\.d\.[cm]?ts|\.musl\.node|\.c|\.cc|\.cpp|\.h|\.gyp)$/.test(entry.name);
    if (foreign || source) rmSync(path, { recursive: true });
  }
}

/** @param {string} work @param {string} node a package of the npm registry @param {string} to */
function bringNode(work, node, to) {
  const name = node.replace(/@[^@]*$/, '');
  // Not named as the package: npm leaves out what it takes for the folder that it installs into.
  const folder = join(work, 'brought', name);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    npm(folder, 'install', '--no-save', '--force', `--prefix=${folder}`, node);
  }
  mkdirSync(dirname(to), { recursive: true });
  cpSync(join(folder, 'node_modules', name, 'bin/node'), to);
  chmodSync(to, 0o755);
}

/** @param {string} folder */
function fingerprint(folder) {
  const hash = createHash('sha256');
  for (const file of filesBelow(folder)) hash.update(`${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, 12);
}

/** @param {string} folder @returns {string[]} */
const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => lstatSync(join(folder, file)).isFile())
    .sort();

/** @param {string} file @param {string} text */
function write(file, text, mode = 0o644) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

/** @param {string} stage @param {Record<string, string>} fields */
function control(stage, fields) {
  const size = filesBelow(stage).reduce((sum, file) => sum + Math.ceil(lstatSync(join(stage, file)).size / 1024), 0);
  const { Description = '', ...others } = fields;
  const lines = Object.entries({
    ...others,
    'Installed-Size': String(size),
    Maintainer: 'Strikeplate maintainers <maintainers@strikeplate.invalid>',
    Section: 'net',
    Priority: 'optional',
    Description,
  }).map(([field, value]) => `${field}: ${value}`);
  write(join(stage, 'DEBIAN/control'), `${lines.join('\n')}\n`);
}

/** @param {string} stage @param {string} out @param {string} epoch @param {string} name */
function pack(stage, out, epoch, name) {
  const sums = filesBelow(stage)
    .filter((file) => !file.startsWith('DEBIAN/'))
    .map(
      (file) =>
        `${createHash('md5')
          .update(readFileSync(join(stage, file)))
          .digest('hex')}  ${file}`,
    );
  write(join(stage, 'DEBIAN/md5sums'), `${sums.join('\n')}\n`);
  for (const entry of readdirSync(stage, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isSymbolicLink()) continue;
    const executable = entry.isDirectory() || (lstatSync(path).mode & 0o100) !== 0;
    chmodSync(path, executable ? 0o755 : 0o644);
  }
  const file = join(out, name);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', stage, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
  });
  return relative(process.cwd(), file);
}
