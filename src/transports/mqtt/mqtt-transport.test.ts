import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MqttWitness } from '../../../test/kit/mqtt-witness.ts';
import { type RecordedLog, recordLog } from '../../../test/kit/recorded-log.ts';
import { SimulatedClock } from '../../../test/kit/simulated-clock.ts';
import { TcpProxy } from '../../../test/kit/tcp-proxy.ts';
import {
  GatewayError,
  type Link,
  type LinkState,
  type MqttMessage,
  Secret,
  type SendPermit,
  type Timer,
} from '../../contract/index.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from './embedded-broker.ts';
import { MqttTransport, type MqttTransportOptions } from './mqtt-transport.ts';

const TOPIC = 'zigbee2mqtt/Front Door/set';
const ANSWER_TIMEOUT = 5_000;
const never = () => new AbortController().signal;

let clock: SimulatedClock;
let log: RecordedLog;
let broker: EmbeddedBroker;
let proxy: TcpProxy;
let lock: MqttWitness;
const closing: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  clock = new SimulatedClock();
  log = recordLog();
  broker = await startEmbeddedBroker({ port: 0, log: log.logger });
  proxy = await TcpProxy.start(broker.port);
  lock = await MqttWitness.connect(broker.url, [TOPIC]);
});
afterEach(async () => {
  for (const thing of closing.splice(0)) await thing.close();
  await lock.close();
  await proxy.close();
  await broker.close();
});

function transport(options: Partial<MqttTransportOptions> = {}): MqttTransport {
  const made = new MqttTransport({
    name: 'main',
    url: proxy.url,
    clientId: 'gateway',
    clock,
    random: () => 1,
    log: log.logger,
    ...options,
  });
  closing.push(made);
  return made;
}

/** Resolves when the link is in such a state. */
function becomes(
  link: Pick<Link, 'state' | 'onStateChange'>,
  status: LinkState['status'],
  reason?: string,
): Promise<LinkState> {
  const fits = (state: LinkState) =>
    state.status === status && (reason === undefined || (state.status === 'down' && state.reason === reason));
  return new Promise((resolve) => {
    if (fits(link.state)) {
      resolve(link.state);
      return;
    }
    const stop = link.onStateChange((state) => {
      if (!fits(state)) return;
      stop();
      resolve(state);
    });
  });
}

function permit(sendBy = clock.now() + 5_000) {
  return { sendBy, spend: vi.fn(), withdraw: vi.fn() } satisfies SendPermit;
}

const failure = (promise: Promise<unknown>): Promise<GatewayError> =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(GatewayError);
      return error as GatewayError;
    },
  );

async function connected(options: Partial<MqttTransportOptions> = {}): Promise<MqttTransport> {
  const made = transport(options);
  made.start();
  await becomes(made, 'up');
  return made;
}

describe('connecting', () => {
  it('comes up without waiting for it, and says once what an older broker lacks', async () => {
    const main = transport();
    main.start();
    expect(main.state).toMatchObject({ status: 'down', reason: 'starting' });
    await becomes(main, 'up');
    expect(main.protocolVersion).toBe(4);
    proxy.drop();
    await becomes(main, 'down', 'connection_lost');
    await clock.advance(250);
    await becomes(main, 'up');
    expect(main.reconnects).toBe(1);
    expect(log.lines.filter(({ msg }) => String(msg).includes('3.1.1 only. Lost:'))).toHaveLength(1);
  });

  it('says that nothing listens there, in the state and in the error of a command', async () => {
    const gone = await TcpProxy.start(broker.port);
    const { url } = gone;
    await gone.close();
    const main = transport({ url });
    main.start();
    const state = await becomes(main, 'down', 'broker_unreachable');
    expect(state).toMatchObject({ hint: expect.stringContaining('mqtt.main.url') });
    expect(await failure(main.link('Front Door').command(permit(), TOPIC, 'UNLOCK', never()))).toMatchObject({
      type: 'link_unavailable',
      delivery: 'not_sent',
      message: expect.stringMatching(/^Front Door: .*Nothing listens at mqtt:/),
    });
  });

  it('says that the broker refuses the password, without the password', async () => {
    const locked = await startEmbeddedBroker({
      port: 0,
      username: 'gw',
      password: new Secret('right'),
      log: log.logger,
    });
    closing.push(locked);
    const wrong = transport({ url: locked.url, username: 'gw', password: new Secret('hunter2') });
    wrong.start();
    const state = await becomes(wrong, 'down', 'credentials_refused');
    expect(state).toMatchObject({ hint: expect.stringContaining('refuses user gw') });
    expect(log.text).not.toContain('hunter2');
    await connected({ url: locked.url, username: 'gw', password: new Secret('right'), clientId: 'other' });
  });

  it('gives up a broker that accepts the connection and never answers', async () => {
    proxy.goSilent();
    const main = transport();
    main.start();
    const down = becomes(main, 'down', 'broker_unreachable');
    while (proxy.connections === 0) await clock.settle();
    await clock.advance(5_000);
    expect(await down).toMatchObject({ hint: expect.stringContaining('did not answer within 5 s') });
  });

  it('waits 0.25 s to 5 s between tries, and begins anew after a good connection', async () => {
    const pauses: number[] = [];
    class Noting extends SimulatedClock {
      override setTimer(callback: () => void, ms: number): Timer {
        if (ms !== ANSWER_TIMEOUT) pauses.push(ms);
        return super.setTimer(callback, ms);
      }
    }
    clock = new Noting();
    const main = await connected({ random: () => 0.5 });
    await clock.advance(5_000);
    proxy.cut();
    const TRIES = 10;
    for (let tries = 1; tries <= TRIES; tries++) {
      while (pauses.length < tries) await clock.settle();
      if (tries === TRIES) proxy.restore();
      await clock.advance(pauses.at(-1) ?? 0);
    }
    await becomes(main, 'up');
    const expected = Array.from({ length: TRIES }, (_, index) => 0.75 * Math.min(250 * 1.5 ** index, 5_000));
    expect(pauses).toEqual(expected);
    await clock.advance(5_000);
    proxy.drop();
    while (pauses.length <= TRIES) await clock.settle();
    expect(pauses.at(-1)).toBe(187.5);
  });
});

describe('commands', () => {
  it('reach the lock once and resolve with the PUBACK', async () => {
    const main = await connected();
    const allowed = permit();
    await main.link('Front Door').command(allowed, TOPIC, '{"state":"UNLOCK"}', never());
    await lock.settled();
    expect(lock.payloads).toEqual(['{"state":"UNLOCK"}']);
    expect(lock.heard[0]?.retained).toBe(false);
    expect(allowed.spend).toHaveBeenCalledOnce();
  });

  it('spend their permit within the call: no wait comes between its checks and the socket', async () => {
    const main = await connected();
    const link = main.link('Front Door');
    const order: string[] = [];
    const allowed = { ...permit(), spend: () => void order.push('spent') };
    const sent = link.command(allowed, TOPIC, 'UNLOCK', never());
    order.push('returned');
    expect(order).toEqual(['spent', 'returned']);
    await sent;
  });

  it('are refused at once while the link is down, and never come later', async () => {
    const main = await connected();
    proxy.cut();
    await becomes(main, 'down');
    const allowed = permit();
    const error = await failure(main.link('Front Door').command(allowed, TOPIC, 'UNLOCK', never()));
    expect(error).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(allowed.spend).not.toHaveBeenCalled();
    proxy.restore();
    await clock.advance(250);
    await becomes(main, 'up');
    await lock.settled();
    expect(lock.payloads).toEqual([]);
  });

  it('do not leave when the permit refuses', async () => {
    const main = await connected();
    const refusal = new GatewayError('expired', 'too late');
    const refusing = permit();
    refusing.spend.mockImplementation(() => {
      throw refusal;
    });
    await expect(main.link('Front Door').command(refusing, TOPIC, 'UNLOCK', never())).rejects.toBe(refusal);
    await lock.settled();
    expect(lock.payloads).toEqual([]);
  });

  it('do not leave when the signal has aborted', async () => {
    const main = await connected();
    const allowed = permit();
    const reason = new GatewayError('superseded', 'a newer command came');
    await expect(main.link('Front Door').command(allowed, TOPIC, 'UNLOCK', AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
    expect(allowed.spend).not.toHaveBeenCalled();
  });

  it('are called off when the broker does not acknowledge within a second, and do not come twice', async () => {
    const main = await connected();
    proxy.losePubacks = true;
    const error = failure(main.link('Front Door').command(permit(), TOPIC, 'UNLOCK', never()));
    await lock.heardAtLeast(1);
    await clock.advance(999);
    expect(main.state.status).toBe('up');
    await clock.advance(1);
    expect(await error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    await becomes(main, 'down', 'not_answering');
    proxy.losePubacks = false;
    await clock.advance(250);
    await becomes(main, 'up');
    await lock.settled();
    expect(lock.payloads).toEqual(['UNLOCK']);
  });

  it('are called off at send_by when that comes first', async () => {
    const main = await connected();
    proxy.losePubacks = true;
    const error = failure(main.link('Front Door').command(permit(clock.now() + 300), TOPIC, 'UNLOCK', never()));
    await lock.heardAtLeast(1);
    await clock.advance(300);
    expect(await error).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
  });

  it('do not leave when too little time is left to call them off', async () => {
    const main = await connected();
    const allowed = permit(clock.now() + 19);
    const error = await failure(main.link('Front Door').command(allowed, TOPIC, 'UNLOCK', never()));
    expect(error).toMatchObject({ type: 'expired', delivery: 'not_sent' });
    expect(allowed.spend).not.toHaveBeenCalled();
  });

  it('end unknown when the connection breaks under way, and when the caller leaves', async () => {
    const main = await connected();
    proxy.losePubacks = true;
    const link = main.link('Front Door');
    const leaving = new AbortController();
    const left = failure(link.command(permit(), TOPIC, 'LOCK', leaving.signal));
    const broken = failure(link.command(permit(), TOPIC, 'UNLOCK', never()));
    leaving.abort(new Error('deadline'));
    expect(await left).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    await lock.heardAtLeast(2);
    proxy.drop();
    expect(await broken).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
  });

  it('are refused for a topic nobody can publish on', async () => {
    const main = await connected();
    const allowed = permit();
    const error = await failure(main.link('Front Door').command(allowed, 'zigbee2mqtt/+/set', 'UNLOCK', never()));
    expect(error).toMatchObject({ type: 'misconfigured', delivery: 'not_sent' });
    expect(allowed.spend).not.toHaveBeenCalled();
  });

  it('wait for room on a line that takes nothing, then leave nothing behind', async () => {
    const main = await connected();
    const link = main.link('Front Door');
    proxy.goSilent();
    // More than the kernel's buffers hold: the last of it waits in this process.
    const flood = Array.from({ length: 20 }, () => failure(link.query('flood', 'x'.repeat(1_000_000), never())));
    const allowed = permit();
    const error = failure(link.command(allowed, TOPIC, 'UNLOCK', never()));
    await clock.advance(1_000);
    expect(await error).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(allowed.spend).not.toHaveBeenCalled();
    await Promise.all(flood);
    proxy.restore();
    await lock.settled();
    expect(lock.payloads).toEqual([]);
  });

  it('never show up in the log', async () => {
    const main = await connected();
    const link = main.link('Front Door');
    link.subscribe('pin', ({ payload }) => JSON.parse(payload.toString()));
    await link.command(permit(), TOPIC, '{"pin_code":"0472"}', never());
    proxy.losePubacks = true;
    const lost = failure(link.command(permit(), TOPIC, '{"pin_code":"0472"}', never()));
    await lock.publish('pin', 'broken 0472');
    await lock.settled();
    await clock.advance(1_000);
    expect((await lost).message).not.toContain('0472');
    expect(log.text).toContain('A listener for MQTT messages failed');
    expect(log.text).not.toContain('0472');
  });
});

describe('subscriptions', () => {
  const collect = (into: MqttMessage[]) => (message: MqttMessage) => void into.push(message);

  it('hear retained messages as such, live ones, and go on after a reconnect', async () => {
    await lock.publish('zigbee2mqtt/Front Door', 'old', { retain: true });
    const main = transport();
    const heard: MqttMessage[] = [];
    main.link('Front Door').subscribe('zigbee2mqtt/+', collect(heard));
    main.start();
    await becomes(main, 'up');
    await lock.publish('zigbee2mqtt/Front Door', 'new');
    while (heard.length < 2) await clock.settle();
    expect(heard.map(({ payload, retained }) => [payload.toString(), retained])).toEqual([
      ['old', true],
      ['new', false],
    ]);
    proxy.drop();
    await becomes(main, 'down');
    await clock.advance(250);
    await becomes(main, 'up');
    while (heard.length < 3) await clock.settle();
    expect(heard[2]).toMatchObject({ retained: true });
  });

  it('bring a late listener the retained message, and spare the others the repetition', async () => {
    await lock.publish('zigbee2mqtt/bridge/state', 'online', { retain: true });
    const main = await connected();
    const link = main.link('Front Door');
    const first: MqttMessage[] = [];
    const second: MqttMessage[] = [];
    link.subscribe('zigbee2mqtt/bridge/state', collect(first));
    while (first.length === 0) await clock.settle();
    link.subscribe('zigbee2mqtt/bridge/state', collect(second));
    while (second.length === 0) await clock.settle();
    expect(first).toHaveLength(1);
  });

  it('end when the last listener leaves, and one that throws does not disturb the others', async () => {
    const main = await connected();
    const link = main.link('Front Door');
    const heard: MqttMessage[] = [];
    link.subscribe('a', () => {
      throw new Error('broken');
    });
    const stop = link.subscribe('a', collect(heard));
    const probe: MqttMessage[] = [];
    link.subscribe('probe', collect(probe));
    await link.query('barrier', '', never());
    await lock.publish('a', '1');
    await lock.publish('probe', '1');
    while (probe.length < 1) await clock.settle();
    expect(heard).toHaveLength(1);
    stop();
    stop();
    await lock.publish('a', '2');
    await lock.publish('probe', '2');
    while (probe.length < 2) await clock.settle();
    expect(heard).toHaveLength(1);
  });

  it('refuse a filter that is none', () => {
    expect(() =>
      transport()
        .link('Front Door')
        .subscribe('a/#/b', () => undefined),
    ).toThrow(/^Front Door: /);
  });
});

describe('queries', () => {
  it('go without a permit, and not while the link is down', async () => {
    const main = transport();
    const link = main.link('Front Door');
    expect(await failure(link.query(TOPIC, '{"state":""}', never()))).toMatchObject({ type: 'link_unavailable' });
    main.start();
    await becomes(main, 'up');
    await link.query(TOPIC, '{"state":""}', never());
    await lock.heardAtLeast(1);
  });
});

describe('retained commands', () => {
  it('are cleared and reported before the link is up', async () => {
    await lock.publish(TOPIC, 'UNLOCK 0472', { retain: true });
    await lock.publish('zigbee2mqtt/Other/set', 'UNLOCK', { retain: true });
    const found: unknown[] = [];
    const main = transport({ onRetainedCommand: (command) => found.push([command, main.state.status]) });
    const link = main.link('Front Door');
    link.claimCommandTopic(TOPIC);
    main.start();
    await becomes(link, 'up');
    expect(found).toEqual([[{ topic: TOPIC, cleared: true }, 'down']]);
    const later = await MqttWitness.connect(broker.url, ['zigbee2mqtt/+/set']);
    await later.settled();
    expect(later.heard.map(({ topic }) => topic)).toEqual(['zigbee2mqtt/Other/set']);
    await later.close();
    expect(log.text).toContain(TOPIC);
    expect(log.text).not.toContain('0472');
  });

  it('are looked for at every connect, and on a claim that comes while the broker is connected', async () => {
    const found: string[] = [];
    const main = await connected({ onRetainedCommand: ({ topic }) => found.push(topic) });
    await lock.publish(TOPIC, 'UNLOCK', { retain: true });
    const link = main.link('Front Door');
    const other = main.link('Side Door');
    link.claimCommandTopic(TOPIC);
    expect(link.state).toMatchObject({ status: 'down', reason: 'preparing' });
    expect(other.state.status).toBe('up');
    expect(await failure(link.command(permit(), TOPIC, 'LOCK', never()))).toMatchObject({ delivery: 'not_sent' });
    await becomes(link, 'up');
    expect(found).toEqual([TOPIC]);
    proxy.cut();
    await becomes(link, 'down');
    await lock.publish(TOPIC, 'UNLOCK', { retain: true });
    proxy.restore();
    await clock.advance(250);
    await becomes(link, 'up');
    expect(found).toEqual([TOPIC, TOPIC]);
  });

  it('are all found when there are many', async () => {
    const topics = Array.from({ length: 50 }, (_, index) => `zigbee2mqtt/${index}/set`);
    for (const topic of topics) await lock.publish(topic, 'UNLOCK', { retain: true });
    const found = new Set<string>();
    const main = transport({ onRetainedCommand: ({ topic, cleared }) => cleared && found.add(topic) });
    const link = main.link('All');
    link.claimCommandTopic('zigbee2mqtt/+/set');
    main.start();
    await becomes(link, 'up');
    while (found.size < topics.length) await clock.settle();
    await becomes(link, 'up');
    const later = await MqttWitness.connect(broker.url, ['zigbee2mqtt/+/set']);
    await later.settled();
    expect(later.heard).toEqual([]);
    await later.close();
  });
});

describe('closing', () => {
  it('takes back what was not acknowledged, and refuses what comes later', async () => {
    const main = await connected();
    proxy.losePubacks = true;
    const under = failure(main.link('Front Door').command(permit(), TOPIC, 'UNLOCK', never()));
    await main.close();
    expect(await under).toMatchObject({ type: 'outcome_unknown' });
    expect(main.state).toMatchObject({ status: 'down', reason: 'closed' });
    await main.close();
    expect(clock.armedTimers).toBe(0);
  });

  it('works before the start and while connecting', async () => {
    await transport().close();
    proxy.goSilent();
    const main = transport();
    main.start();
    await main.close();
    expect(clock.armedTimers).toBe(0);
  });
});
