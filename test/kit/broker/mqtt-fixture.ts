import { afterEach, beforeEach, expect, vi } from 'vitest';
import { GatewayError, type SendPermit } from '../../../src/contract/index.ts';
import { type RecordedLog, recordLog } from '../../../src/driver-testing/recorded-log.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import {
  type EmbeddedBroker,
  MqttTransport,
  type MqttTransportOptions,
  startEmbeddedBroker,
} from '../../../src/transports/mqtt/index.ts';
import { becomes } from './link-becomes.ts';
import { MqttWitness } from './mqtt-witness.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** Where the lock of these tests takes its commands. */
export const TOPIC = 'zigbee2mqtt/Front Door/set';

/** An embedded broker, a lock connected to it, and a gateway's transport that reaches it through a proxy. */
export interface MqttFixture {
  clock: SimulatedClock;
  log: RecordedLog;
  broker: EmbeddedBroker;
  proxy: TcpProxy;
  lock: MqttWitness;
  /** Closed after the test, before the broker. */
  closing: { close(): Promise<void> }[];
  transport(options?: Partial<MqttTransportOptions>): MqttTransport;
  /** Started, and up. */
  connected(options?: Partial<MqttTransportOptions>): Promise<MqttTransport>;
  permit(sendBy?: number): ReturnType<typeof permitUntil>;
}

/** Makes it anew for every test of the file. */
export function useMqtt(): MqttFixture {
  const fixture = {} as MqttFixture;
  fixture.transport = (options = {}) => {
    const made = new MqttTransport({
      name: 'main',
      url: fixture.proxy.url,
      clientId: 'gateway',
      clock: fixture.clock,
      random: () => 1,
      log: fixture.log.logger,
      ...options,
    });
    fixture.closing.push(made);
    return made;
  };
  fixture.connected = async (options = {}) => {
    const made = fixture.transport(options);
    made.start();
    await becomes(made, 'up');
    return made;
  };
  fixture.permit = (sendBy = fixture.clock.now() + 5_000) => permitUntil(sendBy);
  beforeEach(async () => {
    fixture.closing = [];
    fixture.clock = new SimulatedClock();
    fixture.log = recordLog();
    fixture.broker = await startEmbeddedBroker({ port: 0, log: fixture.log.logger });
    fixture.proxy = await TcpProxy.start(fixture.broker.port);
    fixture.lock = await MqttWitness.connect(fixture.broker.url, [TOPIC]);
  });
  afterEach(async () => {
    for (const thing of fixture.closing) await thing.close();
    await fixture.lock.close();
    await fixture.proxy.close();
    await fixture.broker.close();
  });
  return fixture;
}

function permitUntil(sendBy: number) {
  return { sendBy, spend: vi.fn(), withdraw: vi.fn() } satisfies SendPermit;
}

/** A signal that does not abort. */
export const never = () => new AbortController().signal;

/** The error a promise must fail with. */
export const failure = (promise: Promise<unknown>): Promise<GatewayError> =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(GatewayError);
      return error as GatewayError;
    },
  );
