import { describe, expect, it } from 'vitest';
import { becomes } from '../../../test/kit/broker/link-becomes.ts';
import { failure, never, TOPIC, useMqtt } from '../../../test/kit/broker/mqtt-fixture.ts';
import { MqttWitness } from '../../../test/kit/broker/mqtt-witness.ts';

const mqtt = useMqtt();

describe('retained commands', () => {
  it('are cleared and reported before the link is up', async () => {
    await mqtt.lock.publish(TOPIC, 'UNLOCK 0472', { retain: true });
    await mqtt.lock.publish('zigbee2mqtt/Other/set', 'UNLOCK', { retain: true });
    const found: unknown[] = [];
    const main = mqtt.transport({ onRetainedCommand: (command) => found.push([command, main.state.status]) });
    const link = main.link('Front Door');
    link.claimCommandTopic(TOPIC);
    main.start();
    await becomes(link, 'up');
    expect(found).toEqual([[{ topic: TOPIC, cleared: true }, 'down']]);
    const later = await MqttWitness.connect(mqtt.broker.url, ['zigbee2mqtt/+/set']);
    await later.settled();
    await later.heardAtLeast(1);
    expect(later.heard.map(({ topic }) => topic)).toEqual(['zigbee2mqtt/Other/set']);
    await later.close();
    expect(mqtt.log.text).toContain(TOPIC);
    expect(mqtt.log.text).not.toContain('0472');
  });

  it('are looked for at every connect, and on a claim that comes while the broker is connected', async () => {
    const found: string[] = [];
    const main = await mqtt.connected({ onRetainedCommand: ({ topic }) => found.push(topic) });
    await mqtt.lock.publish(TOPIC, 'UNLOCK', { retain: true });
    const link = main.link('Front Door');
    const other = main.link('Side Door');
    link.claimCommandTopic(TOPIC);
    expect(link.state).toMatchObject({ status: 'down', reason: 'preparing' });
    expect(other.state.status).toBe('up');
    expect(await failure(link.command(mqtt.permit(), TOPIC, 'LOCK', never()))).toMatchObject({ delivery: 'not_sent' });
    await becomes(link, 'up');
    expect(found).toEqual([TOPIC]);
    mqtt.proxy.cut();
    await becomes(link, 'down');
    await mqtt.lock.publish(TOPIC, 'UNLOCK', { retain: true });
    mqtt.proxy.restore();
    await mqtt.clock.advance(250);
    await becomes(link, 'up');
    expect(found).toEqual([TOPIC, TOPIC]);
  });

  it('take the link down while they are looked for anew, and whoever saw that hears when it is over', async () => {
    const main = await mqtt.connected();
    const link = main.link('Front Door');
    link.claimCommandTopic(TOPIC);
    await becomes(link, 'up');
    const told: string[] = [];
    link.onStateChange(({ status }) => told.push(status));
    link.claimCommandTopic(TOPIC);
    expect(link.state).toMatchObject({ status: 'down', reason: 'preparing' });
    await becomes(link, 'up');
    expect(told).toEqual(['up']);
  });

  it('are looked for once a minute, and no link goes down for it', async () => {
    const found: string[] = [];
    const main = await mqtt.connected({ onRetainedCommand: ({ topic }) => found.push(topic) });
    const link = main.link('Front Door');
    link.claimCommandTopic(TOPIC);
    await becomes(link, 'up');
    const told: string[] = [];
    link.onStateChange(({ status }) => told.push(status));
    const { lock } = mqtt;
    const heardBefore = lock.heard.length;
    await mqtt.clock.advance(60_000);
    await link.command(mqtt.permit(), TOPIC, 'LOCK', never());
    await lock.heardAtLeast(heardBefore + 1);
    expect([found, told]).toEqual([[], []]);
    await lock.publish(TOPIC, 'UNLOCK 0472', { retain: true });
    await mqtt.clock.advance(59_000);
    await lock.settled();
    expect(found).toEqual([]);
    await mqtt.clock.advance(1_000);
    // What the lock did with it was done when it came; it is told the empty message that clears it.
    await lock.heardAtLeast(heardBefore + 3);
    expect(lock.payloads.slice(heardBefore)).toEqual(['LOCK', 'UNLOCK 0472', '']);
    while (found.length === 0) await mqtt.clock.settle();
    expect(found).toEqual([TOPIC]);
  });

  it('are all found when there are many', async () => {
    const topics = Array.from({ length: 50 }, (_, index) => `zigbee2mqtt/${index}/set`);
    for (const topic of topics) await mqtt.lock.publish(topic, 'UNLOCK', { retain: true });
    const found = new Set<string>();
    const main = mqtt.transport({ onRetainedCommand: ({ topic, cleared }) => cleared && found.add(topic) });
    const link = main.link('All');
    link.claimCommandTopic('zigbee2mqtt/+/set');
    main.start();
    await becomes(link, 'up');
    while (found.size < topics.length) await mqtt.clock.settle();
    await becomes(link, 'up');
    const later = await MqttWitness.connect(mqtt.broker.url, ['zigbee2mqtt/+/set']);
    await later.settled();
    expect(later.heard).toEqual([]);
    await later.close();
  });
});
