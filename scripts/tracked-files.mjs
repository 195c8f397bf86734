import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const root = resolve(import.meta.dirname, '..');

/** Split so that this file does not find itself. */
const machinePath = new RegExp(`(?<![\\w.~-])/(${['work', 'home/[a-z]+'].join('|')})/`);
const registry = /https?:\/\/(?!registry\.npmjs\.org\/)[^\s"'/]*(registry|npm|artifact|proxy)[^\s"'/]*\/[^\s"']*\.tgz/i;

/**
 * What a file says that is true on one machine only.
 * @param {string} file @param {string} text @returns {string[]}
 */
export function complaintsAbout(file, text) {
  const complaints = [];
  for (const [index, line] of text.split('\n').entries()) {
    const where = `${file}:${index + 1}`;
    if (machinePath.test(line)) complaints.push(`${where} names a path of a development machine`);
    if (registry.test(line)) complaints.push(`${where} names a package registry other than registry.npmjs.org`);
    if (file === '.npmrc' && /registry\s*=\s*\S+:\/\//.test(line)) complaints.push(`${where} sets a package registry`);
    if (file === 'package-lock.json' && /"resolved":\s*"(?!https:\/\/registry\.npmjs\.org\/)/.test(line))
      complaints.push(`${where} resolves a package elsewhere than at registry.npmjs.org`);
  }
  return complaints;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const git = ['-c', 'safe.directory=*', 'ls-files', '-z'];
  const files = execFileSync('git', git, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\0');
  const complaints = files
    .filter((file) => file !== '' && existsSync(join(root, file)) && statSync(join(root, file)).isFile())
    .flatMap((file) => complaintsAbout(file, readFileSync(join(root, file), 'utf8')));
  for (const complaint of complaints) console.error(complaint);
  console.log(`tracked files: ${files.length - 1} read, ${complaints.length} complaints`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
}
