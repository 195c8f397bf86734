import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseSync } from '@swc/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';

const repository = resolve(import.meta.dirname, '../..');
const pretend = (version: string) =>
  `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`;

/** Every way into the program that a person can type. */
const entries = ['dist/src/cli.js', 'scripts/start.mjs', 'scripts/build.mjs', 'src/require-node.mjs'];

describe('a Node.js that is too old', () => {
  beforeAll(() => ensureBuilt());

  it.each(entries.flatMap((entry) => ['14.21.3', '18.20.4', '20.18.3'].map((version) => [entry, version] as const)))(
    '%s says what to install under %s',
    (entry, version) => {
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        ['--import', pretend(version), join(repository, entry), '--version'],
        { encoding: 'utf8', cwd: repository },
      );
      expect(stderr.split('\n')).toEqual([
        expect.stringMatching(
          new RegExp(`^Strikeplate needs Node\\.js 20\\.19 or newer, and .+ is ${version}\\..*Install`),
        ),
        '',
      ]);
      expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    },
  );

  it.each(['20.19.0', '22.0.0', '24.21.0'])('%s will do', (version) => {
    const args = ['--import', pretend(version), join(repository, 'dist/src/cli.js'), '--version'];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('can read what it is told with: the first modules have no later syntax and load nothing else at once', () => {
    for (const file of ['dist/src/cli.js', 'src/require-node.mjs']) {
      const { body } = parseSync(readFileSync(join(repository, file), 'utf8'), {
        syntax: 'ecmascript',
        target: 'es2020',
      });
      const imported = body.flatMap((item) => (item.type === 'ImportDeclaration' ? [item.source.value] : []));
      expect(imported).toEqual(file.endsWith('.mjs') ? [] : ['./require-node.mjs']);
    }
  });

  it.each(['scripts/start.mjs', 'scripts/build.mjs'])('%s looks before it loads anything of ours', (file) => {
    const [first] = [...readFileSync(join(repository, file), 'utf8').matchAll(/^import .*'([^']+)';$/gm)];
    expect(first?.[1]).toBe('../src/require-node.mjs');
  });
});
