import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type IPublishPacket, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock/system-clock.ts';
import { recordLog } from '../../src/driver-testing/recorded-log.ts';
import { MqttTelemetryClient, type MqttTelemetryOptions } from '../../src/transports/mqtt/index.ts';
import { becomes } from '../kit/broker/link-becomes.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { TcpProxy } from '../kit/broker/tcp-proxy.ts';
import { Commander } from './kit/commander.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';

describe.skipIf(mosquittoProgram === undefined)('mosquitto, many at once', () => {
  it('takes 500 commands at once within its receive maximum of 20, each once', async () => {
    const broker = await Mosquitto.start({ lines: ['allow_anonymous true', 'max_queued_messages 0'] });
    const gateway = new Commander('lock/set', { url: broker.url });
    // None of the gateway's own links: they pass over what comes faster than a device speaks.
    const lock = await MqttWitness.connect(broker.url, ['lock/set']);
    await gateway.start();
    const ended = await Promise.all(Array.from({ length: 500 }, () => gateway.send(4_000)));
    expect(ended.filter(({ outcome }) => outcome !== 'sent')).toEqual([]);
    await lock.heardAtLeast(500);
    await lock.settled();
    expect(lock.heard).toHaveLength(500);
    expect(new Set(lock.payloads).size).toBe(500);
    expect(gateway.transport.reconnects).toBe(0);
    await gateway.close();
    await lock.close();
    await broker.close();
  });
});

describe.skipIf(mosquittoProgram === undefined)('the telemetry client and mosquitto', () => {
  let broker: Mosquitto;
  let proxy: TcpProxy;
  let watcher: MqttClient;
  let client: MqttTelemetryClient;
  const packets: IPublishPacket[] = [];
  const waiting = new Set<() => void>();

  beforeEach(async () => {
    broker = await Mosquitto.start();
    proxy = await TcpProxy.start(broker.port);
    packets.length = 0;
    watcher = connect(broker.url, { protocolVersion: 5, reconnectPeriod: 100 });
    watcher.on('message', (_topic, _payload, packet) => {
      packets.push(packet);
      for (const check of [...waiting]) check();
    });
    watcher.on('connect', () => watcher.subscribe('gw/#', { qos: 1 }));
    await new Promise((resolve) => watcher.once('packetreceive', resolve));
  });
  afterEach(async () => {
    await client.close();
    await watcher.endAsync(true);
    await proxy.close();
    await broker.close();
  });

  const came = (count: number) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (packets.length < count) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });

  const start = async (options: Partial<MqttTelemetryOptions> = {}) => {
    client = new MqttTelemetryClient({
      name: 'main',
      url: proxy.url,
      clientId: 'gateway-monitor',
      clock: systemClock,
      random: Math.random,
      log: recordLog().logger,
      ...options,
    });
    client.start();
    await becomes(client, 'up');
  };

  it('sends the properties of MQTT 5', async () => {
    await start();
    expect(client.protocolVersion).toBe(5);
    const from = performance.now();
    client.publish('gw/attempts/1', '{}', { qos: 1, expirySeconds: 60, userProperties: { seq: '7', boot_id: 'b19' } });
    client.publish('gw/status', 'online', { qos: 1, retain: true, contentType: 'text/plain' });
    await came(2);
    expect(packets[0]).toMatchObject({
      topic: 'gw/attempts/1',
      retain: false,
      properties: { contentType: 'application/json', payloadFormatIndicator: true },
    });
    // The broker takes whole seconds off what it had to keep back for a while.
    const left = packets[0]?.properties?.messageExpiryInterval;
    expect(left).toBeLessThanOrEqual(60);
    expect(left).toBeGreaterThanOrEqual(60 - Math.ceil((performance.now() - from) / 1_000));
    expect({ ...packets[0]?.properties?.userProperties }).toEqual({ seq: '7', boot_id: 'b19' });
    expect(packets[1]?.properties?.contentType).toBe('text/plain');
  });

  it('leaves its will to a broker that loses it, and none when it closes', async () => {
    await start({ will: { topic: 'gw/status', payload: 'offline', retain: true, qos: 1 } });
    const from = performance.now();
    proxy.drop();
    await came(1);
    console.log(`will after ${Math.round(performance.now() - from)} ms`);
    expect(packets[0]?.payload.toString()).toBe('offline');
    await becomes(client, 'up');
    await client.close();
    await sleep(300);
    expect(packets).toHaveLength(1);
  });

  it('goes through a broker restart in order, telling retained state again', async () => {
    await start();
    client.onConnect(() => client.publish('gw/status', 'online', { qos: 1, retain: true }));
    for (let index = 0; index < 300; index++) {
      client.publish('gw/event', String(index), { qos: 1 });
      if (index === 150) await broker.stop('SIGKILL');
      if (index % 10 === 0) await sleep(5);
    }
    await broker.start();
    await becomes(client, 'up');
    while (!packets.some(({ topic }) => topic === 'gw/status')) await sleep(20);
    const events = packets.filter(({ topic }) => topic === 'gw/event').map(({ payload }) => Number(payload.toString()));
    console.log(`${events.length} events heard of 300, the watcher was away for a while too`);
    // Again is allowed, and a watcher that comes back later than we do has missed some; the last are there, in order.
    const last = events.slice(events.lastIndexOf(Math.min(...events.slice(-100))));
    expect(last).toEqual(last.toSorted((a, b) => a - b));
    expect(client.dropped).toBe(0);
  });
});
