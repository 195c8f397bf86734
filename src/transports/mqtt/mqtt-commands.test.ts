import { describe, expect, it } from 'vitest';
import { becomes } from '../../../test/kit/broker/link-becomes.ts';
import { failure, never, TOPIC, useMqtt } from '../../../test/kit/broker/mqtt-fixture.ts';
import { GatewayError } from '../../contract/index.ts';

const mqtt = useMqtt();

describe('commands', () => {
  it('reach the lock once and resolve with the PUBACK', async () => {
    const main = await mqtt.connected();
    const allowed = mqtt.permit();
    await main.link('Front Door').command(allowed, TOPIC, '{"state":"UNLOCK"}', never());
    await mqtt.lock.settled();
    expect(mqtt.lock.payloads).toEqual(['{"state":"UNLOCK"}']);
    expect(mqtt.lock.heard[0]?.retained).toBe(false);
    expect(allowed.spend).toHaveBeenCalledOnce();
  });

  it('spend their permit within the call: no wait comes between its checks and the socket', async () => {
    const main = await mqtt.connected();
    const link = main.link('Front Door');
    const order: string[] = [];
    const allowed = { ...mqtt.permit(), spend: () => void order.push('spent') };
    const sent = link.command(allowed, TOPIC, 'UNLOCK', never());
    order.push('returned');
    expect(order).toEqual(['spent', 'returned']);
    await sent;
  });

  it('are refused at once while the link is down, and never come later', async () => {
    const main = await mqtt.connected();
    mqtt.proxy.cut();
    await becomes(main, 'down');
    const allowed = mqtt.permit();
    const error = await failure(main.link('Front Door').command(allowed, TOPIC, 'UNLOCK', never()));
    expect(error).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(allowed.spend).not.toHaveBeenCalled();
    mqtt.proxy.restore();
    await mqtt.clock.advance(250);
    await becomes(main, 'up');
    await mqtt.lock.settled();
    expect(mqtt.lock.payloads).toEqual([]);
  });

  it('do not leave when the permit refuses', async () => {
    const main = await mqtt.connected();
    const refusal = new GatewayError('expired', 'too late');
    const refusing = mqtt.permit();
    refusing.spend.mockImplementation(() => {
      throw refusal;
    });
    await expect(main.link('Front Door').command(refusing, TOPIC, 'UNLOCK', never())).rejects.toBe(refusal);
    await mqtt.lock.settled();
    expect(mqtt.lock.payloads).toEqual([]);
  });

  it('do not leave when the signal has aborted', async () => {
    const main = await mqtt.connected();
    const allowed = mqtt.permit();
    const reason = new GatewayError('superseded', 'a newer command came');
    await expect(main.link('Front Door').command(allowed, TOPIC, 'UNLOCK', AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
    expect(allowed.spend).not.toHaveBeenCalled();
  });

  it('are called off when the broker does not acknowledge within a second, and do not come twice', async () => {
    const main = await mqtt.connected();
    mqtt.proxy.losePubacks = true;
    const error = failure(main.link('Front Door').command(mqtt.permit(), TOPIC, 'UNLOCK', never()));
    await mqtt.lock.heardAtLeast(1);
    await mqtt.clock.advance(999);
    expect(main.state.status).toBe('up');
    await mqtt.clock.advance(1);
    expect(await error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    await becomes(main, 'down', 'not_answering');
    mqtt.proxy.losePubacks = false;
    await mqtt.clock.advance(250);
    await becomes(main, 'up');
    await mqtt.lock.settled();
    expect(mqtt.lock.payloads).toEqual(['UNLOCK']);
  });

  it('are called off at send_by when that comes first', async () => {
    const main = await mqtt.connected();
    mqtt.proxy.losePubacks = true;
    const error = failure(
      main.link('Front Door').command(mqtt.permit(mqtt.clock.now() + 300), TOPIC, 'UNLOCK', never()),
    );
    await mqtt.lock.heardAtLeast(1);
    await mqtt.clock.advance(300);
    expect(await error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
  });

  it('do not leave when too little time is left to call them off', async () => {
    const main = await mqtt.connected();
    const allowed = mqtt.permit(mqtt.clock.now() + 19);
    const error = await failure(main.link('Front Door').command(allowed, TOPIC, 'UNLOCK', never()));
    expect(error).toMatchObject({ type: 'expired', delivery: 'not_sent' });
    expect(allowed.spend).not.toHaveBeenCalled();
  });

  it('end unknown when the connection breaks under way, and when the caller leaves', async () => {
    const main = await mqtt.connected();
    mqtt.proxy.losePubacks = true;
    const link = main.link('Front Door');
    const leaving = new AbortController();
    const left = failure(link.command(mqtt.permit(), TOPIC, 'LOCK', leaving.signal));
    const broken = failure(link.command(mqtt.permit(), TOPIC, 'UNLOCK', never()));
    leaving.abort(new Error('deadline'));
    expect(await left).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    await mqtt.lock.heardAtLeast(2);
    mqtt.proxy.drop();
    expect(await broken).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
  });

  it('are refused for a topic nobody can publish on', async () => {
    const main = await mqtt.connected();
    const allowed = mqtt.permit();
    const error = await failure(main.link('Front Door').command(allowed, 'zigbee2mqtt/+/set', 'UNLOCK', never()));
    expect(error).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    expect(allowed.spend).not.toHaveBeenCalled();
  });

  it('wait for room on a line that takes nothing, then leave nothing behind', async () => {
    const main = await mqtt.connected();
    const link = main.link('Front Door');
    mqtt.proxy.goSilent();
    // More than the kernel's buffers hold at their largest: the rest waits in this process.
    const flood = failure(link.query('flood', 'x'.repeat(64_000_000), never()));
    const allowed = mqtt.permit();
    const error = failure(link.command(allowed, TOPIC, 'UNLOCK', never()));
    await mqtt.clock.advance(1_000);
    expect(await error).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(allowed.spend).not.toHaveBeenCalled();
    await flood;
    mqtt.proxy.restore();
    await mqtt.lock.settled();
    expect(mqtt.lock.payloads).toEqual([]);
  });

  it('never show up in the log', async () => {
    const main = await mqtt.connected();
    const link = main.link('Front Door');
    link.subscribe('pin', ({ payload }) => JSON.parse(payload.toString()));
    await link.command(mqtt.permit(), TOPIC, '{"pin_code":"0472"}', never());
    mqtt.proxy.losePubacks = true;
    const lost = failure(link.command(mqtt.permit(), TOPIC, '{"pin_code":"0472"}', never()));
    await mqtt.lock.publish('pin', 'broken 0472');
    await mqtt.lock.settled();
    await mqtt.clock.advance(1_000);
    expect((await lost).message).not.toContain('0472');
    expect(mqtt.log.text).toContain('A listener for MQTT messages failed');
    expect(mqtt.log.text).not.toContain('0472');
  });
});

describe('queries', () => {
  it('go without a permit, and not while the link is down', async () => {
    const main = mqtt.transport();
    const link = main.link('Front Door');
    expect(await failure(link.query(TOPIC, '{"state":""}', never()))).toMatchObject({ type: 'link_unavailable' });
    main.start();
    await becomes(main, 'up');
    await link.query(TOPIC, '{"state":""}', never());
    await mqtt.lock.heardAtLeast(1);
  });
});
