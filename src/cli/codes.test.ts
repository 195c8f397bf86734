import { describe, expect, it } from 'vitest';
import { cliBoxWithGateway } from '../../test/kit/command-line/cli-fixture.ts';
import { frontDoor } from '../../test/kit/gateway/fake-devices.ts';
import { localTime } from './terminal.ts';

const done = () => ({ status: 'success', result: {} }) as const;

describe('access codes', () => {
  it('are made with digits of the gateway’s choice, listed without them, and deleted', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    gateway.outcome = done;
    const times = ['--from', '2030-05-02T14:00:00Z', '--until', '2030-05-05T12:00:00+02:00'];
    const made = await run('codes', 'create', 'front', '--name', 'Ana', ...times);
    expect(made).toEqual({ code: 0, out: `Digits: 582913. Status: set. code-1`, err: '' });
    const list = await run('codes', 'list', 'front');
    const [from, until] = ['2030-05-02T14:00:00Z', '2030-05-05T10:00:00Z'].map((time) => localTime(Date.parse(time)));
    expect(list.out.split('\n')[1]).toBe(`Ana   set     ${from}  ${until}  code-1`);
    expect((await run('codes', 'list', 'front', '--json')).out).not.toContain('582913');
    expect(await run('codes', 'delete', 'code-1')).toMatchObject({ code: 0, out: 'DELETE_ACCESS_CODE: success' });
    expect(await run('codes', 'list', 'front')).toMatchObject({ code: 0, err: 'No access codes.' });
    expect((await run('codes', 'delete', 'never-was')).code).toBe(6);
  });

  it('say why they are not on the lock', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    const message = 'The keypad of Front door is full.';
    gateway.outcome = () => ({ status: 'error', error: { type: 'no_space_for_access_code_on_device', message } });
    const { code, err } = await run('codes', 'create', 'front');
    expect({ code, err }).toEqual({ code: 1, err: `${message} (no_space_for_access_code_on_device)` });
  });

  it('have digits that are asked for, never an argument', async () => {
    const { run, gateway } = await cliBoxWithGateway();
    expect((await run('codes', 'create', 'front', '--ask')).err).toContain('Nobody can be asked');
    expect((await run('codes', 'create', 'front', '--code', '1234')).code).not.toBe(0);
    expect(gateway.accessCodes.list(frontDoor.deviceId)).toEqual([]);
  });
});
