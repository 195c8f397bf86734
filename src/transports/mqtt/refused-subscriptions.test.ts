import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RecordedLog, recordLog } from '../../driver-testing/recorded-log.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { MqttTelemetryClient } from './telemetry-client.ts';

/* A broker whose access list lets nobody listen to commands: MQTT 3.1.1 and 5 answer such a SUBSCRIBE with 0x80 or more. */

let refuses: (topic: string) => boolean;
let asked: string[];
let broker: Awaited<ReturnType<typeof Aedes.createBroker>>;
let sockets: Set<Socket>;
let server: ReturnType<typeof createServer>;
let clock: SimulatedClock;
let log: RecordedLog;
let client: MqttTelemetryClient;

beforeEach(async () => {
  asked = [];
  sockets = new Set();
  broker = await Aedes.createBroker({
    authorizeSubscribe: (_client, subscription, done) => {
      asked.push(subscription.topic);
      done(null, refuses(subscription.topic) ? null : subscription);
    },
  });
  server = createServer((socket) => {
    sockets.add(socket);
    broker.handle(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  clock = new SimulatedClock();
  log = recordLog();
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new MqttTelemetryClient({
    ...{ name: 'main', url, clientId: 'gateway-monitor', clock, random: () => 1, log: log.logger },
  });
});
afterEach(async () => {
  await client.close();
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => broker.close(resolve));
  server.close();
});

/** Until the broker was asked so often. */
const askedTimes = (times: number) => expect.poll(() => asked.length).toBe(times);
const told = () => log.text.split('\n').filter((line) => line.includes('does not let the gateway listen'));

it('are told once, by their topic and with what to do, and again once they were allowed in between', async () => {
  refuses = (topic) => topic.endsWith('/command');
  client.subscribe('gw/command', () => undefined, true);
  client.subscribe('gw/stale/#', () => undefined);
  client.start();
  await expect.poll(() => told().length).toBe(1);
  expect(told()[0]).toContain('gw/command');
  expect(told()[0]).toContain('access list');
  const again = async () => {
    const before = asked.length;
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => client.state.status).toBe('down');
    await clock.advance(1_000);
    await askedTimes(before + 2);
    await expect.poll(() => client.state.status).toBe('up');
  };
  await again();
  expect(told()).toHaveLength(1);
  refuses = () => false;
  await again();
  refuses = (topic) => topic.endsWith('/command');
  await again();
  await expect.poll(() => told().length).toBe(2);
});
