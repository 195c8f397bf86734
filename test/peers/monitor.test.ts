import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type SimulatedLock,
  type SimulatedNoiseSensor,
  Zigbee2MqttSimulator,
} from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { systemClock } from '../../src/clock/system-clock.ts';
import { connectMqttPeer } from '../../src/simulation/zigbee2mqtt.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { BuiltCommand } from '../kit/command-line/built-command.ts';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';
import { Mosquitto, mosquittoProgram, mosquittoSub } from './kit/mosquitto.ts';
import { MosquittoSub, type Printed } from './kit/mosquitto-sub.ts';

const base = 'strikeplate/box';
const everything = ['strikeplate/#', 'homeassistant/#'];
const front = idOf('front');
const hall = idOf('hall');
const pin = '739150';

const frontEntry = zigbeeEntry('front', { settings: { pin_slots: { first: 1, count: 5 } } });
const hallEntry = zigbeeEntry('hall', { settings: { kind: 'noise' } });

/** Closed after the test, last first. */
const closing: (() => unknown)[] = [];
const willClose = <T>(thing: T, close: (thing: T) => unknown): T => {
  closing.push(() => close(thing));
  return thing;
};

describe.skipIf(mosquittoProgram === undefined || mosquittoSub === undefined)('the monitor on mosquitto', () => {
  let broker: Mosquitto;
  let box: GatewayBox;
  let lock: SimulatedLock;
  let sensor: SimulatedNoiseSensor;

  beforeAll(ensureBuilt);

  beforeEach(async () => {
    broker = willClose(await Mosquitto.start(), (started) => started.close());
    const peer = willClose(await connectMqttPeer(broker.url), (connected) => connected.close());
    const bridge = willClose(new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock }), (made) => made.stop());
    // As Zigbee2MQTT does: a broker that was away has forgotten who is here.
    peer.onReconnect(() => {
      bridge.bridge.stop();
      bridge.bridge.start();
    });
    lock = bridge.addLock({ friendlyName: 'front', bolt: 'locked', radioMs: 20, motorMs: 60 });
    sensor = bridge.addNoiseSensor({ friendlyName: 'hall', level: 44 });
    bridge.start();
    box = willClose(await GatewayBox.make({ devices: [] }), (made) => made.dispose());
    configure();
  });
  afterEach(async () => {
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  });

  function configure(homeAssistant = false, devices: readonly object[] = [frontEntry, hallEntry]): void {
    const monitor = { mqtt: 'main', home_assistant: homeAssistant, interval_s: 1 };
    box.configure({ mqtt: { main: { url: broker.url } }, monitor, log: { level: 'warn' }, devices });
  }

  /** `strikeplate run` in a process of its own, with both devices online. */
  async function run(devices = [front, hall]) {
    const command = new BuiltCommand(['run', '--config', box.configFile], { cwd: box.folder });
    await command.printed('listens on');
    const url = /http:\/\/\S+/.exec(command.out)?.[0] ?? '';
    const api = new ApiCaller(url, box.key);
    for (const device of devices) await api.online(device);
    return { command, api };
  }

  const watch = async () => willClose(await MosquittoSub.start(broker, everything), (sub) => sub.close());
  const retained = async () => MosquittoSub.retained(broker, everything);
  const said = (topic: string, words: string) => (message: Printed) =>
    message.topic === `${base}/${topic}` && message.payload.includes(words);

  it('tells the whole tree, and a code on none of it', async () => {
    const sub = await watch();
    const somebody = await MqttWitness.connect(broker.url, []);
    await somebody.publish('zigbee2mqtt/front/set', '{"state":"LOCK"}', { retain: true });
    await somebody.close();
    const startedAt = performance.now();
    const { command, api } = await run();
    await sub.first(said('log', 'left a retained command'));
    const { action_attempt_id: id } = await api.door('unlock', front);
    await api.ended([id]);
    const created = await api.accepted('/access_codes/create', { device_id: front, name: 'Guest', code: pin });
    const [life] = await api.ended([created.action_attempt_id]);
    expect(life?.attempt).toMatchObject({ status: 'success', result: { access_code: { code: pin } } });
    expect(lock.typePin(pin)).toBe(true);
    await sub.first(said(`devices/${front}/events`, 'keycode'));
    lock.typePin('0000');
    sensor.measure(58.44);
    await sub.first(said(`noise/${hall}/level`, '58.4'));
    await sub.first(said(`devices/${front}/events`, 'access_denied'));
    command.child.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    await sub.first(said('status', 'offline'));

    // The broker takes whole seconds off what it had to keep back for a while.
    const passedS = Math.ceil((performance.now() - startedAt) / 1_000);
    const boot = sub.on(`${base}/info`)[0]?.properties.boot_id ?? '';
    const common = { gateway_id: 'box', boot_id: boot };
    /** Topic, then QoS, retain, expiry, content type and schema as section D of the reference has them. */
    const rules: readonly [string, 0 | 1, boolean, number | undefined, string, string][] = [
      ['status', 1, true, undefined, 'text/plain', 'status'],
      ['info', 1, true, undefined, 'application/json', 'info'],
      ['health', 0, true, 3, 'application/json', 'health'],
      [`attempts/${id}`, 1, false, 3_600, 'application/json', 'attempt'],
      [`attempts/last/${front}`, 1, true, undefined, 'application/json', 'last_attempt'],
      [`devices/${front}/state`, 1, true, undefined, 'application/json', 'device_state'],
      [`devices/${front}/availability`, 1, true, undefined, 'text/plain', 'availability'],
      [`devices/${front}/events`, 1, false, 600, 'application/json', 'event'],
      [`noise/${hall}/level`, 0, false, 120, 'application/json', 'noise_level'],
      ['log', 0, false, 60, 'application/json', 'log'],
    ];
    for (const [topic, qos, retain, expiry, contentType, schema] of rules) {
      const messages = sub.on(`${base}/${topic}`).filter(({ properties }) => properties.seq !== undefined);
      expect(messages.length, topic).toBeGreaterThan(0);
      for (const message of messages) {
        expect(message, topic).toMatchObject({ qos, retain, contentType, format: '1' });
        if (expiry === undefined) expect(message.expiry, topic).toBeUndefined();
        else {
          expect(message.expiry, topic).toBeLessThanOrEqual(expiry);
          expect(message.expiry, topic).toBeGreaterThanOrEqual(Math.max(0, expiry - passedS));
        }
        expect(message.properties, topic).toMatchObject({ ...common, schema: `strikeplate.${schema}.v1` });
      }
      // Nothing of what was told is missing.
      const own = sub.printed.filter(({ properties }) => properties.schema === `strikeplate.${schema}.v1`);
      expect(own.map(({ properties }) => properties.seq)).toEqual(own.map((_, index) => String(index + 1)));
    }
    const attemptMessages = sub.on(`${base}/attempts/${id}`);
    expect(attemptMessages.map(({ payload }) => JSON.parse(payload))).toEqual([
      { action_attempt_id: id, action_type: 'UNLOCK_DOOR', status: 'pending', result: null, error: null },
      {
        action_attempt_id: id,
        action_type: 'UNLOCK_DOOR',
        status: 'success',
        result: { was_confirmed_by_device: true },
        error: null,
      },
    ]);
    expect(attemptMessages[1]?.properties).toMatchObject({
      device_id: front,
      took_ms: expect.stringMatching(/^\d+$/),
    });
    const events = sub.on(`${base}/devices/${front}/events`).map(({ payload }) => JSON.parse(payload));
    expect(events).toContainEqual(expect.objectContaining({ event_type: 'access_code.set_on_device', code: null }));
    const opened = events.find((event) => event.event_type === 'lock.unlocked' && event.method === 'keycode');
    expect(opened).toMatchObject({ slot: 1, access_code_id: expect.any(String) });
    // Seam has null there for no event of a bolt: the digits are left out.
    expect(opened).not.toHaveProperty('code');
    expect(sub.text).not.toContain(pin);
    expect(command.err).not.toContain(pin);
  });

  it('leaves offline when it is killed, and tells everything again when it is back', async () => {
    const sub = await watch();
    const first = await run();
    await sub.first(said('status', 'online'));
    await first.api.ended([(await first.api.door('unlock', front)).action_attempt_id]);
    let before: ReadonlyMap<string, Printed> = new Map();
    // The end of the audit log is told within a second of what was written.
    await until(async () => {
      before = await retained();
      return before.has(`${base}/audit/head`) && before.has(`${base}/health`);
    });
    const killedAt = performance.now();
    first.command.child.kill('SIGKILL');
    await sub.first(said('status', 'offline'));
    console.log(`offline ${Math.round(performance.now() - killedAt)} ms after SIGKILL`);
    expect((await retained()).get(`${base}/status`)?.payload).toBe('offline');
    const boot = sub.on(`${base}/info`).at(-1)?.properties.boot_id;
    await run();
    await sub.first(
      ({ topic, payload, properties }) =>
        topic === `${base}/devices/${front}/state` && properties.boot_id !== boot && payload.includes('unlocked'),
    );
    let after: ReadonlyMap<string, Printed> = new Map();
    // The health expires, and is told again each second.
    await until(async () => {
      after = await retained();
      return after.has(`${base}/health`);
    });
    expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted());
    expect(after.get(`${base}/status`)?.payload).toBe('online');
    expect(JSON.parse(after.get(`${base}/devices/${front}/state`)?.payload ?? '')).toMatchObject({ state: 'unlocked' });
    expect(after.get(`${base}/attempts/last/${front}`)?.payload).toBe(
      before.get(`${base}/attempts/last/${front}`)?.payload,
    );
  });

  it('tells everything again to a broker that has forgotten it', async () => {
    await run();
    let before: ReadonlyMap<string, Printed> = new Map();
    await until(async () => {
      before = await retained();
      const online = [front, hall].map((id) => before.get(`${base}/devices/${id}/availability`)?.payload);
      // What the lock is was read by then: from here on nothing changes but by the broker.
      const read = before.get(`${base}/devices/${front}/state`)?.payload.includes('"locked":true') === true;
      return before.size === 8 && read && online.every((availability) => availability === 'online');
    });
    await broker.stop('SIGKILL');
    await broker.start();
    await until(async () => {
      const now = await retained();
      const topics = [
        'status',
        ...[front, hall].flatMap((id) => [`devices/${id}/state`, `devices/${id}/availability`]),
      ];
      // The end of the audit log is told up to a second after something was written: it may have moved on.
      const auditEnd = (told: ReadonlyMap<string, Printed>): number =>
        JSON.parse(told.get(`${base}/audit/head`)?.payload ?? '{"seq":-1}').seq;
      return (
        auditEnd(now) >= auditEnd(before) &&
        topics.every((topic) => sameTold(now.get(`${base}/${topic}`), before.get(`${base}/${topic}`)))
      );
    });
  });

  it('takes away what devices left behind that are no longer configured', async () => {
    configure(true);
    const first = await run();
    await first.api.ended([(await first.api.door('unlock', front)).action_attempt_id]);
    // Eight entities, availability, state and the last attempt.
    await until(async () => of(await retained(), front).length === 11);
    first.command.child.kill('SIGTERM');
    await first.command.ended;
    expect(of(await retained(), front)).toHaveLength(11);
    configure(true, [hallEntry]);
    await run([hall]);
    await until(async () => of(await retained(), front).length === 0);
    expect(of(await retained(), hall).length).toBeGreaterThan(0);
  });

  it('is back although the broker has not noticed that the last run is gone', async () => {
    const frozen = await run();
    frozen.command.child.kill('SIGSTOP');
    const other = willClose(await GatewayBox.make({ devices: [] }), (made) => made.dispose());
    const own = box;
    box = other;
    configure();
    const sub = await watch();
    const { command } = await run();
    await sub.first(
      ({ topic, payload, properties }) => topic === `${base}/status` && payload === 'online' && properties.seq === '1',
    );
    const boot = sub.on(`${base}/info`).at(-1)?.properties.boot_id;
    expect((await retained()).get(`${base}/status`)).toMatchObject({
      payload: 'online',
      properties: { boot_id: boot },
    });
    frozen.command.child.kill('SIGKILL');
    await frozen.command.ended;
    expect((await retained()).get(`${base}/status`)?.payload).toBe('online');
    command.child.kill('SIGTERM');
    await command.ended;
    box = own;
  });
});

/** A device that was out of reach for long is read anew, and its state has a later time then. */
const sameTold = (one: Printed | undefined, other: Printed | undefined): boolean =>
  one !== undefined && withoutTime(one.payload) === withoutTime(other?.payload);

const withoutTime = (payload: string | undefined) => payload?.replace(/"ts":"[^"]+"/, '"ts":""');

/** Those that speak of one device. */
const of = (messages: ReadonlyMap<string, Printed>, deviceId: string): string[] =>
  [...messages.keys()].filter((topic) => topic.includes(deviceId));

async function until(fits: () => Promise<boolean>): Promise<void> {
  while (!(await fits())) await new Promise((resolve) => setTimeout(resolve, 100));
}
