import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { GatewayProcess, runCli } from '../kit/gateway/gateway-process.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

describe('bad input to a real process', () => {
  const closing: (() => unknown)[] = [];
  let url: string;
  let box: GatewayBox;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    await ensureBuilt();
    const building = await ZigbeeBuilding.open();
    closing.push(() => building.close());
    const { bridge } = building;
    url = building.url;
    bridge.addLock({ friendlyName: 'front', radioMs: 5, motorMs: 10, autoRelockS: 0 });
    bridge.addLock({ friendlyName: 'side', radioMs: 5, motorMs: 10 });
    bridge.addNoiseSensor({ friendlyName: 'hall', level: 45 });
    bridge.start();
    const devices = [zigbeeEntry('front'), zigbeeEntry('side'), zigbeeEntry('hall', { settings: { kind: 'noise' } })];
    box = await GatewayBox.make({ mqtt: { main: { url } }, devices });
    closing.push(() => box.dispose());
    gateway = await GatewayProcess.start(box);
    closing.push(() => gateway.stop());
    for (const slug of ['front', 'side', 'hall']) await gateway.api.online(idOf(slug));
  });
  afterAll(async () => {
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  });

  it.each([
    ['an unknown device', { device_id: 'nobody' }, 404, 'device_not_found'],
    ['a noise sensor told to lock', { device_id: idOf('hall') }, 400, 'unsupported_action'],
    ['JSON that breaks off', '{"device_id": "x', 400, 'invalid_input'],
    ['a body of 5 MB', JSON.stringify({ device_id: 'x'.repeat(5 << 20) }), 413, 'payload_too_large'],
    ['a number for an id', { device_id: 7 }, 400, 'invalid_input'],
    ['a list for a body', '[1, 2]', 400, 'invalid_input'],
    ['no parameters', {}, 400, 'invalid_input'],
    ['a parameter that does not exist', { device_id: idOf('front'), force: true }, 400, 'invalid_input'],
  ])('HTTP: %s is told, and the door works afterwards', async (_what, body, status, type) => {
    const answer = await gateway.api.post('/locks/lock_door', body);
    expect(answer).toMatchObject({
      status,
      body: { ok: false, error: { type, message: expect.stringMatching(/\w.{10}/) } },
    });
    const attempt = await gateway.api.door('unlock', idOf('front'));
    const [life] = await gateway.api.ended([attempt.action_attempt_id]);
    expect(life?.attempt.status).toBe('success');
  });

  it.each([
    ['an unknown device', { device_id: 'nobody', auto_lock_enabled: false }, 404, 'device_not_found'],
    ['a noise sensor', { device_id: idOf('hall'), auto_lock_enabled: false }, 400, 'unsupported_action'],
    [
      'a lock that has no such setting',
      { device_id: idOf('side'), auto_lock_enabled: false },
      400,
      'unsupported_action',
    ],
    ['no switch', { device_id: idOf('front'), auto_lock_delay_seconds: 30 }, 400, 'invalid_input'],
    ['a word for the switch', { device_id: idOf('front'), auto_lock_enabled: 'maybe' }, 400, 'invalid_input'],
    ['no time', { device_id: idOf('front'), auto_lock_enabled: true }, 400, 'invalid_input'],
    ...[0, -5, 2.5, 61, '"soon"', null].map((seconds) => [
      `${seconds} seconds`,
      { device_id: idOf('front'), auto_lock_enabled: true, auto_lock_delay_seconds: seconds },
      400,
      'invalid_input',
    ]),
    [
      'a parameter that does not exist',
      { device_id: idOf('front'), auto_lock_enabled: false, force: true },
      400,
      'invalid_input',
    ],
  ] as [string, object, number, string][])(
    '/locks/configure_auto_lock: %s is told, and nothing is begun',
    async (_what, body, status, type) => {
      await refused('/locks/configure_auto_lock', body, status, type);
    },
  );

  it.each([
    ['/devices/simulate/connect', { device_id: idOf('front') }],
    ['/devices/simulate/disconnect', { device_id: idOf('front') }],
    ['/devices/simulate/connect_to_hub', { device_id: idOf('front') }],
    ['/devices/simulate/disconnect_from_hub', { device_id: idOf('front') }],
    ['/devices/simulate/remove', { device_id: idOf('front') }],
    ['/devices/simulate/paid_subscription', { device_id: idOf('front'), is_expired: true }],
    ['/locks/simulate/keypad_code_entry', { device_id: idOf('front'), code: '1234' }],
    ['/locks/simulate/manual_lock_via_keypad', { device_id: idOf('front') }],
    ['/access_codes/simulate/create_unmanaged_access_code', { device_id: idOf('front'), code: '1234', name: 'Ben' }],
    ['/noise_sensors/simulate/trigger_noise_threshold', { device_id: idOf('hall') }],
    ['/workspaces/reset_sandbox', {}],
  ])('%s is refused on real devices, on unknown ones, and with what it does not take', async (path, body) => {
    await refused(path, body, 400, 'unsupported_action');
    await refused(path, { ...body, force: true }, 400, 'invalid_input');
    if (!('device_id' in body)) return;
    await refused(path, { ...body, device_id: 'nobody' }, 404, 'device_not_found');
    await refused(path, {}, 400, 'invalid_input');
    if ('code' in body) await refused(path, { ...body, code: '12a4' }, 400, 'invalid_input');
  });

  /** It is told what is wrong, in words, and no attempt was begun. */
  async function refused(path: string, body: object, status: number, type: string): Promise<void> {
    const attempts = async () =>
      (await gateway.api.post('/action_attempts/list', { limit: 1000 })).body.action_attempts;
    const before = await attempts();
    expect([path, body, await gateway.api.post(path, body)]).toMatchObject([
      path,
      body,
      { status, body: { ok: false, error: { type, message: expect.stringMatching(/\w.{10}/) } } },
    ]);
    expect(await attempts()).toEqual(before);
  }

  it.each([
    ['an unknown key', { colour: 'red' }, /gateway\.yaml:\d+:\d+ colour: /],
    [
      'a password file that is missing',
      { mqtt: { main: { url: 'mqtt://127.0.0.1:1', username: 'gw', password_file: 'none.pw' } } },
      /gateway\.yaml:\d+:\d+ mqtt\.main\.password_file: .*none\.pw/,
    ],
    [
      'a driver that does not exist',
      { devices: [zigbeeEntry('front'), { ...zigbeeEntry('side'), driver: 'mqtt/none' }] },
      /gateway\.yaml:\d+:\d+ devices\.1\.driver: /,
    ],
  ])('configuration: with %s it does not start, and says where to look', async (_what, part, message) => {
    const other = await GatewayBox.make({ mqtt: { main: { url } }, devices: [zigbeeEntry('front')], ...part });
    try {
      for (const command of ['run', 'check-config']) {
        const end = await runCli([command, '--config', other.configFile]);
        expect([command, end.code]).toEqual([command, 3]);
        expect(end.stdout + end.stderr).toMatch(message);
      }
    } finally {
      other.dispose();
    }
  });

  it('a configuration that is not there is told, too', async () => {
    const end = await runCli(['run', '--config', join(box.folder, 'none.yaml')]);
    expect(end.code).toBe(3);
    expect(end.stderr).toContain('none.yaml');
  });
});
