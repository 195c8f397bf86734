import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type SimulatedLock, Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import type { Clock } from '../../src/contract/index.ts';
import { recordLog } from '../../src/driver-testing/recorded-log.ts';
import { connectMqttPeer } from '../../src/simulation/zigbee2mqtt.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { TcpProxy } from '../kit/broker/tcp-proxy.ts';
import { PacedClock } from '../kit/clock/paced-clock.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { judgeDoors } from '../kit/locks/door-verdict.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';
import { NetworkNamespace } from './kit/network-namespace.ts';
import { SleepyPeer } from './kit/sleepy-peer.ts';

/** Closed after the test, last first. */
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
});
const willClose = <T>(thing: T, close: (thing: T) => unknown): T => {
  closing.push(() => close(thing));
  return thing;
};

interface Limits {
  readonly sendByMs: number;
  readonly deadlineMs: number;
}

/** The driver's own. */
const usual: Limits = { sendByMs: 5_000, deadlineMs: 9_000 };

/** A building's locks, all locked, by device_id. */
function addLocks(bridge: Zigbee2MqttSimulator, count: number): Map<string, SimulatedLock> {
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const slug = `door-${index + 1}`;
      return [idOf(slug), bridge.addLock({ friendlyName: slug, bolt: 'locked', radioMs: 20, motorMs: 60 })];
    }),
  );
}

/** The whole gateway with a database of its own, talking to the broker at `url`, and every device within reach. */
async function startGateway(
  url: string,
  locks: ReadonlyMap<string, SimulatedLock>,
  limits: Limits,
  clock: Clock = systemClock,
) {
  const door = { send_by_ms: limits.sendByMs, deadline_ms: limits.deadlineMs };
  const devices = [...locks.values()].map(({ friendlyName }) => zigbeeEntry(friendlyName, { limits: { door } }));
  const box = willClose(await GatewayBox.make({ mqtt: { main: { url } }, devices }), (made) => made.dispose());
  const log = recordLog();
  const gateway = willClose(await box.start({ log: log.logger, clock }), (started) => started.close());
  for (const id of locks.keys()) await gateway.api.online(id);
  const judge = async (ids: readonly string[]) => {
    const lives = await gateway.api.ended(ids);
    const lockOf = (deviceId: string) => locks.get(deviceId) as SimulatedLock;
    return judgeDoors(lives, lockOf, { ...limits, wallOffset: Date.now() - performance.now() });
  };
  return { ...gateway, box, log, judge };
}

/** Asks every door to open, one after the other; resolves with the attempts' ids. */
async function unlockEach(
  { api }: BoxedGateway,
  locks: ReadonlyMap<string, SimulatedLock>,
  everyMs: number,
): Promise<readonly string[]> {
  const asked: Promise<string>[] = [];
  for (const id of locks.keys()) {
    asked.push(api.door('unlock', id).then((attempt) => attempt.action_attempt_id));
    await sleep(everyMs);
  }
  return Promise.all(asked);
}

const report = (what: string, tally: unknown) => console.log(`${what}: ${JSON.stringify(tally)}`);

describe.skipIf(mosquittoProgram === undefined)('the whole gateway on mosquitto', () => {
  /** Everything on one broker, the gateway through a proxy that can be told to misbehave. */
  async function site(count: number, limits: Limits = usual, lines: readonly string[] = [], clock?: Clock) {
    const broker = willClose(await Mosquitto.start({ lines: ['allow_anonymous true', ...lines] }), (started) =>
      started.close(),
    );
    const proxy = willClose(await TcpProxy.start(broker.port), (started) => started.close());
    const bridgeLine = willClose(await TcpProxy.start(broker.port), (started) => started.close());
    const will = { topic: 'zigbee2mqtt/bridge/state', payload: '{"state":"offline"}' };
    const peer = willClose(await connectMqttPeer(bridgeLine.url, { will }), (connected) => connected.close());
    const bridge = willClose(new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock }), (made) => made.stop());
    // As Zigbee2MQTT does: a broker that was away has forgotten who is here.
    peer.onReconnect(() => {
      bridge.bridge.stop();
      bridge.bridge.start();
    });
    const locks = addLocks(bridge, count);
    bridge.start();
    const gateway = await startGateway(proxy.url, locks, limits, clock);
    return { broker, proxy, bridgeLine, locks, gateway };
  }

  it('link cut for 3 s while UNLOCKs arrive', async () => {
    const { proxy, locks, gateway } = await site(40, { sendByMs: 3_500, deadlineMs: 7_000 });
    const asking = unlockEach(gateway, locks, 120);
    await sleep(900);
    proxy.cut();
    await sleep(3_000);
    proxy.restore();
    const { broken, tally } = await gateway.judge(await asking);
    report('link cut for 3 s', tally);
    expect(broken).toEqual([]);
    expect(tally.outcomes.confirmed).toBeGreaterThan(0);
    expect(tally.outcomes.link_unavailable ?? tally.outcomes.expired).toBeGreaterThan(0);
  });

  it('link cut for 3 s, and time enough to send afterwards', async () => {
    const { proxy, locks, gateway } = await site(20, { sendByMs: 8_000, deadlineMs: 12_000 });
    proxy.cut();
    const asking = unlockEach(gateway, locks, 150);
    await sleep(3_000);
    proxy.restore();
    const { broken, tally } = await gateway.judge(await asking);
    report('link cut for 3 s, time enough', tally);
    expect(broken).toEqual([]);
    expect(tally.outcomes).toEqual({ confirmed: 20 });
  });

  it('broker SIGKILLed during 50 commands, back after 1 s', async () => {
    const { broker, locks, gateway } = await site(50, { sendByMs: 2_500, deadlineMs: 6_000 });
    const asking = unlockEach(gateway, locks, 20);
    await sleep(400);
    await broker.stop('SIGKILL');
    await sleep(1_000);
    await broker.start();
    const { broken, tally } = await gateway.judge(await asking);
    report('broker killed', tally);
    expect(broken).toEqual([]);
    expect(tally.outcomes.confirmed).toBeGreaterThan(0);
  });

  it('PUBACK lost: the command arrives once, and the attempt knows what it did', async () => {
    const { proxy, locks, gateway } = await site(2);
    const [plain, mute] = [...locks.values()];
    mute?.misbehave({ neverReports: true });
    proxy.losePubacks = true;
    const asking = unlockEach(gateway, locks, 0);
    // Until both came, and the gateway has given up a line that acknowledges nothing, and has another.
    while ([...locks.values()].some(({ doorCommands }) => doorCommands.length === 0)) await sleep(20);
    const isBack = async () =>
      /^strikeplate_link_reconnects_total\{.*\} [1-9]/m.test((await gateway.api.get('/metrics')).text);
    while (!(await isBack())) await sleep(20);
    proxy.losePubacks = false;
    const ids = await asking;
    const { broken, tally } = await gateway.judge(ids);
    report('PUBACK lost', tally);
    expect(broken).toEqual([]);
    expect(tally.doorCommands).toBe(2);
    // The link was lost meanwhile: what the mute one answers shows where its bolt is, and not that it moved.
    const confirmed = new Map(
      (await gateway.api.ended(ids)).map(({ deviceId, attempt }) => [
        deviceId,
        attempt.result?.was_confirmed_by_device,
      ]),
    );
    expect([...locks.keys()].map((id) => confirmed.get(id))).toEqual([true, false]);
    expect([plain?.bolt, mute?.bolt]).toEqual(['unlocked', 'unlocked']);
  });

  it('lock away: nothing follows when it is back, also where the bridge knew', async () => {
    const { locks, gateway } = await site(2, { sendByMs: 3_000, deadlineMs: 6_000 });
    const [unreachable, deaf] = [...locks.values()];
    unreachable?.goOffline();
    // Nobody knows yet that this one is.
    deaf?.misbehave({ deaf: true });
    await gateway.api.offline([...locks.keys()][0] ?? '');
    const ids = await unlockEach(gateway, locks, 0);
    const { broken, tally } = await gateway.judge(ids);
    report('lock away', tally);
    expect(broken).toEqual([]);
    // What the bridge calls offline is its guess: a command went out to both, and neither is said to have got none.
    expect(tally.outcomes).toEqual({ outcome_unknown: 2 });
    const said = new Map(
      (await gateway.api.ended(ids)).map(({ deviceId, attempt }) => [deviceId, attempt.error?.message ?? '']),
    );
    const [away = '', silent = ''] = [...locks.keys()].map((id) => said.get(id));
    expect(away).toContain('Zigbee2MQTT has not heard from door-1 for long, and it did not answer now');
    expect(silent).toContain('nothing it said since shows whether it did');
    for (const lock of locks.values()) lock.comeOnline();
    await sleep(1_000);
    expect([...locks.values()].map(({ bolt, doorCommands }) => [bolt, doorCommands.length])).toEqual([
      ['locked', 0],
      ['locked', 0],
    ]);
  });

  describe('a retained UNLOCK that somebody left', () => {
    const retained = (url: string, friendlyName: string) =>
      MqttWitness.connect(url, []).then(async (somebody) => {
        await somebody.publish(`zigbee2mqtt/${friendlyName}/set`, '{"state":"UNLOCK"}', { retain: true });
        await somebody.close();
      });

    it('before the gateway started: a bridge that starts later is not told it', async () => {
      const broker = willClose(await Mosquitto.start(), (started) => started.close());
      const peer = willClose(await connectMqttPeer(broker.url), (connected) => connected.close());
      const bridge = willClose(new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock }), (made) => made.stop());
      const locks = addLocks(bridge, 1);
      await retained(broker.url, 'door-1');
      const online = startGateway(broker.url, locks, usual);
      // Until the gateway has had its first look at the topic.
      const witness = willClose(await MqttWitness.connect(broker.url, ['zigbee2mqtt/#']), (made) => made.close());
      while (!witness.heard.some(({ payload, retained }) => payload === '' && !retained)) await sleep(20);
      bridge.start();
      const gateway = await online;
      await sleep(500);
      const [lock] = [...locks.values()];
      expect(lock?.doorCommands).toEqual([]);
      expect(gateway.log.text).toContain('left a retained command on zigbee2mqtt/door-1/set');
      const { broken, tally } = await gateway.judge(await unlockEach(gateway, locks, 0));
      expect(broken).toEqual([]);
      expect(tally).toMatchObject({ outcomes: { confirmed: 1 }, doorCommands: 1 });
    });

    const keeping = async () => {
      const folder = willClose(await GatewayBox.make({ devices: [] }), (made) => made.dispose()).folder;
      return ['persistence true', `persistence_location ${folder}/`];
    };

    /** The broker with all it keeps, and everybody, comes back; resolves when what may follow has followed. */
    async function restarted(broker: Mosquitto, gateway: BoxedGateway, locks: ReadonlyMap<string, SimulatedLock>) {
      await broker.stop();
      await broker.start();
      for (const id of locks.keys()) await gateway.api.online(id);
      await sleep(1_000);
    }

    it('while the gateway runs: it is cleared when the bolt is seen to have moved', async () => {
      const { broker, locks, gateway } = await site(1, usual, await keeping());
      const [lock] = [...locks.values()];
      await retained(broker.url, 'door-1');
      while (!gateway.log.text.includes('left a retained command on zigbee2mqtt/door-1/set')) await sleep(20);
      expect(lock?.doorCommands).toHaveLength(1);
      lock?.turnByHand('locked');
      await restarted(broker, gateway, locks);
      expect(lock?.bolt).toBe('locked');
      expect(lock?.doorCommands).toHaveLength(1);
    });

    it('while the gateway runs, and nothing moves: it is cleared within a minute', async () => {
      const clock = willClose(new PacedClock(), (made) => made.stop());
      const { broker, locks, gateway } = await site(1, usual, await keeping(), clock);
      const [lock] = [...locks.values()];
      lock?.misbehave({ deaf: true });
      await retained(broker.url, 'door-1');
      await clock.passes(60_000);
      // Whoever has looked by now gets an answer, and nobody else looks any more.
      clock.stand();
      while (!gateway.log.text.includes('left a retained command on zigbee2mqtt/door-1/set')) await sleep(20);
      clock.goOn();
      lock?.behave();
      await restarted(broker, gateway, locks);
      expect(lock?.bolt).toBe('locked');
      expect(lock?.doorCommands).toEqual([]);
    });

    it('while the gateway runs, and the bridge comes back: nobody moves it again', async () => {
      const { broker, bridgeLine, locks, gateway } = await site(1);
      const [lock] = [...locks.values()];
      lock?.misbehave({ sendsNoActions: true });
      await retained(broker.url, 'door-1');
      while (lock?.bolt !== 'unlocked') await sleep(20);
      expect(lock.doorCommands).toHaveLength(1);
      lock.turnByHand('locked');
      bridgeLine.drop();
      while (!gateway.log.text.includes('left a retained command on zigbee2mqtt/door-1/set')) await sleep(20);
      await sleep(1_500);
      expect(lock.bolt).toBe('locked');
      expect(lock.doorCommands).toHaveLength(1);
    });

    it('and a broker that keeps such messages restarts: it is gone for good', async () => {
      const { broker, proxy, locks, gateway } = await site(1, usual, await keeping());
      const [lock] = [...locks.values()];
      proxy.cut();
      await retained(broker.url, 'door-1');
      await sleep(300);
      proxy.restore();
      while (!gateway.log.text.includes('left a retained command')) await sleep(20);
      lock?.turnByHand('locked');
      await restarted(broker, gateway, locks);
      expect(lock?.bolt).toBe('locked');
      expect(lock?.doorCommands).toHaveLength(1);
    });
  });

  describe('a bridge that goes without a word and has a persistent session', () => {
    async function sleepySite(limits: Limits) {
      const broker = willClose(await Mosquitto.start(), (started) => started.close());
      const proxy = willClose(await TcpProxy.start(broker.port), (started) => started.close());
      const peer = willClose(await SleepyPeer.connect(broker.url), (connected) => connected.close());
      const bridge = willClose(new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock }), (made) => made.stop());
      const locks = addLocks(bridge, 3);
      bridge.start();
      const gateway = await startGateway(proxy.url, locks, limits);
      const commands = () => [...locks.values()].flatMap(({ doorCommands }) => doorCommands);
      return { proxy, peer, locks, gateway, commands };
    }

    // It is back when the last command's time to leave is just over: the moment at which an expiry that is too long shows.
    it.each([2_600, 2_950, 3_100, 3_950, 5_000])(
      'away until %d ms, send_by, are over: nothing comes late',
      async (sendByMs) => {
        const { peer, locks, gateway, commands } = await sleepySite({ sendByMs, deadlineMs: sendByMs + 3_000 });
        await peer.leave();
        const asked = await unlockEach(gateway, locks, 0);
        await sleep(sendByMs);
        await peer.comeBack();
        const { broken, tally } = await gateway.judge(asked);
        await sleep(500);
        report(`bridge away for ${sendByMs} ms with a persistent session`, tally);
        expect(broken).toEqual([]);
        expect(tally.outcomes.confirmed).toBeUndefined();
        expect(commands()).toEqual([]);
      },
    );

    it('and the gateway reaches the broker when less than two seconds are left: nothing is sent', async () => {
      const { proxy, peer, locks, gateway, commands } = await sleepySite({ sendByMs: 3_000, deadlineMs: 7_000 });
      proxy.cut();
      await peer.leave();
      const asked = await unlockEach(gateway, locks, 0);
      await sleep(1_100);
      proxy.restore();
      await sleep(1_950);
      await peer.comeBack();
      const { broken, tally } = await gateway.judge(asked);
      await sleep(2_500);
      report('link back in the last two seconds', tally);
      expect(broken).toEqual([]);
      expect((tally.outcomes.expired ?? 0) + (tally.outcomes.link_unavailable ?? 0)).toBe(3);
      expect(commands()).toEqual([]);
    });
  });
});

describe.skipIf(mosquittoProgram === undefined || !NetworkNamespace.available())(
  'the whole gateway and a network that goes silent without a FIN',
  () => {
    it('for 12 s: nothing comes late when it is back', async () => {
      const network = willClose(new NetworkNamespace(), (made) => made.close());
      const cable = network.cable();
      const lockCable = network.cable();
      const broker = willClose(await Mosquitto.start({ host: '0.0.0.0', wrapper: network.wrapper }), (started) =>
        started.close(),
      );
      const peer = willClose(await connectMqttPeer(`mqtt://${lockCable.address}:${broker.port}`), (made) =>
        made.close(),
      );
      const bridge = willClose(new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock }), (made) => made.stop());
      const locks = addLocks(bridge, 38);
      bridge.start();
      const gateway = await startGateway(`mqtt://${cable.address}:${broker.port}`, locks, usual);
      const asking = unlockEach(gateway, locks, 400);
      await sleep(1_000);
      cable.unplug();
      await sleep(12_000);
      cable.plugIn();
      const { broken, tally } = await gateway.judge(await asking);
      report('silent for 12 s', tally);
      expect(broken).toEqual([]);
      expect(tally.outcomes.confirmed).toBeGreaterThan(0);
      expect(tally.outcomes.link_unavailable).toBeGreaterThan(0);
    });
  },
);
