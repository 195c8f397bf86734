import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { BuiltCommand } from '../command-line/built-command.ts';
import { freePort } from '../free-port.ts';

/** The demonstration as it ships, on ports that are free here. */
export async function demonstration() {
  const cwd = mkdtempSync(join(tmpdir(), 'strikeplate-demo-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const shipped = readFileSync(new URL('../../../config/demo.yaml', import.meta.url), 'utf8');
  expect(shipped).toContain('port: 8080');
  expect(shipped).toContain('port: 18830');
  const api = await freePort();
  let broker = api;
  while (broker === api) broker = await freePort();
  const config = join(cwd, 'demo.yaml');
  writeFileSync(
    config,
    shipped
      .replace('port: 8080', `port: ${api}`)
      .replace('port: 18830', `port: ${broker}`)
      .replace('state_dir: ../var', 'state_dir: var'),
  );
  const env = { STRIKEPLATE_CONFIG: config };
  const start = async () => {
    const gateway = new BuiltCommand(['run'], { cwd, env });
    await gateway.printed('Stop with Ctrl-C.');
    return gateway;
  };
  const command = async (...args: string[]) => {
    const run = new BuiltCommand(args, { cwd, env });
    return { code: await run.ended, out: run.out.trimEnd(), err: run.err.trimEnd() };
  };
  return { cwd, api, start, command };
}

/** The commands that it prints for somebody to try. */
export const printedCommands = ({ out }: BuiltCommand): string[] =>
  out.split('\n').filter((line) => line.startsWith('curl '));
