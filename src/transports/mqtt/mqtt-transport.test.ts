import { describe, expect, it } from 'vitest';
import { becomes } from '../../../test/kit/broker/link-becomes.ts';
import { failure, never, TOPIC, useMqtt } from '../../../test/kit/broker/mqtt-fixture.ts';
import { freePort } from '../../../test/kit/free-port.ts';
import { Secret, type Timer } from '../../contract/index.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { startEmbeddedBroker } from './embedded-broker.ts';

const mqtt = useMqtt();

const ANSWER_TIMEOUT = 5_000;
const LOOK_EVERY = 60_000;

describe('connecting', () => {
  it('comes up without waiting for it, and says once what an older broker lacks', async () => {
    const main = mqtt.transport();
    main.start();
    expect(main.state).toMatchObject({ status: 'down', reason: 'starting' });
    await becomes(main, 'up');
    expect(main.protocolVersion).toBe(4);
    mqtt.proxy.drop();
    await becomes(main, 'down', 'connection_lost');
    await mqtt.clock.advance(250);
    await becomes(main, 'up');
    expect(main.reconnects).toBe(1);
    expect(mqtt.log.lines.filter(({ msg }) => String(msg).includes('3.1.1 only. Lost:'))).toHaveLength(1);
  });

  it('says that nothing listens there, in the state and in the error of a command', async () => {
    const main = mqtt.transport({ url: `mqtt://127.0.0.1:${await freePort()}` });
    main.start();
    const state = await becomes(main, 'down', 'broker_unreachable');
    expect(state).toMatchObject({ hint: expect.stringContaining('mqtt.main.url') });
    expect(await failure(main.link('Front Door').command(mqtt.permit(), TOPIC, 'UNLOCK', never()))).toMatchObject({
      type: 'link_unavailable',
      delivery: 'not_sent',
      message: expect.stringMatching(/^Front Door: .*Nothing listens at mqtt:/),
    });
  });

  it('says that the broker refuses the password, without the password', async () => {
    const locked = await startEmbeddedBroker({
      port: 0,
      username: 'gw',
      password: new Secret('right'),
      log: mqtt.log.logger,
    });
    mqtt.closing.push(locked);
    const wrong = mqtt.transport({ url: locked.url, username: 'gw', password: new Secret('hunter2') });
    wrong.start();
    const state = await becomes(wrong, 'down', 'credentials_refused');
    expect(state).toMatchObject({ hint: expect.stringContaining('refuses user gw') });
    expect(mqtt.log.text).not.toContain('hunter2');
    await mqtt.connected({ url: locked.url, username: 'gw', password: new Secret('right'), clientId: 'other' });
  });

  it('gives up a broker that accepts the connection and never answers', async () => {
    mqtt.proxy.goSilent();
    const main = mqtt.transport();
    main.start();
    const down = becomes(main, 'down', 'broker_unreachable');
    while (mqtt.proxy.connections === 0) await mqtt.clock.settle();
    await mqtt.clock.advance(5_000);
    expect(await down).toMatchObject({ hint: expect.stringContaining('did not answer within 5 s') });
  });

  it('waits 0.25 s to 5 s between tries, and begins anew after a good connection', async () => {
    const pauses: number[] = [];
    class Noting extends SimulatedClock {
      override setTimer(callback: () => void, ms: number): Timer {
        if (ms !== ANSWER_TIMEOUT && ms !== LOOK_EVERY) pauses.push(ms);
        return super.setTimer(callback, ms);
      }
    }
    mqtt.clock = new Noting();
    const main = await mqtt.connected({ random: () => 0.5 });
    await mqtt.clock.advance(5_000);
    mqtt.proxy.cut();
    const TRIES = 10;
    for (let tries = 1; tries <= TRIES; tries++) {
      while (pauses.length < tries) await mqtt.clock.settle();
      if (tries === TRIES) mqtt.proxy.restore();
      await mqtt.clock.advance(pauses.at(-1) ?? 0);
    }
    await becomes(main, 'up');
    const expected = Array.from({ length: TRIES }, (_, index) => 0.75 * Math.min(250 * 1.5 ** index, 5_000));
    expect(pauses).toEqual(expected);
    await mqtt.clock.advance(5_000);
    mqtt.proxy.drop();
    while (pauses.length <= TRIES) await mqtt.clock.settle();
    expect(pauses.at(-1)).toBe(187.5);
  });
});

describe('closing', () => {
  it('takes back what was not acknowledged, and refuses what comes later', async () => {
    const main = await mqtt.connected();
    mqtt.proxy.losePubacks = true;
    const under = failure(main.link('Front Door').command(mqtt.permit(), TOPIC, 'UNLOCK', never()));
    await main.close();
    expect(await under).toMatchObject({ type: 'outcome_unknown' });
    expect(main.state).toMatchObject({ status: 'down', reason: 'closed' });
    await main.close();
    expect(mqtt.clock.armedTimers).toBe(0);
  });

  it('works before the start and while connecting', async () => {
    await mqtt.transport().close();
    mqtt.proxy.goSilent();
    const main = mqtt.transport();
    main.start();
    await main.close();
    expect(mqtt.clock.armedTimers).toBe(0);
  });
});
