import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RecordedLog, recordLog } from '../../src/driver-testing/recorded-log.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { PacedClock } from '../kit/clock/paced-clock.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

/**
 * A whole gateway on real sockets, and a neighbour on its broker who means no good. A door is opened in the midst of
 * each attack: its attempt ends well, within its deadline, as the attempt itself tells. Time goes by with the turns of
 * this process, which the gateway and the neighbour share: a slow machine has both do less.
 */

let clock: PacedClock;
let network: ZigbeeBuilding;
let box: GatewayBox;
let gateway: BoxedGateway;
let neighbour: MqttWitness;
let recorded: RecordedLog;

beforeEach(async () => {
  clock = new PacedClock();
  network = await ZigbeeBuilding.open({ clock });
  const { bridge } = network;
  for (const friendlyName of ['front', 'other']) bridge.addLock({ friendlyName, motorMs: 20, radioMs: 10 });
  bridge.addNoiseSensor({ friendlyName: 'hall' });
  bridge.start();
  box = await GatewayBox.make({
    mqtt: { main: { url: network.url } },
    devices: [
      zigbeeEntry('front'),
      zigbeeEntry('other'),
      zigbeeEntry('hall', { settings: { kind: 'noise', interval_s: 60 } }),
    ],
  });
  recorded = recordLog();
  gateway = await box.start({ log: recorded.logger, clock });
  for (const slug of ['front', 'hall']) await gateway.api.online(idOf(slug));
  neighbour = await MqttWitness.connect(network.url, []);
});
afterEach(async () => {
  await neighbour.close();
  await gateway.close();
  await network.close();
  await clock.stop();
  box.dispose();
});

/** Publishes in the midst of which the door is moved, and waits for what became of it. */
async function openDoorsDuring(attack: (turn: number) => void): Promise<void> {
  let going = true;
  const attacking = (async () => {
    for (let turn = 0; going; turn++) {
      for (let each = 0; each < 100; each++) attack(turn * 100 + each);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  try {
    for (let turn = 0; turn < 4; turn++) {
      const { action_attempt_id: id } = await gateway.api.door(turn % 2 === 0 ? 'unlock' : 'lock', idOf('front'));
      const [life] = await gateway.api.ended([id]);
      expect(life?.attempt).toMatchObject({ status: 'success' });
      expect(Number(life?.settledAt) - Number(life?.acceptedAt)).toBeLessThanOrEqual(9_000);
    }
  } finally {
    // Also when a door failed: an attack without an end would be one on the test.
    going = false;
    await attacking;
  }
}

const warnings = (limit: string) => recorded.lines.filter((line) => line.limit === limit);
const say = (slug: string, payload: string) =>
  void neighbour.client.publish(`zigbee2mqtt/${slug}`, payload, { qos: 0 });

describe('a neighbour on the broker', () => {
  test('whose sensor tells of a level without end', async () => {
    await openDoorsDuring((turn) => say('hall', `{"noise":${40 + (turn % 50)}.5}`));
    expect(warnings('device_messages')).toHaveLength(1);
    expect(warnings('device_messages')[0]?.source).toBe('zigbee2mqtt/hall');
    const metrics = await gateway.api.get('/metrics');
    expect(
      Number(/strikeplate_limited_total\{limit="device_messages"\} (\d+)/.exec(metrics.text)?.[1]),
    ).toBeGreaterThan(0);
    const { body } = await gateway.api.post('/events/list', {
      event_type: 'strikeplate.gateway.limit_reached',
      since: '2000-01-01T00:00:00Z',
    });
    expect(body.events).toMatchObject([{ device_id: idOf('hall'), limit: 'device_messages' }]);
  });

  test('whose lock moves without end', async () => {
    await openDoorsDuring((turn) =>
      say('other', `{"state":"${turn % 2 === 0 ? 'LOCK' : 'UNLOCK'}","action":"unlock","action_source_name":"keypad"}`),
    );
    expect(warnings('device_messages')).toHaveLength(1);
  });

  test('whose device makes up keys without end, or says what is none', async () => {
    const nonsense = [
      '['.repeat(30_000),
      '{"a":'.repeat(5_000),
      'x'.repeat(60_000),
      '{',
      '',
      'null',
      '"',
      '{"users":[]}',
    ];
    await openDoorsDuring((turn) =>
      say('other', turn % 3 === 0 ? (nonsense[turn % nonsense.length] ?? '') : `{"k${turn}":${turn}}`),
    );
  });

  test('who floods the bridge’s own topics', async () => {
    await openDoorsDuring((turn) => {
      const topic = turn % 2 === 0 ? 'bridge/logging' : 'front/availability';
      say(topic, turn % 2 === 0 ? `{"level":"error","message":"no ${turn}"}` : '{"state":"online"}');
    });
  });
});
