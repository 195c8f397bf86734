import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { BuiltCommand } from '../kit/command-line/built-command.ts';
import { demonstration, printedCommands } from '../kit/gateway/demonstration.ts';

// Whole processes, on a machine that may be busy with other tests: a limit that is met kills them while the test goes on
// talking to them, and is told as a refused connection.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
beforeAll(ensureBuilt);

/** Does what a printed curl command says. test/peers gives it to curl itself. */
async function asCurl(line: string) {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const headers: Record<string, string> = {};
  let body: string | undefined;
  let url: string | undefined;
  expect(words.splice(0, 2)).toEqual(['curl', '-s']);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-H') {
      const [name = '', value = ''] = (words.shift() ?? '').split(': ');
      headers[name] = value;
    } else if (word === '-d') body = words.shift();
    else url = word;
  }
  const answer = await fetch(url ?? '', { headers, ...(body !== undefined && { method: 'POST', body }) });
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  return { status: answer.status, body: (await answer.json()) as any };
}

describe('the demonstration', () => {
  it('prints three commands that work as printed, and a key that stays', async () => {
    const { cwd, start } = await demonstration();
    const gateway = await start();
    const commands = printedCommands(gateway);
    expect(commands).toHaveLength(3);
    const [list, unlock, see] = await commands.reduce<Promise<Awaited<ReturnType<typeof asCurl>>[]>>(
      async (before, line) => [...(await before), await asCurl(line)],
      Promise.resolve([]),
    );
    expect(list?.body.devices.map((device: { display_name: string }) => device.display_name)).toEqual([
      'Front door',
      'Back door',
      'Lobby noise',
      'Yard door',
      'Hall noise',
      'Cellar door',
    ]);
    expect(unlock).toMatchObject({ status: 200, body: { action_attempt: { action_type: 'UNLOCK_DOOR' } } });
    expect(see?.body.action_attempts).toHaveLength(1);
    expect(see?.body.action_attempts[0].action_attempt_id).toBe(unlock?.body.action_attempt.action_attempt_id);

    const keyFile = join(cwd, 'var/demo.key');
    const key = readFileSync(keyFile, 'utf8').trim();
    expect(gateway.out).toContain(key);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    gateway.child.kill('SIGTERM');
    expect(await gateway.ended).toBe(0);
    expect((await start()).out).toContain(`API key: ${key}\n`);
  });

  it('obeys the command line', async () => {
    const { start, command } = await demonstration();
    await start();
    const { out } = await command('devices');
    expect(
      out
        .split('\n')
        .slice(1)
        .map((line) => line.split(/ {2,}/).slice(0, 3)),
    ).toEqual([
      ['front', 'Front door', 'online'],
      ['back', 'Back door', 'online'],
      ['lobby', 'Lobby noise', 'online'],
      ['yard', 'Yard door', 'online'],
      ['hall', 'Hall noise', 'online'],
      ['cellar', 'Cellar door', 'online'],
    ]);
    expect(await command('unlock', 'back')).toEqual({
      code: 0,
      out: expect.stringMatching(/^Back door is unlocked: the bolt was seen to be \(\d+\.\d s\)\.$/),
      err: '',
    });
    expect(await command('unlock', 'yard')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Yard door is unlocked: its release was seen on/),
    });
    expect(await command('unlock', 'cellar')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Cellar door is unlocked: the bolt was seen to be/),
    });
    expect(await command('lock', 'lobby')).toMatchObject({ code: 1, err: expect.stringMatching(/is not a lock/) });
    expect((await command('attempts')).out).toMatch(
      /^TIME .*\n(\S+ {2}\S+ +UNLOCK_DOOR {2}success, observed +\S+ +\S+\n?){3}$/,
    );
  });

  it('refuses to start twice, and a broken configuration', async () => {
    const { cwd, start, command } = await demonstration();
    await start();
    expect(await command('run')).toMatchObject({ code: 75, err: expect.stringContaining('is in use by process') });
    const broken = join(cwd, 'broken.yaml');
    writeFileSync(broken, 'gateway: { id: x, name: X, time_zone: UTC }\ndevises: []\n');
    const { code, err } = await command('run', '--config', broken);
    expect(code).toBe(3);
    expect(err.split('\n')).toEqual([
      `${broken}:1:1 devices: is missing.`,
      expect.stringContaining(':2:1 devises: unknown key'),
    ]);
  });

  it('says that its port is taken', async () => {
    const { cwd, api } = await demonstration();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(api, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const config = join(cwd, 'bare.yaml');
    writeFileSync(config, `gateway: { id: x, name: X, time_zone: UTC }\nhttp: { port: ${api} }\ndevices: []\n`);
    const run = new BuiltCommand(['run', '--config', config], { cwd });
    expect(await run.ended).toBe(75);
    expect(run.err).toContain(`Cannot listen on 127.0.0.1:${api}: another program listens there already.`);
  });
});
