import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cliBox, cliBoxWithGateway, success } from '../../test/kit/command-line/cli-fixture.ts';

describe('keys', () => {
  it('are made, shown once, listed and revoked', async () => {
    const { run, folder } = cliBox();
    const made = await run('keys', 'create', '--name', 'booking', '--scopes', 'read, control');
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^seam_gw1_\w{40}$/);
    const list = await run('keys', 'list');
    expect(list.out).toMatch(/^ID .*\nkey_\w+ {2}booking {2}read,control {2}all +\d/);
    expect(readFileSync(join(folder, 'state/api-keys'), 'utf8')).not.toContain(made.out);
    expect(JSON.parse((await run('keys', 'list', '--json')).out)).toEqual([
      {
        id: expect.stringMatching(/^key_/),
        name: 'booking',
        scopes: ['read', 'control'],
        created_at: expect.any(String),
        last_used_at: null,
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

  it('may do everything where they are this box’s own, admin included, and not where they are somebody else’s', async () => {
    const { run } = cliBox();
    await run('keys', 'create', '--name', 'cli', '--save');
    await run('keys', 'create', '--name', 'elsewhere', '--save', 'other.key');
    await run('keys', 'create', '--name', 'booking');
    const scopes = JSON.parse((await run('keys', 'list', '--json')).out).map(
      ({ name, scopes: of }: { name: string; scopes: string[] }) => [name, of.join()],
    );
    expect(scopes).toEqual([
      ['cli', 'read,control,codes,metrics,admin'],
      ['elsewhere', 'read,control,codes,metrics'],
      ['booking', 'read,control,codes,metrics'],
    ]);
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
      err: '"doors" is not a scope; there are: read, control, codes, metrics, admin.',
    });
  });

  it('are made for some doors, and until a time', async () => {
    const { run, config } = cliBox();
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('devices: []', 'devices: [{ id: front, name: Front door }]'));
    expect(await run('keys', 'create', '--name', 'x', '--devices', 'cellar9')).toMatchObject({ code: 6 });
    expect(await run('keys', 'create', '--name', 'x', '--spaces', 'flat 3')).toMatchObject({ code: 2 });
    const space = '0198a000-0000-7000-8000-000000000001';
    expect(await run('keys', 'create', '--name', 'guest', '--spaces', space)).toMatchObject({ code: 0 });
    expect((await run('keys', 'list')).out).toMatch(/guest +read,control,codes +of 1 spaces/);
    expect(await run('keys', 'change', 'guest', '--all-devices')).toMatchObject({ code: 0 });
    expect(JSON.parse((await run('keys', 'list', '--json')).out).at(-1)).not.toHaveProperty('spaces');
    await run('keys', 'revoke', 'guest');
    expect(await run('keys', 'create', '--name', 'x', '--expires', 'soon')).toMatchObject({ code: 2 });
    expect(await run('keys', 'create', '--name', 'x', '--devices', 'front', '--scopes', 'admin')).toMatchObject({
      code: 1,
      err: expect.stringContaining('concerns the whole gateway'),
    });
    expect(await run('keys', 'create', '--name', 'x', '--devices', 'front', '--expires', '30d')).toMatchObject({
      code: 0,
    });
    const [made] = JSON.parse((await run('keys', 'list', '--json')).out);
    expect(made).toMatchObject({ name: 'x', scopes: ['read', 'control', 'codes'], devices: [expect.any(String)] });
    expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBeGreaterThan(29 * 86_400_000);
    expect(await run('keys', 'change', 'x', '--all-devices', '--never-expires', '--name', 'y')).toMatchObject({
      code: 0,
    });
    const [changed] = JSON.parse((await run('keys', 'list', '--json')).out);
    expect(changed).toEqual({
      id: made.id,
      name: 'y',
      created_at: made.created_at,
      scopes: ['read', 'control', 'codes'],
      last_used_at: null,
    });
  });

  it('get another secret, and the old one stays good for as long as it is told', async () => {
    const { run, gateway, folder } = await cliBoxWithGateway();
    gateway.outcome = () => success(true);
    const taken = async (file: string) => (await run('lock', 'front', '--key-file', join(folder, file))).code;
    await run('keys', 'create', '--name', 'second', '--save', 'old.key');
    expect(await run('keys', 'rotate', 'second', '--save', 'new.key')).toMatchObject({ code: 0 });
    for (const file of ['old.key', 'new.key']) expect([file, await taken(file)]).toEqual([file, 0]);
    await run('keys', 'rotate', 'second', '--overlap', '0', '--save', 'third.key');
    // The new one is not known yet, so that the gateway looks: by then the old ones are gone.
    for (const [file, code] of [
      ['third.key', 0],
      ['old.key', 5],
      ['new.key', 5],
    ] as const)
      expect([file, await taken(file)]).toEqual([file, code]);
  });
});
