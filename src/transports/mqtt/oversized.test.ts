import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { becomes } from '../../../test/kit/broker/link-becomes.ts';
import { never } from '../../../test/kit/broker/mqtt-fixture.ts';
import { MqttWitness } from '../../../test/kit/broker/mqtt-witness.ts';
import { TcpProxy } from '../../../test/kit/broker/tcp-proxy.ts';
import type { LimitBite, MqttLink } from '../../contract/index.ts';
import { recordLog } from '../../driver-testing/recorded-log.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { type EmbeddedBroker, MqttTransport, startEmbeddedBroker } from './index.ts';

let clock: SimulatedClock;
let broker: EmbeddedBroker;
let proxy: TcpProxy;
let neighbour: MqttWitness;
let transport: MqttTransport;
let hall: MqttLink;
let door: MqttLink;
let bites: LimitBite[];
const heard: string[] = [];
const large = Buffer.alloc(6_000_000, 'x');

beforeEach(async () => {
  clock = new SimulatedClock();
  const log = recordLog().logger;
  // A broker that lets pass what the gateway does not read.
  broker = await startEmbeddedBroker({ port: 0, log, maxPacket: 100_000_000 });
  proxy = await TcpProxy.start(broker.port);
  neighbour = await MqttWitness.connect(broker.url, ['z/door/set']);
  bites = [];
  heard.length = 0;
  transport = new MqttTransport({
    name: 'main',
    url: proxy.url,
    clientId: 'gateway',
    clock,
    random: () => 1,
    log,
    onLimit: (bite) => void bites.push(bite),
  });
  hall = transport.link('Hall', 'd-hall');
  door = transport.link('Door', 'd-door');
  hall.subscribe('z/hall', ({ payload }) => void heard.push(`hall ${payload.length}`));
  door.subscribe('z/door', ({ payload }) => void heard.push(`door ${payload}`));
  door.claimCommandTopic('z/door/set/#');
});
afterEach(async () => {
  await transport.close();
  await neighbour.close();
  await proxy.close();
  await broker.close();
});

async function doorIsCommanded(): Promise<void> {
  const { length } = neighbour.heard;
  await door.command(
    { sendBy: clock.now() + 5_000, spend: () => undefined, withdraw: () => undefined },
    'z/door/set',
    'UNLOCK',
    never(),
  );
  await neighbour.heardAtLeast(length + 1);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await clock.settle();
}

/** In steps, each after the broker has had its turns: a leap would end what waits for its answers. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    await clock.advance(1_000);
    for (let turn = 0; turn < 10; turn++) await clock.settle();
  }
}

describe('a message that is too large to be read', () => {
  test('while everything runs: it is left out and told, its device says why, and doors go on', async () => {
    transport.start();
    await becomes(door, 'up');
    await neighbour.publish('z/hall', large.toString());
    await until(() => hall.state.status === 'down');
    expect(hall.state).toMatchObject({
      reason: 'message_too_large',
      hint: expect.stringMatching(/6\d{6} bytes.*z\/hall/),
    });
    expect(bites).toMatchObject([{ limit: 'message_size', source: 'z/hall' }]);
    expect(door.state.status).toBe('up');
    await doorIsCommanded();
    await neighbour.publish('z/door', 'hello');
    await until(() => heard.includes('door hello'));
    expect(heard).toEqual(['door hello']);
    expect(transport.reconnects).toBe(0);
  });

  test('kept by the broker: it comes once, not with each connection, until it was cleared', async () => {
    await neighbour.publish('z/hall', large.toString(), { retain: true });
    transport.start();
    await becomes(door, 'up');
    await until(() => hall.state.status === 'down');
    await doorIsCommanded();
    for (let connection = 0; connection < 3; connection++) {
      proxy.drop();
      await becomes(door, 'down');
      await clock.advance(1_000);
      await becomes(door, 'up');
      await doorIsCommanded();
    }
    expect(bites).toHaveLength(1);
    // A quarter of an hour later it is looked at again, and still there.
    await pass(900_000);
    await until(() => bites.length === 2);
    await doorIsCommanded();
    await neighbour.publish('z/hall', '', { retain: true });
    await pass(900_000);
    await becomes(hall, 'up');
    await neighbour.publish('z/hall', 'quiet');
    await until(() => heard.includes('hall 5'));
    expect(heard).toEqual(['hall 5']);
  });

  test('kept on a command topic: it is cleared as any command is that somebody left there', async () => {
    await neighbour.publish('z/door/set/state', large.toString(), { retain: true });
    transport.start();
    await becomes(door, 'up');
    await doorIsCommanded();
    const witness = await MqttWitness.connect(broker.url, ['z/door/set/#']);
    await neighbour.publish('z/door/set/barrier', '1');
    await witness.heardAtLeast(1);
    expect(witness.heard.map(({ topic }) => topic)).toEqual(['z/door/set/barrier']);
    await witness.close();
  });
});
