import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { BuiltCommand } from '../command-line/built-command.ts';

/** Different ones: all are taken before the first is given back. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    ports.push(typeof address === 'object' && address !== null ? address.port : 0);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

/** The demonstration as it ships, on ports that are free here. */
export async function demonstration() {
  const cwd = mkdtempSync(join(tmpdir(), 'strikeplate-demo-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const shipped = readFileSync(new URL('../../../config/demo.yaml', import.meta.url), 'utf8');
  expect(shipped).toContain('port: 8080');
  expect(shipped).toContain('port: 18830');
  const [api = 0, broker = 0] = await freePorts(2);
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
