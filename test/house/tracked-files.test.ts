import { describe, expect, it } from 'vitest';
import { complaintsAbout } from '../../scripts/tracked-files.mjs';

/** Joined here, so that this file may be tracked itself. */
const path = (...parts: string[]) => ['', ...parts, ''].join('/');
const host = (name: string) => ['https:', '', name, 'zod', '-', 'zod-4.6.7.tgz'].join('/');

describe('tracked files', () => {
  it.each([
    ['docs/operations.md', `Look into ${path('work', 'main')} first.`],
    ['src/config/load.ts', `const path = '${path('home', 'somebody')}gateway.yaml';`],
    ['README.md', `npm install ${host('npm.example.net')}`],
    ['.npmrc', 'registry=http://127.0.0.1:4873'],
    ['package-lock.json', `"resolved": "${host('packages.example.net')}"`],
  ])('%s may not say what is true on one machine only: %s', (file, line) => {
    expect(complaintsAbout(file, `first\n${line}\n`)).toEqual([expect.stringContaining(`${file}:2 `)]);
  });

  it.each([
    ['docs/operations.md', 'The state lies in /var/lib/strikeplate; see https://example.com/work/it and ./work/x.'],
    ['package-lock.json', `"resolved": "${host('registry.npmjs.org')}"`],
    ['.npmrc', 'omit-lockfile-registry-resolved=true'],
  ])('%s may say %s', (file, line) => {
    expect(complaintsAbout(file, line)).toEqual([]);
  });
});
