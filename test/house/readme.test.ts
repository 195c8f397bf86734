import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { runProgram } from '../../src/cli/program.ts';
import { simulators } from '../../src/simulation/index.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const blocks = (text: string, language: string) =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, kind]) => kind === language)
    .map(([, , body = '']) => body);

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'strikeplate-readme-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function run(cwd: string, args: readonly string[]) {
  const terminal = new RecordedTerminal(cwd);
  const stop = () => ({ requested: Promise.resolve('SIGTERM') });
  const code = await runProgram({ terminal, catalogues: { drivers, simulators }, version: '0', stop }, args);
  return { code, err: terminal.errors, out: terminal.output };
}

it("README's configuration is in order, and its first commands work", async () => {
  const readme = read('README.md');
  const cwd = folder();
  const [configuration = ''] = blocks(readme, 'yaml');
  writeFileSync(join(cwd, 'gateway.yaml'), configuration);
  const commands = blocks(readme, 'sh')
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith('npx strikeplate ') && !line.startsWith('npx strikeplate run'));
  expect(commands).toHaveLength(2);
  for (const line of commands) {
    const args = line
      .split(' ')
      .slice(2)
      .map((word) => (word === 'gateway.yaml' ? join(cwd, word) : word));
    expect(await run(cwd, args)).toMatchObject({ code: 0, err: '' });
  }
});

it.each(['README.md', 'docs/operations.md'])('%s names no command that does not exist', async (name) => {
  const words = [...read(name).matchAll(/(?:`|^|npx |\n)strikeplate ([a-z-]+)(?: ([a-z]+))?/g)];
  expect(words.length).toBeGreaterThan(5);
  for (const [, command = '', sub] of words) {
    const group = command === 'attempts' || command === 'keys';
    const { code } = await run('/', [command, ...(group && sub !== undefined ? [sub] : []), '--help']);
    expect({ command, sub, code }).toEqual({ command, sub, code: 0 });
  }
});

it('README names every command that there is', async () => {
  const { out } = await run('/', ['--help']);
  const commands = [...out.slice(out.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+)(?= [ [<])/gm)].map(
    ([, name]) => name,
  );
  expect(commands.length).toBeGreaterThan(20);
  const named = [...read('README.md').matchAll(/^\| (`.*?) \| /gm)].map(([, cell = '']) => cell).join(' ');
  expect(commands.filter((name) => name !== 'help' && !new RegExp(`[\`, ]${name}\\b`).test(named))).toEqual([]);
});

it('docs/operations.md lists the exit codes that the program explains', async () => {
  const { out } = await run('/', ['--help']);
  const told = [...out.matchAll(/^ {2}(\d+) +(.+)$/gm)].map(([, code, words]) => `| ${code} | ${words} |`);
  expect(told).toHaveLength(10);
  for (const row of told) expect(read('docs/operations.md')).toContain(row);
});
