import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cliBox } from '../../test/kit/command-line/cli-fixture.ts';

const isRoot = process.getuid?.() === 0;

describe('check-config', () => {
  test.each([
    ['the configuration', 'gateway.yaml'],
    ['a password', 'mqtt.pw'],
  ])('refuses %s that everybody can write', async (_, name) => {
    const { folder, run, config } = cliBox();
    writeFileSync(join(folder, 'mqtt.pw'), 'secret', { mode: 0o600 });
    writeFileSync(
      config,
      'state_dir: state\ngateway: { id: lobby, name: Lobby, time_zone: UTC }\nmqtt: { main: { url: "mqtt://127.0.0.1:1", username: gw, password_file: mqtt.pw } }\ndevices: []\n',
    );
    mkdirSync(join(folder, 'state'));
    chmodSync(folder, 0o755);
    expect((await run('check-config')).code).toBe(0);
    chmodSync(join(folder, name), 0o666);
    const { code, err } = await run('check-config');
    expect([code, err]).toEqual([3, expect.stringMatching(new RegExp(`everybody .* can write .*${name}; chmod o-w`))]);
  });

  test.each([
    ['beside the configuration', '.', []],
    ['where a password lies', 'secrets', []],
    ['where a link to a password leads', 'elsewhere', ['link']],
    ['where the state is kept', 'state', []],
  ])('refuses a folder into which everybody can put files: %s', async (_, open, links) => {
    const { folder, run, config } = cliBox();
    for (const name of ['secrets', 'elsewhere', 'state']) mkdirSync(join(folder, name));
    const password = join(folder, 'secrets/mqtt.pw');
    writeFileSync(password, 'secret', { mode: 0o600 });
    if (links.length > 0) {
      renameSync(password, join(folder, 'elsewhere/mqtt.pw'));
      symlinkSync(join(folder, 'elsewhere/mqtt.pw'), password);
    }
    writeFileSync(
      config,
      'state_dir: state\ngateway: { id: lobby, name: Lobby, time_zone: UTC }\nmqtt: { main: { url: "mqtt://127.0.0.1:1", username: gw, password_file: secrets/mqtt.pw } }\ndevices: []\n',
    );
    chmodSync(folder, 0o755);
    expect((await run('check-config')).code).toBe(0);
    chmodSync(join(folder, open), 0o777);
    const { code, err } = await run('check-config');
    expect([code, err]).toEqual([3, expect.stringMatching(/can put other files into \S+; chmod o-w it/)]);
    // What lies in such a folder belongs to its owner alone.
    chmodSync(join(folder, open), 0o1777);
    expect((await run('check-config')).code).toBe(0);
  });

  test('refuses API keys that others than their owner can write', async () => {
    const { folder, run, config } = cliBox();
    writeFileSync(
      config,
      'state_dir: state\ngateway: { id: lobby, name: Lobby, time_zone: UTC }\nmqtt: { main: { url: "mqtt://127.0.0.1:1" } }\ndevices: []\n',
    );
    mkdirSync(join(folder, 'state'));
    writeFileSync(join(folder, 'state/api-keys'), '{}');
    chmodSync(join(folder, 'state/api-keys'), 0o620);
    const { code, err } = await run('check-config');
    expect([code, err]).toEqual([3, expect.stringMatching(/others can write \S*api-keys\..* chmod 600/)]);
  });

  test('tells of a port that is not there, and goes on', async () => {
    const { folder, run, config } = cliBox();
    writeFileSync(
      config,
      'state_dir: state\ngateway: { id: lobby, name: Lobby, time_zone: UTC }\nserial: { bus1: { path: /dev/nothing-here } }\ndevices: []\n',
    );
    mkdirSync(join(folder, 'state'));
    const { code, err } = await run('check-config');
    expect([code, err]).toEqual([0, expect.stringContaining('/dev/nothing-here is not there now')]);
  });

  test.runIf(isRoot)('looks as another user does: at the configuration, the keys and the folders', async () => {
    const { code, err } = await cliBox().run('check-config', '--user', 'nobody-there');
    expect([code, err]).toEqual([1, expect.stringMatching(/run as nobody-there/)]);
  });
});
