import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { type PublicProgram, publicProgram } from '../kit/command-line/public-program.ts';

/*
 * A real switch to another user, which root alone can make; anybody else is refused in words. Both are looked at by who
 * runs the tests, and neither is left out: continuous integration runs as root.
 */

const user = 'nobody';
const isRoot = process.getuid?.() === 0;
let program: PublicProgram;
const folder = mkdtempSync(join(tmpdir(), 'strikeplate-user-'));
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  await ensureBuilt();
  chmodSync(folder, 0o755);
  mkdirSync(file('state'));
  writeFileSync(file('mqtt.pw'), 'secret', { mode: 0o600 });
  const mqtt = { main: { url: 'mqtt://127.0.0.1:1', username: 'gw', password_file: 'mqtt.pw' } };
  const gateway = { id: 'lobby', name: 'Lobby', time_zone: 'UTC' };
  writeFileSync(file('gateway.yaml'), JSON.stringify({ state_dir: 'state', gateway, mqtt, devices: [] }), {
    mode: 0o644,
  });
  if (isRoot) program = publicProgram(user);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (program?.folder !== undefined) rmSync(program.folder, { recursive: true, force: true });
});

function checked(...more: string[]) {
  const { node, cli } = program;
  const words = [cli, 'check-config', '--config', file('gateway.yaml'), ...more];
  const { status, stdout, stderr } = spawnSync(node, words, { encoding: 'utf8', cwd: '/' });
  return { status, said: stdout + stderr };
}

const ids = () => {
  const of = (what: string) => Number(spawnSync('id', [what, user], { encoding: 'utf8' }).stdout);
  return [of('-u'), of('-g')] as const;
};

describe('check-config --user', () => {
  test.runIf(isRoot)('finds what root may and the service’s user may not, and nothing once that is mended', () => {
    expect(checked('--user', 'root')).toMatchObject({ status: 0 });
    const secret = checked('--user', user);
    expect(secret).toEqual({ status: 3, said: expect.stringMatching(/mqtt\.pw/) });
    expect(secret.said).toMatch(/may not|not be read|cannot be read|EACCES/);
    chownSync(file('mqtt.pw'), ...ids());
    const state = checked('--user', user);
    expect(state).toEqual({ status: 3, said: expect.stringMatching(/nobody may not write into .*state/) });
    expect(JSON.parse(checked('--user', user, '--json').said)).toMatchObject({ ok: false });
    chownSync(file('state'), ...ids());
    expect(checked('--user', user)).toEqual({ status: 0, said: expect.stringContaining('is in order') });
    chmodSync(file('gateway.yaml'), 0o600);
    expect(checked()).toMatchObject({ status: 0 });
    expect(checked('--user', user)).toEqual({ status: 3, said: expect.stringMatching(/gateway\.yaml/) });
  });

  test.runIf(!isRoot)('is refused in words to anybody but root', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['dist/src/cli.js', 'check-config', '--user', user, '--config', file('gateway.yaml')],
      { encoding: 'utf8' },
    );
    expect([status, stderr]).toEqual([2, expect.stringMatching(/Only root can look as somebody else/)]);
  });
});
