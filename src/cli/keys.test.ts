import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cliBox, cliBoxWithGateway, success } from '../../test/kit/cli-fixture.ts';

describe('keys', () => {
  it('are made, shown once, listed and revoked', async () => {
    const { run, folder } = cliBox();
    const made = await run('keys', 'create', '--name', 'booking', '--scopes', 'read, control');
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^seam_gw1_\w{40}$/);
    const list = await run('keys', 'list');
    expect(list.out).toMatch(/^key_\w+ {2}booking {2}read,control {2}\d{4}-/);
    expect(readFileSync(join(folder, 'state/api-keys'), 'utf8')).not.toContain(made.out);
    expect(JSON.parse((await run('keys', 'list', '--json')).out)).toEqual([
      {
        id: expect.stringMatching(/^key_/),
        name: 'booking',
        scopes: ['read', 'control'],
        created_at: expect.any(String),
      },
    ]);
    expect(await run('keys', 'revoke', 'booking')).toMatchObject({ code: 0 });
    expect(await run('keys', 'revoke', 'booking')).toMatchObject({ code: 6 });
    expect(await run('keys', 'list')).toMatchObject({ code: 0, out: '' });
  });

  it('are kept for commands on this box, unseen and for their owner alone', async () => {
    const { run, folder, gateway } = await cliBoxWithGateway();
    const file = join(folder, 'own.key');
    const made = await run('keys', 'create', '--name', 'second', '--save', 'own.key');
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/ is kept in .*own\.key\.$/) });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    gateway.outcome = () => success(true);
    expect(await run('lock', 'front', '--key-file', file)).toMatchObject({ code: 0 });
    expect(gateway.accepted).toMatchObject([{ actor: { kind: 'api_key', name: 'second' } }]);
  });

  it('are not made when they cannot be kept', async () => {
    const { run, folder } = cliBox();
    writeFileSync(join(folder, 'mine'), 'precious');
    const { code, err } = await run('keys', 'create', '--name', 'x', '--save', 'mine');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('it exists already') });
    expect(readFileSync(join(folder, 'mine'), 'utf8')).toBe('precious');
    expect(await run('keys', 'list')).toMatchObject({ out: '' });
  });

  it('of one name are made once', async () => {
    const { run } = cliBox();
    await run('keys', 'create', '--name', 'x');
    expect(await run('keys', 'create', '--name', 'x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('already'),
    });
  });

  it('have known scopes', async () => {
    expect(await cliBox().run('keys', 'create', '--name', 'x', '--scopes', 'read,doors')).toMatchObject({
      code: 2,
      err: '"doors" is not a scope; there are: read, control, codes, metrics.',
    });
  });
});
