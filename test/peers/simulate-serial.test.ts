import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { BuiltCommand } from '../kit/command-line/built-command.ts';
import { GatewayBox, idOf } from '../kit/gateway/gateway-box.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';
import { socatProgram, TtyPair } from './kit/tty-pair.ts';

/** Closed after the test, last first. */
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
});

describe.skipIf(socatProgram === undefined)('strikeplate simulate --serial', () => {
  beforeAll(ensureBuilt);

  it('plays a line at the far end of a tty, and goes and comes back as its cable does', async () => {
    const ttys = await TtyPair.open();
    closing.push(() => ttys.close());
    const line = {
      serial: { bus1: { path: ttys.near } },
      devices: [
        {
          id: 'yard',
          name: 'Yard door',
          driver: 'serial/modbus-relay',
          link: { serial: 'bus1', unit: 1 },
          settings: {
            profile: 'waveshare-8ch-io',
            channel: 1,
            lock_type: 'fail_secure',
            relay_contact: 'normally_open',
            release_s: 3,
            door_contact: { input: 1, closed_when: 'on' },
          },
        },
        {
          id: 'hall',
          name: 'Hall noise',
          driver: 'serial/modbus-noise',
          link: { serial: 'bus1', unit: 2 },
          settings: { profile: 's300nois' },
        },
      ],
    };
    const simulation = {
      simulation: [
        {
          simulator: 'serial/modbus-line',
          link: { serial: 'bus1' },
          settings: {
            units: [
              { kind: 'relay_board', unit: 1, doors: [{ relay: 1, input: 1, visitor_s: 1 }] },
              { kind: 'noise', unit: 2, level_db: 45 },
            ],
          },
        },
      ],
    };
    // A gateway with this section would play on its own end of the line.
    const box = await GatewayBox.make({ ...line, ...simulation });
    closing.push(() => box.dispose());
    const inFolder = { cwd: box.folder };
    const played = join(box.folder, 'played.yaml');
    copyFileSync(box.configFile, played);
    box.configure(line);
    const play = ['simulate', '--config', played, '--serial', `bus1=${ttys.far}`];
    const simulator = new BuiltCommand(play, inFolder);
    await simulator.printed('Playing serial/modbus-line');
    const gateway = new BuiltCommand(['run', '--config', box.configFile], inFolder);
    await gateway.printed('Strikeplate listens on ');
    const api = new ApiCaller(/listens on (\S+)/.exec(gateway.out)?.[1] ?? '', box.key);
    for (const slug of ['yard', 'hall']) await api.online(idOf(slug));

    const { action_attempt_id } = await api.door('unlock', idOf('yard'));
    const [life] = await api.ended([action_attempt_id]);
    expect(life?.attempt).toMatchObject({ status: 'success', result: { was_confirmed_by_device: true } });
    console.log(`UNLOCK over a tty took ${(life?.settledAt ?? 0) - (life?.acceptedAt ?? 0)} ms`);

    await ttys.unplug();
    const gone = await api.door('unlock', idOf('yard'));
    const [failed] = await api.ended([gone.action_attempt_id]);
    expect(failed?.attempt.error?.type).toMatch(/^(link_unavailable|device_offline|expired)$/);
    await ttys.plug();
    for (const slug of ['yard', 'hall']) await api.online(idOf(slug));
    const again = await api.door('unlock', idOf('yard'));
    const [worked] = await api.ended([again.action_attempt_id]);
    expect(worked?.attempt.status).toBe('success');

    simulator.child.kill('SIGTERM');
    expect(await simulator.ended).toBe(0);
    gateway.child.kill('SIGTERM');
    expect(await gateway.ended).toBe(0);
  });
});
