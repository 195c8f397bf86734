import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MqttWitness } from '../../../test/kit/broker/mqtt-witness.ts';
import { Secret } from '../../contract/index.ts';
import { type RecordedLog, recordLog } from '../../driver-testing/recorded-log.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from './embedded-broker.ts';

let log: RecordedLog;
let broker: EmbeddedBroker | undefined;

beforeEach(() => {
  log = recordLog();
});
afterEach(async () => {
  await broker?.close();
  broker = undefined;
});

describe('the embedded broker', () => {
  it('listens on loopback, carries messages and says what it lacks', async () => {
    broker = await startEmbeddedBroker({ port: 0, log: log.logger });
    expect(broker.url).toMatch(/^mqtt:\/\/127\.0\.0\.1:\d+$/);
    const witness = await MqttWitness.connect(broker.url, ['a']);
    await witness.publish('a', 'b');
    await witness.heardAtLeast(1);
    await witness.close();
    expect(log.text).toContain('MQTT 3.1.1 only');
  });

  it('closes while clients are connected', async () => {
    broker = await startEmbeddedBroker({ port: 0, log: log.logger });
    const witness = await MqttWitness.connect(broker.url, ['a'], { reconnectPeriod: 0 });
    const closed = new Promise((resolve) => witness.client.once('close', () => resolve(undefined)));
    await broker.close();
    broker = undefined;
    await closed;
  });

  it('demands the password it was given', async () => {
    const password = new Secret('right');
    broker = await startEmbeddedBroker({ port: 0, username: 'gw', password, log: log.logger });
    const { url } = broker;
    for (const [username, word] of [
      ['gw', 'wrong'],
      ['other', 'right'],
    ])
      await expect(MqttWitness.connect(url, [], { username: username ?? '', password: word ?? '' })).rejects.toThrow();
    await expect(MqttWitness.connect(url, [])).rejects.toThrow();
    const witness = await MqttWitness.connect(url, [], { username: 'gw', password: 'right' });
    await witness.close();
    expect(log.text).not.toContain('right');
  });

  it('says that the port is taken', async () => {
    broker = await startEmbeddedBroker({ port: 0, log: log.logger });
    const { port } = broker;
    await expect(startEmbeddedBroker({ port, log: log.logger })).rejects.toMatchObject({
      type: 'misconfigured',
      message: expect.stringContaining(`127.0.0.1:${port}: another program does`),
    });
  });

  it('does not listen where others can reach it without a password', async () => {
    await expect(startEmbeddedBroker({ port: 0, host: '0.0.0.0', log: log.logger })).rejects.toMatchObject({
      message: expect.stringContaining('opens doors'),
    });
    await expect(startEmbeddedBroker({ port: 0, username: 'gw', log: log.logger })).rejects.toMatchObject({
      message: expect.stringContaining('go together'),
    });
  });

  it('survives what is not MQTT', async () => {
    broker = await startEmbeddedBroker({ port: 0, log: log.logger });
    const { port } = broker;
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
      socket.on('close', () => resolve()).on('error', () => undefined);
    });
    const witness = await MqttWitness.connect(broker.url, []);
    await witness.close();
  });
});
