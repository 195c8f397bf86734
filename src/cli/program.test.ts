import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cliBox, cliBoxWithGateway, failure, success } from '../../test/kit/command-line/cli-fixture.ts';
import { RecordedTerminal } from '../../test/kit/command-line/recorded-terminal.ts';
import { frontDoor, gate } from '../../test/kit/gateway/fake-devices.ts';
import type { Gateway } from '../model/gateway.ts';
import { runProgram } from './program.ts';
import { shortId } from './terminal.ts';

describe('a door command', () => {
  it('says that the bolt was seen', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = () => success(true);
    const { code, out, err } = await run('unlock', 'front');
    expect(out).toMatch(/^Front door is unlocked: the bolt was seen to be \(\d+\.\d s\)\.$/);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(gateway.accepted).toMatchObject([{ actionType: 'UNLOCK_DOOR', deviceId: frontDoor.deviceId }]);
  });

  it('does not claim a bolt where only a release is seen', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = () => success(true);
    expect((await run('lock', 'gate')).out).toMatch(/^Gate is locked: its release was seen off; nobody sees a bolt/);
  });

  it('says when nothing was seen', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = () => success(false);
    const { code, out } = await run('lock', 'front');
    expect(out).toMatch(/^Front door is locked as far as it says itself: no movement was observed/);
    expect(code).toBe(0);
  });

  it('fails with the reason when the door did not do it', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = () => failure('lock_jammed', 'Front door: the bolt is stuck. Free it by hand.');
    const { code, out, err } = await run('lock', 'front');
    expect(err).toBe(
      `Front door was not locked. Front door: the bolt is stuck. Free it by hand. (lock_jammed)
See how it went: strikeplate attempts history ${gateway.accepted[0]?.actionAttemptId}`,
    );
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });

  it('does not say "not" when nobody knows', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = () => failure('outcome_unknown', 'The broker did not answer.');
    const { code, err } = await run('unlock', 'front');
    expect(err).toMatch(/^Front door: nobody knows whether it was unlocked\. The broker did not answer\./);
    expect(code).toBe(1);
  });

  it('follows an attempt that outlives the held request', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = () => undefined;
    const command = run('unlock', 'front', '--timeout', '0');
    expect(await command).toMatchObject({ code: 7, out: expect.stringMatching(/^Front door: the attempt goes on\./) });
    const patient = run('unlock', 'front', '--timeout', '600');
    while (gateway.accepted.length < 2) await new Promise<void>((resolve) => setImmediate(resolve));
    gateway.end(success(true));
    expect(await patient).toMatchObject({ code: 0 });
  });

  it('does not wait when told so', async () => {
    const { run } = await cliBoxWithGateway();
    expect(await run('unlock', 'front', '--no-wait')).toMatchObject({ code: 0, err: '' });
  });

  it('prints the attempt as JSON, and nothing else', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = () => failure('lock_jammed', 'Stuck.');
    const { code, out, err } = await run('lock', 'front', '--json');
    expect(JSON.parse(out)).toEqual({
      action_attempt_id: gateway.accepted[0]?.actionAttemptId,
      action_type: 'LOCK_DOOR',
      status: 'error',
      result: null,
      error: { type: 'lock_jammed', message: 'Stuck.' },
    });
    expect({ code, err }).toEqual({ code: 1, err: '' });
  });

  it('is refused for a device that is no lock', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    const { code, err } = await run('lock', 'hall');
    expect(err).toMatch(/^unsupported_action: /);
    expect(code).toBe(1);
    expect(gateway.accepted).toEqual([]);
  });
});

describe('the device that is meant', () => {
  it.each([
    ['its slug', 'front'],
    ['its name', 'Front door'],
    ['its name in other letters', 'FRONT DOOR'],
    ['its device_id', frontDoor.deviceId.toUpperCase()],
  ])('is found by %s', async (_how, name) => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = () => success(true);
    expect(await run('lock', name)).toMatchObject({ code: 0 });
    expect(gateway.accepted).toMatchObject([{ deviceId: frontDoor.deviceId }]);
  });

  it('is asked for when several fit', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.deviceList.push({ ...gate, deviceId: 'a3f0a1c2-0000-5000-8000-000000000009', slug: 'gate2', name: 'GATE' });
    expect(await run('lock', 'gAte')).toEqual({
      code: 6,
      out: '',
      err: `"gAte" may be Gate (gate) or GATE (gate2). Give the device_id, ${gate.deviceId} or a3f0a1c2-0000-5000-8000-000000000009.`,
    });
    expect(gateway.accepted).toEqual([]);
  });

  it('is told apart by exact letters first', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.deviceList.push({ ...gate, deviceId: 'a3f0a1c2-0000-5000-8000-000000000009', slug: 'gate2', name: 'GATE' });
    await run('lock', 'Gate', '--no-wait');
    expect(gateway.accepted).toMatchObject([{ deviceId: gate.deviceId }]);
  });

  it('is told to be unknown, with those that are known', async () => {
    const { run } = await cliBoxWithGateway();
    expect(await run('lock', 'cellar')).toEqual({
      code: 6,
      out: '',
      err: 'There is no device "cellar". There are: front, gate, hall.',
    });
  });
});

describe('devices', () => {
  it('are listed with how they are', async () => {
    const { run } = await cliBoxWithGateway();
    const { code, out } = await run('devices');
    expect(out.split('\n')).toEqual([
      'DEVICE  NAME        HEALTH               STATE                BATTERY',
      'front   Front door  online               locked               80 %',
      'gate    Gate        offline (link down)  locked, door closed  -',
      'hall    Hall noise  online               41.5 dB (LAeq)       -',
    ]);
    expect(code).toBe(0);
  });

  it('are whole as JSON', async () => {
    const { run } = await cliBoxWithGateway();
    const devices = JSON.parse((await run('devices', '--json')).out);
    expect(devices).toHaveLength(3);
    expect(devices[0]).toMatchObject({ device_id: frontDoor.deviceId, can_remotely_unlock: true });
  });
});

describe('service', () => {
  it('is ended and begun again, with who said so and why', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    const { code, out } = await run('out-of-service', 'front', '--reason', 'New cylinder');
    expect({ code, out }).toEqual({
      code: 0,
      out: 'Front door is out of service: commands are refused, its state is still read.',
    });
    expect(gateway.devices.get(frontDoor.deviceId)?.settings.stopped).toMatchObject({
      by: 'cli',
      reason: 'New cylinder',
    });
    expect((await run('devices')).out).toContain('out of service');
    expect((await run('in-service', 'front')).out).toBe('Front door is in service: commands are taken again.');
    expect(gateway.devices.get(frontDoor.deviceId)?.outOfService).toBe(false);
    expect((await run('out-of-service', 'nowhere')).code).toBe(6);
  });
});

describe('the clock', () => {
  it('is shown, with why it is in doubt, and confirmed', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    expect((await run('clock')).out).toMatch(/Z: believed\.$/);
    const doubt = { confirmed: false, since: 0, reason: 'It jumped.' } as const;
    let confidence: Gateway['time']['confidence'] = doubt;
    gateway.time = {
      get confidence() {
        return confidence;
      },
      confirm: async () => {
        confidence = { confirmed: true };
      },
    };
    expect((await run('clock')).out).toContain('in doubt, so that codes wait. It jumped.');
    expect((await run('clock', 'confirm')).out).toMatch(/believed/);
  });
});

describe('attempts', () => {
  it('are listed, read and explained', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    expect(await run('attempts')).toEqual({ code: 0, out: '', err: 'No attempts yet.' });
    gateway.outcome = () => success(true);
    await run('lock', 'front');
    gateway.outcome = () => failure('lock_jammed', 'Stuck.');
    await run('unlock', 'gate');
    const [older = '', newer = ''] = gateway.accepted.map(({ actionAttemptId }) => actionAttemptId);
    const list = await run('attempts');
    expect(list.out).toMatch(
      new RegExp(
        `^TIME .*ID\\n.*gate +UNLOCK_DOOR +lock_jammed +cli +${shortId(newer)}\\n.*front +LOCK_DOOR +success, observed +cli +${shortId(older)}$`,
      ),
    );
    expect((await run('attempts', 'list', '--device', 'front')).out).toMatch(
      new RegExp(`^TIME [^\n]+\n[^\n]+ ${shortId(older)}$`),
    );
    expect(JSON.parse((await run('attempts', '--json', '--limit', '1')).out)).toHaveLength(1);
    expect(await run('attempts', 'get', newer ?? '')).toMatchObject({
      code: 0,
      out: 'UNLOCK_DOOR: lock_jammed\nStuck.',
    });
    const history = await run('attempts', 'history', newer ?? '');
    expect(history.out).toMatch(/^Gate \(gate\), asked by cli from 127\.0\.0\.1\nTIME .*\n.*\+0\.\d{3} s {2}accepted/);
    expect(history.code).toBe(0);
  });

  it('that never were are not found', async () => {
    const { run } = await cliBoxWithGateway();
    for (const what of ['get', 'history'])
      expect(await run('attempts', what, 'nonsense')).toMatchObject({
        code: 6,
        err: expect.stringContaining('There is no such action attempt'),
      });
  });
});

describe('the command line', () => {
  it('explains each command on eighty columns', async () => {
    const { run } = cliBox();
    let explained = 0;
    const explain = async (command: readonly string[]): Promise<void> => {
      const { out } = await run(...command, '--help');
      explained += 1;
      for (const line of out.split('\n')) expect([command, line.length > 80 ? line : '']).toEqual([command, '']);
      const [, below = ''] = /\nCommands:\n([\s\S]*?)(?:\n\n|$)/.exec(out) ?? [];
      for (const [, name = ''] of below.matchAll(/^ {2}(\S+)/gm))
        if (name !== 'help') await explain([...command, name]);
    };
    await explain([]);
    expect(explained).toBeGreaterThan(50);
  });

  it('is refused when it is not understood, with a hint', async () => {
    const { run } = cliBox();
    expect(await run('unlok', 'front')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Did you mean unlock?'),
    });
    expect(await run('lock')).toMatchObject({
      code: 2,
      err: expect.stringContaining("missing required argument 'device'"),
    });
    expect(await run('lock', 'front', '--timeout', 'soon')).toMatchObject({ code: 2 });
    expect(await run('attempts', '--limit', '0')).toMatchObject({ code: 2 });
    expect(await run('devices', '--url', 'gateway.lan')).toMatchObject({ code: 5 });
    expect(await run()).toMatchObject({ code: 2 });
  });

  it('explains itself', async () => {
    const { run } = cliBox();
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, err: '' });
    for (const command of ['check-config', 'devices', 'lock', 'unlock', 'attempts', 'keys', 'simulate'])
      expect(help.out).toContain(`  ${command}`);
    expect(help.out).toContain('4  no gateway answers');
    for (const command of ['devices', 'lock', 'attempts', 'keys', 'check-config'])
      expect((await run(command, '--help')).out).toContain('Examples:');
    expect(await run('--version')).toMatchObject({ code: 0, out: '1.2.3' });
  });

  it('shows all that is wrong with a configuration', async () => {
    const { run, config } = cliBox();
    expect(await run('check-config')).toEqual({
      code: 0,
      out: `${config} is in order: gateway lobby, 0 devices, 0 brokers.`,
      err: '',
    });
    writeFileSync(config, 'gateway: { id: lobby, name: Lobby, time_zone: UTC }\nwat: 1\n');
    const { code, out, err } = await run('check-config');
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err.split('\n')).toEqual([
      `${config}:1:1 devices: is missing.`,
      expect.stringMatching(/gateway\.yaml:2:1 wat: unknown key;/),
    ]);
    expect(JSON.parse((await run('check-config', '--json')).out)).toMatchObject({
      ok: false,
      problems: [{ path: 'devices' }, { line: 2, column: 1, path: 'wat' }],
    });
  });
});

describe('a box without a configuration', () => {
  const alone = async (args: readonly string[], env: Record<string, string> = {}) => {
    const cwd = mkdtempSync(join(tmpdir(), 'strikeplate-alone-'));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const terminal = new RecordedTerminal(cwd, env);
    const stop = () => ({ requested: Promise.resolve('SIGTERM') });
    const code = await runProgram({ terminal, catalogues: { drivers: {}, simulators: {} }, version: '0', stop }, args);
    return { code, err: terminal.errors, out: terminal.output };
  };

  it.each([
    [['check-config']],
    [['devices']],
    [['unlock', 'front']],
    [['keys', 'list']],
    [['pair', 'front']],
    [['simulate']],
    [['run']],
  ])('is told so by %j, and the demonstration is never taken for one', async (args) => {
    const { code, err, out } = await alone(args);
    expect(err).toMatch(/--config FILE or STRIKEPLATE_CONFIG.*"strikeplate demo"/);
    expect({ code, out }).toEqual({ code: 3, out: '' });
  });

  it('is told when the file that was named is not there', async () => {
    const { code, err } = await alone(['check-config'], { STRIKEPLATE_CONFIG: '/nowhere/gateway.yaml' });
    expect(err).toContain('/nowhere/gateway.yaml');
    expect(code).toBe(3);
  });
});
