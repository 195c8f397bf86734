import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProtocolVersion, RetainedCommand } from '../../src/transports/mqtt/index.ts';
import { becomes } from '../kit/broker/link-becomes.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { TcpProxy } from '../kit/broker/tcp-proxy.ts';
import { Commander } from './kit/commander.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';
import { judge } from './kit/verdict.ts';

const TOPIC = 'zigbee2mqtt/Front Door/set';

describe.skipIf(mosquittoProgram === undefined).each<ProtocolVersion>([5, 4])(
  'mosquitto, MQTT %i',
  (protocolVersion) => {
    let broker: Mosquitto;
    let proxy: TcpProxy;
    let lock: MqttWitness;
    let gateway: Commander;

    beforeEach(async () => {
      broker = await Mosquitto.start();
      proxy = await TcpProxy.start(broker.port);
      lock = await MqttWitness.connect(broker.url, [TOPIC], { protocolVersion: 5, clientId: 'lock' });
      gateway = new Commander(TOPIC, { url: proxy.url, protocolVersion });
    });
    afterEach(async () => {
      await gateway.close();
      await lock.close();
      await proxy.close();
      await broker.close();
    });

    const report = (what: string, tally: unknown) =>
      console.log(`MQTT ${protocolVersion}, ${what}: ${JSON.stringify(tally)}`);

    it('link cut for 3 s while commands arrive', async () => {
      await gateway.start();
      const sending = gateway.sendMany(60, 100, 2_800);
      await lock.heardAtLeast(10);
      proxy.cut();
      await sleep(3_000);
      proxy.restore();
      const ended = await sending;
      await lock.settled();
      const tally = judge(ended, lock.heard);
      report('cut for 3 s', tally);
      expect(tally.notSent).toBeGreaterThan(0);
      expect(ended.at(-1)?.outcome).toBe('sent');
    });

    it('broker SIGKILLed during 50 commands, back after 1 s', async () => {
      await gateway.start();
      const sending = gateway.sendMany(50, 20, 4_500);
      await lock.heardAtLeast(20);
      await broker.stop('SIGKILL');
      await sleep(1_000);
      await broker.start();
      const ended = await sending;
      await becomes(gateway.link, 'up');
      await lock.settled();
      const tally = judge(ended, lock.heard);
      report('broker killed', tally);
      expect(ended.at(-1)?.outcome).toBe('sent');
    });

    it('PUBACK lost, then a reconnect', async () => {
      await gateway.start();
      proxy.losePubacks = true;
      const [ended] = await Promise.all([gateway.send(5_000), lock.heardAtLeast(1)]);
      expect(ended.outcome).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
      proxy.losePubacks = false;
      await becomes(gateway.link, 'up');
      expect(gateway.transport.reconnects).toBe(1);
      const next = await gateway.send(5_000);
      await lock.settled();
      judge([ended, next], lock.heard);
      expect(lock.payloads).toEqual(['0', '1']);
    });

    it('a retained UNLOCK at start, and one that is left while the link is down', async () => {
      const found: RetainedCommand[] = [];
      await lock.publish(TOPIC, 'UNLOCK', { retain: true });
      await gateway.close();
      gateway = new Commander(TOPIC, {
        url: proxy.url,
        protocolVersion,
        onRetainedCommand: (next) => found.push(next),
      });
      gateway.link.claimCommandTopic(TOPIC);
      await gateway.start();
      expect(found).toEqual([{ topic: TOPIC, cleared: true }]);
      proxy.cut();
      await becomes(gateway.link, 'down');
      await lock.publish(TOPIC, 'UNLOCK', { retain: true });
      proxy.restore();
      await becomes(gateway.link, 'up');
      expect(found).toHaveLength(2);
      const later = await MqttWitness.connect(broker.url, [TOPIC]);
      await later.settled();
      expect(later.heard).toEqual([]);
      await later.close();
    });

    it('two hundred retained commands under a claimed filter', async () => {
      const found = new Set<string>();
      for (let index = 0; index < 200; index++) await lock.publish(`many/${index}/set`, 'UNLOCK', { retain: true });
      await gateway.close();
      gateway = new Commander(TOPIC, {
        url: proxy.url,
        protocolVersion,
        onRetainedCommand: ({ topic }) => found.add(topic),
      });
      gateway.link.claimCommandTopic('many/+/set');
      await gateway.start();
      expect(found.size).toBe(200);
      const later = await MqttWitness.connect(broker.url, ['many/+/set']);
      await later.settled();
      expect(later.heard).toEqual([]);
      await later.close();
    });
  },
);

describe.skipIf(mosquittoProgram === undefined)('mosquitto, what only MQTT 5 can', () => {
  let broker: Mosquitto;
  let gateway: Commander;

  beforeEach(async () => {
    broker = await Mosquitto.start();
    gateway = await new Commander(TOPIC, { url: broker.url }).start();
    expect(gateway.transport.protocolVersion).toBe(5);
  });
  afterEach(async () => {
    await gateway.close();
    await broker.close();
  });

  it('says that nobody is subscribed, and that nothing was sent', async () => {
    const { outcome } = await gateway.send(4_000);
    expect(outcome).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(outcome).toMatchObject({ message: expect.stringContaining(`nobody is subscribed to ${TOPIC}`) });
  });

  it('points at the client id when another client takes it', async () => {
    const clientId = 'gateway-twin';
    const first = await new Commander(TOPIC, { url: broker.url, clientId }).start();
    const lost = becomes(first.link, 'down');
    const second = await new Commander(TOPIC, { url: broker.url, clientId }).start();
    expect(await lost).toMatchObject({ hint: expect.stringContaining('client id') });
    await first.close();
    await second.close();
  });

  it.each([
    { withinMs: 5_000, away: 6_500 },
    { withinMs: 3_300, away: 4_800 },
  ])(
    'a device away for $away ms with a persistent session gets nothing that had $withinMs ms',
    async ({ withinMs, away }) => {
      const session = {
        protocolVersion: 5,
        clientId: 'lock',
        clean: false,
        properties: { sessionExpiryInterval: 600 },
      } as const;
      const before = await MqttWitness.connect(broker.url, [TOPIC], session);
      await before.client.endAsync();
      const ended = await gateway.send(withinMs);
      expect(ended.outcome).toBe('sent');
      await sleep(away);
      const after = await MqttWitness.connect(broker.url, [], session);
      await after.settled();
      expect(after.heard).toEqual([]);
      await gateway.send(withinMs);
      await after.heardAtLeast(1);
      expect(after.payloads).toEqual(['1']);
      await after.close();
    },
  );
});
