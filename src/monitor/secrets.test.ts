import { describe, expect, it } from 'vitest';
import { base, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import { GatewayError, Secret } from '../contract/index.ts';

const pin = '73915046';

describe('a code', () => {
  it('is in no message, on no topic, in no property and no metric, however its attempts end', async () => {
    const { core, lock, publisher, metrics, log, origin, clock } = await monitorFixture({ homeAssistant: true });
    publisher.connect();
    const create = async (code: string) => {
      const made = await core.accessCodes.create(
        { deviceId: 'front', name: 'Guest', code: new Secret(code) },
        origin(),
      );
      await clock.advance(70_000);
      return made.code;
    };
    const held = await create(pin);
    if (lock.keypad)
      lock.keypad.nextSet = async (ctx, write) => {
        // A library that quotes what it was sent.
        log.error(
          { err: new Error(`rejected {"pin_code":"${write.code.reveal()}"}`), code: write.code.reveal() },
          'refused',
        );
        (await ctx.pointOfNoReturn()).spend();
        throw new GatewayError('device_rejected', 'Door front refused the code. Choose another.');
      };
    await create('20868531');
    if (lock.keypad) lock.keypad.nextSet = () => new Promise(() => {});
    await create('64402917');
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot: 1 });
    await core.accessCodes.delete(held.accessCodeId, origin());
    await clock.advance(70_000);
    publisher.disconnect();
    publisher.connect();
    await clock.advance(1_000);
    const types = publisher.said
      .filter(({ topic }) => topic.startsWith(`${base}/attempts/0`))
      .map(({ payload }) => JSON.parse(payload))
      .map(({ action_type, status, error }) => `${action_type} ${status} ${error?.type ?? ''}`);
    expect(types).toEqual([
      'CREATE_ACCESS_CODE pending ',
      'CREATE_ACCESS_CODE success ',
      'CREATE_ACCESS_CODE pending ',
      'CREATE_ACCESS_CODE error device_rejected',
      // What is wanted stays: the gateway tries again by itself.
      'CREATE_ACCESS_CODE pending ',
      'CREATE_ACCESS_CODE success ',
      'CREATE_ACCESS_CODE pending ',
      'CREATE_ACCESS_CODE error expired',
      'CREATE_ACCESS_CODE pending ',
      'CREATE_ACCESS_CODE success ',
      'DELETE_ACCESS_CODE pending ',
      'DELETE_ACCESS_CODE success ',
    ]);
    const everything =
      JSON.stringify(publisher.said) + JSON.stringify([...publisher.retained]) + (await metrics.text());
    expect(everything).toContain('refused');
    for (const digits of [pin, '20868531', '64402917']) expect(everything).not.toContain(digits);
  });
});
