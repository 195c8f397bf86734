import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';

beforeAll(ensureBuilt);

it('P7: DEBUG in the environment makes no library print what it sends', () => {
  const cli = fileURLToPath(new URL('../../dist/src/cli.js', import.meta.url));
  const { stderr, status } = spawnSync(process.execPath, [cli, '--version'], {
    env: { ...process.env, DEBUG: '*' },
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/^DEBUG is ignored/)]);
});
