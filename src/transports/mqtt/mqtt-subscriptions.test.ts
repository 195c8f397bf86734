import { describe, expect, it } from 'vitest';
import { becomes } from '../../../test/kit/broker/link-becomes.ts';
import { never, useMqtt } from '../../../test/kit/broker/mqtt-fixture.ts';
import type { MqttMessage } from '../../contract/index.ts';

const mqtt = useMqtt();

describe('subscriptions', () => {
  const collect = (into: MqttMessage[]) => (message: MqttMessage) => void into.push(message);

  it('hear retained messages as such, live ones, and go on after a reconnect', async () => {
    await mqtt.lock.publish('zigbee2mqtt/Front Door', 'old', { retain: true });
    const main = mqtt.transport();
    const heard: MqttMessage[] = [];
    main.link('Front Door').subscribe('zigbee2mqtt/+', collect(heard));
    main.start();
    await becomes(main, 'up');
    await mqtt.lock.publish('zigbee2mqtt/Front Door', 'new');
    while (heard.length < 2) await mqtt.clock.settle();
    expect(heard.map(({ payload, retained }) => [payload.toString(), retained])).toEqual([
      ['old', true],
      ['new', false],
    ]);
    mqtt.proxy.drop();
    await becomes(main, 'down');
    await mqtt.clock.advance(250);
    await becomes(main, 'up');
    while (heard.length < 3) await mqtt.clock.settle();
    expect(heard[2]).toMatchObject({ retained: true });
  });

  it('bring a late listener the retained message, and spare the others the repetition', async () => {
    await mqtt.lock.publish('zigbee2mqtt/bridge/state', 'online', { retain: true });
    const main = await mqtt.connected();
    const link = main.link('Front Door');
    const first: MqttMessage[] = [];
    const second: MqttMessage[] = [];
    link.subscribe('zigbee2mqtt/bridge/state', collect(first));
    while (first.length === 0) await mqtt.clock.settle();
    link.subscribe('zigbee2mqtt/bridge/state', collect(second));
    while (second.length === 0) await mqtt.clock.settle();
    expect(first).toHaveLength(1);
  });

  it('end when the last listener leaves, and one that throws does not disturb the others', async () => {
    const main = await mqtt.connected();
    const link = main.link('Front Door');
    const heard: MqttMessage[] = [];
    link.subscribe('a', () => {
      throw new Error('broken');
    });
    const stop = link.subscribe('a', collect(heard));
    const probe: MqttMessage[] = [];
    link.subscribe('probe', collect(probe));
    await link.query('barrier', '', never());
    await mqtt.lock.publish('a', '1');
    await mqtt.lock.publish('probe', '1');
    while (probe.length < 1) await mqtt.clock.settle();
    expect(heard).toHaveLength(1);
    stop();
    stop();
    await mqtt.lock.publish('a', '2');
    await mqtt.lock.publish('probe', '2');
    while (probe.length < 2) await mqtt.clock.settle();
    expect(heard).toHaveLength(1);
  });

  it('are never forgotten, at whatever moment they are made', async () => {
    const main = mqtt.transport();
    const link = main.link('Front Door');
    const missing = new Set<string>();
    let made = 0;
    const add = () => {
      const topic = `moment/${made++}`;
      missing.add(topic);
      link.subscribe(topic, () => void missing.delete(topic));
    };
    main.start();
    // Every turn of the loop, and every microtask within some of them.
    for (let turn = 0; main.state.status === 'down'; turn++) {
      add();
      if (turn % 3 === 0) await Promise.resolve();
      else await new Promise((resolve) => setImmediate(resolve));
    }
    while (missing.size > 0) for (const topic of [...missing]) await mqtt.lock.publish(topic, 'x');
  });

  it('refuse a filter that is none', () => {
    expect(() =>
      mqtt
        .transport()
        .link('Front Door')
        .subscribe('a/#/b', () => undefined),
    ).toThrow(/^Front Door: /);
  });
});
