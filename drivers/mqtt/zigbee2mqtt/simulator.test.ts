import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryMqtt } from '../../../src/driver-testing/memory-mqtt.ts';
import type { MemoryMqttPeer } from '../../../src/driver-testing/memory-mqtt-peer.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { type SimulatedLock, Zigbee2MqttSimulator } from './simulator.ts';

interface Line {
  readonly at: number;
  readonly topic: string;
  readonly body: unknown;
}

let clock: SimulatedClock;
let client: MemoryMqttPeer;
let simulator: Zigbee2MqttSimulator;
let lock: SimulatedLock;
let lines: Line[];

/** What MQTT shows, from the moment of the last command, beside retained messages. */
const shown = (topic = 'zigbee2mqtt/Front Door') => lines.filter((line) => line.topic === topic);
const errors = () => shown('zigbee2mqtt/bridge/logging');

async function send(payload: unknown, topic = 'zigbee2mqtt/Front Door/set') {
  lines.length = 0;
  const start = clock.now();
  client.publish(topic, typeof payload === 'string' ? payload : JSON.stringify(payload));
  await clock.advance(15_000);
  return start;
}

beforeEach(async () => {
  clock = new SimulatedClock();
  const broker = new MemoryMqtt({ clock, latencyMs: 0 });
  client = broker.peer();
  lines = [];
  client.subscribe('#', ({ topic, payload }) => {
    if (!/\/(set|get)$/.test(topic))
      lines.push({ at: clock.now(), topic, body: JSON.parse(payload.toString() || 'null') });
  });
  simulator = new Zigbee2MqttSimulator({ mqtt: broker.peer(), clock });
  lock = simulator.addLock({ friendlyName: 'Front Door', slots: 30 });
  simulator.start();
  await clock.advance(10);
});

describe('the bridge', () => {
  it('says that it is online, what it has and what it remembers', () => {
    expect(shown('zigbee2mqtt/bridge/state')[0]?.body).toEqual({ state: 'online' });
    expect(shown('zigbee2mqtt/Front Door/availability')[0]?.body).toEqual({ state: 'online' });
    expect(shown('zigbee2mqtt/bridge/devices').at(-1)?.body).toMatchObject([{ friendly_name: 'Front Door' }]);
    expect(shown().at(-1)?.body).toMatchObject({ lock_state: 'locked', battery: 87 });
  });

  it('names an unknown device and an unknown key in its log', async () => {
    await send({ state: 'LOCK' }, 'zigbee2mqtt/Back Door/set');
    expect(errors()[0]?.body).toMatchObject({ level: 'error', message: "z2m: Entity 'Back Door' is unknown" });
    await send({ transaction: 1 });
    expect(errors()[0]?.body).toMatchObject({ message: expect.stringContaining('No converter available') });
  });

  it('publishes what it remembers after a restart, however old', async () => {
    simulator.bridge.stop();
    lock.turnByHand('unlocked');
    lines.length = 0;
    simulator.bridge.start();
    await clock.advance(10);
    expect(shown().at(-1)?.body).toMatchObject({ lock_state: 'locked' });
    expect(lock.bolt).toBe('unlocked');
  });
});

describe('a door command, as measured on the real program', () => {
  it('shows state about 860 ms later, then the action in a second message', async () => {
    const start = await send({ state: 'UNLOCK' });
    expect(shown().map(({ at, body }) => ({ at: at - start, body }))).toEqual([
      { at: 860, body: { state: 'UNLOCK', lock_state: 'unlocked', battery: 87, linkquality: 120 } },
      {
        at: 870,
        body: expect.objectContaining({ lock_state: 'unlocked', action: 'unlock', action_source_name: 'rf' }),
      },
    ]);
    expect(lock.movements).toEqual([{ at: start + 850, from: 'locked', to: 'unlocked', cause: 'rf' }]);
    expect(lock.doorCommands).toEqual([{ sentAt: start, at: start + 150, command: 'UNLOCK' }]);
  });

  it('publishes state and action again when the command is repeated, and moves nothing', async () => {
    await send({ state: 'UNLOCK' });
    await send('unlock');
    expect(shown()).toHaveLength(2);
    expect(lock.movements).toHaveLength(1);
    expect(lock.doorCommands).toHaveLength(2);
  });

  it('shows nothing at all when the lock answers with a failure', async () => {
    lock.misbehave({ refusesSilently: true });
    await send({ state: 'UNLOCK' });
    expect(lines).toEqual([]);
    expect(lock.movements).toEqual([]);
  });

  it('lies in `state` when the motor jams', async () => {
    await send({ state: 'UNLOCK' });
    lock.misbehave({ jams: true });
    await send({ state: 'LOCK' });
    expect(shown().map(({ body }) => body)).toEqual([
      expect.objectContaining({ state: 'UNLOCK', lock_state: 'not_fully_locked' }),
    ]);
  });

  it('logs an error after 10 s when the lock is silent', async () => {
    lock.misbehave({ deaf: true });
    const start = await send({ state: 'UNLOCK' });
    expect(errors()).toMatchObject([
      { at: start + 10_000, body: { message: expect.stringMatching(/'Front Door' failed: .*Timeout/) } },
    ]);
    expect(lock.doorCommands).toEqual([]);
  });

  it('executes a retained command whenever it comes, like the real one', async () => {
    client.publish('zigbee2mqtt/Front Door/set', '{"state":"UNLOCK"}', { retain: true });
    await clock.advance(2_000);
    expect(lock.movements).toHaveLength(1);
    simulator.bridge.stop();
    simulator.bridge.start();
    await clock.advance(2_000);
    expect(lock.doorCommands).toHaveLength(2);
  });
});

describe('a read', () => {
  it('answers with the truth, the cache beside it', async () => {
    simulator.bridge.setCache('Front Door', { lock_state: 'unlocked', state: 'UNLOCK' });
    const start = await send({ state: '' }, 'zigbee2mqtt/Front Door/get');
    expect(shown()).toMatchObject([{ at: start + 150, body: { lock_state: 'locked', battery: 87 } }]);
  });

  it('is not answered by a battery report, which carries the old state along', async () => {
    lock.misbehave({ neverReports: true, batteryReportsAfterMs: [1_000] });
    await send({ state: 'UNLOCK' });
    expect(shown()).toMatchObject([{ body: { lock_state: 'locked', battery: 86 } }]);
    expect(lock.bolt).toBe('unlocked');
  });
});

describe('codes, as measured on the real program', () => {
  const set = (user: number, pin: string | null) => send({ pin_code: { user, pin_code: pin } });
  const get = (user: number) => send({ pin_code: { user } }, 'zigbee2mqtt/Front Door/get');

  it('announces a stored PIN after about 350 ms and hides it when read', async () => {
    const start = await set(1, '0472');
    expect(shown()).toMatchObject([{ at: start + 350, body: { action: 'pin_code_added', action_user: 1 } }]);
    expect(shown()[0]?.body).not.toHaveProperty('users');
    await get(1);
    expect(shown()).toMatchObject([{ body: { users: { 1: { status: 'enabled' } } } }]);
    expect(JSON.stringify(shown())).not.toContain('0472');
    expect(lock.keypad.codes.get(1)).toBe('0472');
    expect(lock.typePin('0472')).toBe(true);
  });

  it('says nothing of a duplicate, and holds it once', async () => {
    await set(1, '0472');
    await set(2, '0472');
    expect(lines).toEqual([]);
    expect([...lock.keypad.codes]).toEqual([[1, '0472']]);
  });

  it('says enabled from its cache after a delete, until it is read', async () => {
    await set(1, '0472');
    await get(1);
    await set(1, null);
    expect(shown()).toMatchObject([{ body: { action: 'pin_code_deleted', users: { 1: { status: 'enabled' } } } }]);
    await get(1);
    expect(shown()).toMatchObject([{ body: { users: { 1: { status: 'available' } } } }]);
  });

  it('logs a slot out of range at once', async () => {
    const start = await set(30, '0472');
    expect(errors()).toMatchObject([{ at: start, body: { message: expect.stringContaining('must be in range') } }]);
  });
});

it('publishes noise as a string, and repeats it beside other values', async () => {
  const sensor = simulator.addNoiseSensor({ friendlyName: 'Hall' });
  lines.length = 0;
  sensor.measure(83.2);
  sensor.measureTemperature();
  await clock.advance(10);
  expect(shown('zigbee2mqtt/Hall').map(({ body }) => body)).toMatchObject([
    { noise: '83.20' },
    { noise: '83.20', temperature: 21.1 },
  ]);
});

it('leaves nothing on the clock when it stops', async () => {
  lock.misbehave({ relocksAfterMs: 30_000, batteryReportsAfterMs: [5_000] });
  client.publish('zigbee2mqtt/Front Door/set', '{"state":"UNLOCK"}');
  await clock.advance(2_000);
  simulator.stop();
  await clock.advance(10);
  expect(clock.armedTimers).toBe(0);
});
