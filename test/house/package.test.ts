import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockedClosure } from '../../scripts/package/locked-closure.mjs';
import { runProgram } from '../../src/cli/program.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';

const repository = resolve(import.meta.dirname, '../..');
const folder = join(repository, 'scripts/package');

async function printed(...args: string[]): Promise<string> {
  const terminal = new RecordedTerminal('/');
  const stop = () => ({ requested: Promise.resolve('SIGTERM') });
  await runProgram({ terminal, catalogues: { drivers: {}, simulators: {} }, version: '1.2.3', stop }, args);
  expect(terminal.errors).toBe('');
  return terminal.output;
}

describe('the Debian package', () => {
  it.each(readdirSync(folder).filter((file) => !file.endsWith('.mjs')))(
    '%s is a script that a shell can read',
    (file) => {
      const { status, stderr } = spawnSync('sh', ['-n', join(folder, file)], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it('carries each optional part with all that it needs', () => {
    const zwave = lockedClosure(repository, 'zwave-js');
    expect(zwave).toContain('node_modules/zwave-js');
    expect(zwave).toContain('node_modules/@zwave-js/core');
    expect(zwave.some((path) => path.includes('vitest') || path.includes('typescript'))).toBe(false);
    expect(lockedClosure(repository, '@jellybrick/dbus-next').length).toBeLessThan(20);
  });

  it('names every command in its completion scripts and its manual', async () => {
    const help = await printed('--help');
    const commands = [...help.matchAll(/^ {2}([a-z][a-z-]+)(?: .*)?$/gm)].map(([, name = '']) => name);
    expect(commands).toEqual(expect.arrayContaining(['run', 'unlock', 'keys', 'attempts']));
    const texts = [
      await printed('manual'),
      ...(await Promise.all(['bash', 'zsh', 'fish'].map((s) => printed('completion', s)))),
    ];
    for (const text of texts)
      for (const name of commands.filter((command) => command !== 'help'))
        expect(text).toContain(name.replaceAll('-', text.startsWith('.TH') ? '\\-' : '-'));
  });

  it('completes commands, subcommands and options in bash', async () => {
    const script = await printed('completion', 'bash');
    const complete = (...words: string[]) => {
      const line = `COMP_WORDS=(strikeplate ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _strikeplate; echo "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', `${script}\n${line}`], { encoding: 'utf8' })
        .stdout.trim()
        .split(' ');
    };
    expect(complete('unl')).toEqual(['unlock']);
    expect(complete('attempts', 'hi')).toEqual(['history']);
    expect(complete('keys', 'create', '--sc')).toEqual(['--scopes']);
    expect(complete('attempts', 'history', '--js')).toEqual(['--json']);
  });

  it('runs what the unit runs, from the release that is current', () => {
    const unit = readFileSync(join(repository, 'systemd/strikeplate.service'), 'utf8');
    // scripts/package/contents.mjs replaces these words; a unit without them would run nothing.
    expect(unit).toMatch(/^ExecStart=\/usr\/bin\/env node .*\/opt\/strikeplate\/dist\/src\/cli\.js run/m);
    // A container and whoever calls it by its name run it with the same options of Node.
    const options = /^ExecStart=\/usr\/bin\/env node ((?:--\S+ )*)/m.exec(unit)?.[1];
    expect(readFileSync(join(repository, 'scripts/package/contents.mjs'), 'utf8')).toContain(
      `exec \${node} ${options}\${home}/current/dist/src/cli.js "$@"`,
    );
  });
});
