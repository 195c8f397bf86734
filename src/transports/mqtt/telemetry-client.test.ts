import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MqttWitness } from '../../../test/kit/broker/mqtt-witness.ts';
import { TcpProxy } from '../../../test/kit/broker/tcp-proxy.ts';
import type { LinkState } from '../../contract/index.ts';
import { type RecordedLog, recordLog } from '../../driver-testing/recorded-log.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from './embedded-broker.ts';
import { MqttTelemetryClient, type MqttTelemetryOptions } from './telemetry-client.ts';

const will = { topic: 'gw/status', payload: 'offline', retain: true, qos: 1 } as const;

let clock: SimulatedClock;
let log: RecordedLog;
let broker: EmbeddedBroker;
let proxy: TcpProxy;
let watcher: MqttWitness;
let client: MqttTelemetryClient;

beforeEach(async () => {
  clock = new SimulatedClock();
  log = recordLog();
  broker = await startEmbeddedBroker({ port: 0, log: log.logger });
  proxy = await TcpProxy.start(broker.port);
  watcher = await MqttWitness.connect(broker.url, ['gw/#']);
});
afterEach(async () => {
  await client.close();
  await watcher.close();
  await proxy.close();
  await broker.close();
});

function make(options: Partial<MqttTelemetryOptions> = {}): MqttTelemetryClient {
  client = new MqttTelemetryClient({
    name: 'main',
    url: proxy.url,
    clientId: 'gateway-monitor',
    clock,
    random: () => 1,
    log: log.logger,
    ...options,
  });
  return client;
}

const becomes = (status: LinkState['status']) =>
  new Promise<void>((resolve) => {
    if (client.state.status === status) {
      resolve();
      return;
    }
    const stop = client.onStateChange((state) => {
      if (state.status !== status) return;
      stop();
      resolve();
    });
  });

describe('MqttTelemetryClient', () => {
  it('queues until it is connected, and then tells in order, the connect listener last', async () => {
    make().onConnect(() => client.publish('gw/status', 'online', { qos: 1 }));
    client.publish('gw/a', '1', { qos: 1 });
    client.publish('gw/b', '2', { qos: 1 });
    client.start();
    await watcher.heardAtLeast(3);
    expect(watcher.heard.map(({ topic }) => topic)).toEqual(['gw/a', 'gw/b', 'gw/status']);
  });

  it('tells again what was not acknowledged when the connection broke, before what came later', async () => {
    make().start();
    await becomes('up');
    proxy.losePubacks = true;
    client.publish('gw/a', '1', { qos: 1 });
    client.publish('gw/a', '2', { qos: 1 });
    await watcher.heardAtLeast(2);
    proxy.drop();
    await becomes('down');
    client.publish('gw/a', '3', { qos: 1 });
    proxy.losePubacks = false;
    await clock.advance(250);
    await watcher.heardAtLeast(5);
    expect(watcher.payloads).toEqual(['1', '2', '1', '2', '3']);
  });

  it('keeps a bounded number, drops QoS 0 first and says how many were lost', async () => {
    make({ queueLimit: 3 });
    client.publish('gw/event', '1', { qos: 1 });
    for (let level = 0; level < 10; level++) client.publish('gw/level', String(level));
    client.start();
    await watcher.heardAtLeast(3);
    // MQTT orders within one QoS only.
    expect(watcher.payloads.toSorted()).toEqual(['1', '8', '9']);
    expect(client.dropped).toBe(8);
    expect(log.text).toContain('8 monitoring messages were given up');
  });

  it('does not tell what has expired while it waited', async () => {
    make();
    client.publish('gw/log', 'old', { expirySeconds: 60 });
    client.publish('gw/log', 'new', { expirySeconds: 600 });
    await clock.advance(60_000);
    client.start();
    await watcher.heardAtLeast(1);
    await watcher.settled();
    expect(watcher.payloads).toEqual(['new']);
  });

  it('leaves its will when it vanishes, and says its last words when it closes', async () => {
    make({ will }).start();
    await becomes('up');
    proxy.drop();
    await watcher.heardAtLeast(1);
    expect(watcher.heard).toMatchObject([{ topic: 'gw/status', payload: 'offline' }]);
    await clock.advance(250);
    await becomes('up');
    client.publish('gw/status', 'stopped', { qos: 1, retain: true });
    await client.close();
    await watcher.settled();
    expect(watcher.payloads).toEqual(['offline', 'stopped']);
  });

  it('listens, over reconnects', async () => {
    const heard: string[] = [];
    make().start();
    await becomes('up');
    client.subscribe('homeassistant/status', ({ payload }) => heard.push(payload.toString()));
    proxy.drop();
    await becomes('down');
    await clock.advance(250);
    await becomes('up');
    await watcher.publish('homeassistant/status', 'online');
    while (heard.length === 0) await clock.settle();
    expect(heard).toEqual(['online']);
  });

  it('listens no longer once it is called off', async () => {
    const heard: string[] = [];
    make();
    const stop = client.subscribe('ha/status', ({ payload }) => heard.push(`one ${payload}`));
    client.subscribe('ha/+', ({ payload }) => heard.push(`other ${payload}`));
    client.start();
    await becomes('up');
    await watcher.publish('ha/status', 'online');
    while (heard.length < 2) await clock.settle();
    stop();
    await clock.settle();
    await watcher.publish('ha/status', 'online');
    while (heard.length < 3) await clock.settle();
    expect(heard.toSorted()).toEqual(['one online', 'other online', 'other online']);
  });

  it('says how many messages wait', async () => {
    make();
    client.publish('gw/a', '1', { qos: 1 });
    client.publish('gw/a', '2', { qos: 1 });
    expect(client.queued).toBe(2);
    client.start();
    await watcher.heardAtLeast(2);
    expect(client.queued).toBe(0);
  });

  it('keeps at most its window unacknowledged', async () => {
    make().start();
    await becomes('up');
    proxy.losePubacks = true;
    for (let index = 0; index < 150; index++) client.publish('gw/a', String(index), { qos: 1 });
    await watcher.heardAtLeast(100);
    await watcher.settled();
    expect(watcher.heard).toHaveLength(100);
    proxy.losePubacks = false;
    proxy.drop();
    await becomes('down');
    await clock.advance(250);
    await watcher.heardAtLeast(250);
    expect(watcher.payloads.slice(100)).toEqual(Array.from({ length: 150 }, (_, index) => String(index)));
  });

  it('closes at once when there is no broker', async () => {
    proxy.cut();
    make().start();
    client.publish('gw/a', '1');
    await client.close();
    expect(clock.armedTimers).toBe(0);
  });
});
