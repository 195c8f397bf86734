import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryMqtt } from '../driver-testing/memory-mqtt.ts';
import type { MemoryMqttPeer } from '../driver-testing/memory-mqtt-peer.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import type { OnboardingFinding } from '../model/onboarding.ts';
import { mqttScan } from './mqtt-scan.ts';
import type { OnboardingTalk } from './onboarding-desk.ts';
import { assertFriendlyName, zigbeeJoin } from './zigbee-join.ts';

/* A bridge that speaks as Zigbee2MQTT's documentation says ("MQTT topics and messages"), made for these tests alone. */

const ieee = '0x00124b00aa11bb22';
const lockDefinition = {
  ...{ vendor: 'Yale', model: 'YRD426', description: 'Assure lock' },
  exposes: [
    { type: 'lock', features: [{ property: 'state' }, { property: 'lock_state' }] },
    { type: 'composite', property: 'pin_code', features: [{ property: 'user' }] },
  ],
};
const noiseDefinition = {
  ...{ vendor: 'Wirenboard', model: 'WB-MSW-ZIGBEE v.3' },
  exposes: [{ type: 'numeric', property: 'noise' }],
};

describe('behind Zigbee2MQTT', () => {
  let clock: SimulatedClock;
  let broker: MemoryMqtt;
  let bridge: MemoryMqttPeer;
  let asked: [string, Record<string, unknown>][];
  let said: string[];
  let found: OnboardingFinding[];
  let stop: AbortController;
  let talk: OnboardingTalk;

  beforeEach(async () => {
    clock = new SimulatedClock();
    broker = new MemoryMqtt({ clock });
    bridge = broker.peer();
    [asked, said, found, stop] = [[], [], [], new AbortController()];
    talk = {
      signal: stop.signal,
      say: (step, message) => said.push(`${step}: ${message}`),
      find: (finding) => found.push(finding),
      ask: () => Promise.reject(new Error('nothing is asked')),
      withdraw: () => undefined,
    };
    await clock.advance(10);
  });

  /** @param refuses requests that it says no to */
  function zigbee2mqtt(base = 'zigbee2mqtt', refuses: readonly string[] = []): void {
    bridge.publish(`${base}/bridge/state`, '{"state":"online"}', { retain: true });
    bridge.subscribe(`${base}/bridge/request/#`, ({ topic, payload }) => {
      const request = topic.slice(`${base}/bridge/request/`.length);
      const { transaction, ...body } = JSON.parse(payload.toString());
      asked.push([request, body]);
      const answer = refuses.includes(request)
        ? { data: {}, status: 'error', error: `friendly_name 'Front' is already in use`, transaction }
        : { data: body, status: 'ok', transaction };
      bridge.publish(`${base}/bridge/response/${request}`, JSON.stringify(answer));
    });
  }
  const event = (type: string, data: object, base = 'zigbee2mqtt') =>
    bridge.publish(`${base}/bridge/event`, JSON.stringify({ type, data: { ieee_address: ieee, ...data } }));
  const interviewed = (definition: object, supported = true) =>
    event('device_interview', { friendly_name: ieee, status: 'successful', supported, definition });
  const join = (more: object = {}) => {
    const outcome = zigbeeJoin({
      ...{ link: broker.link(), clock, broker: 'main', base: 'zigbee2mqtt', name: undefined, seconds: 180 },
      ...{ known: [], own: 'test' },
      ...more,
    })(talk);
    outcome.catch(() => undefined);
    return outcome;
  };

  it('opens the network, names what joined, closes it, and has lines for the configuration', async () => {
    zigbee2mqtt();
    await clock.advance(10);
    const joined = join({ name: 'Front' });
    await clock.advance(100);
    event('device_joined', { friendly_name: ieee });
    event('device_interview', { friendly_name: ieee, status: 'started' });
    interviewed(lockDefinition);
    await clock.advance(100);
    expect(await joined).toBe('lock "Front" (Yale YRD426) has joined.');
    expect(asked).toEqual([
      ['permit_join', { time: 180 }],
      ['device/rename', { from: ieee, to: 'Front' }],
      ['permit_join', { time: 0 }],
    ]);
    expect(said.map((line) => line.split(':')[0])).toEqual([
      ...['looking for the bridge', 'open', 'joined', 'interviewing', 'naming'],
    ]);
    expect(found).toMatchObject([{ driver: 'mqtt/zigbee2mqtt', configuredAs: undefined }]);
    expect(found[0]?.configuration).toEqual([
      'devices:',
      '  - id: front',
      '    name: Front',
      '    driver: mqtt/zigbee2mqtt',
      '    link: { mqtt: main }',
      `    settings: {"friendly_name":"Front","ieee_address":"${ieee}","manufacturer":"Yale","model":"YRD426","pin_slots":{"first":1,"count":10}}`,
    ]);
  });

  it.each([
    ['is cancelled', () => stop.abort(new Error('cancelled')), 'cancelled'],
    ['fails its interview', () => event('device_interview', { status: 'failed' }), 'did not say what it is'],
  ])('closes the network when the join %s', async (_, happen, words) => {
    zigbee2mqtt();
    await clock.advance(10);
    const joined = join();
    await clock.advance(100);
    happen();
    await clock.advance(100);
    await expect(joined).rejects.toThrow(words);
    expect(asked.at(-1)).toEqual(['permit_join', { time: 0 }]);
  });

  it.each([
    ['is not there', () => undefined, 'link_unavailable', /is not at zigbee2mqtt/],
    [
      'is offline',
      () => bridge.publish('zigbee2mqtt/bridge/state', '{"state":"offline"}', { retain: true }),
      'link_unavailable',
      /says .* that it is offline/,
    ],
    [
      'does not answer',
      () => bridge.publish('zigbee2mqtt/bridge/state', '{"state":"online"}', { retain: true }),
      'device_offline',
      /did not answer on zigbee2mqtt\/bridge\/response\/permit_join/,
    ],
    ['refuses to open', () => zigbee2mqtt('zigbee2mqtt', ['permit_join']), 'device_rejected', /refused permit_join/],
  ])('says what is wrong when the bridge %s', async (_, prepare, type, message) => {
    prepare();
    await clock.advance(10);
    const joined = join();
    await clock.advance(30_000);
    await expect(joined).rejects.toMatchObject({ type, message: expect.stringMatching(message) });
  });

  it('closes the network when its name is taken, and says so', async () => {
    zigbee2mqtt('zigbee2mqtt', ['device/rename']);
    await clock.advance(10);
    const joined = join({ name: 'Front' });
    await clock.advance(100);
    interviewed(lockDefinition);
    await clock.advance(100);
    await expect(joined).rejects.toThrow(/refused device\/rename: friendly_name 'Front' is already in use/);
    expect(asked.at(-1)).toEqual(['permit_join', { time: 0 }]);
  });

  it('takes nobody else’s answer for its own, and no event of the past', async () => {
    bridge.publish('zigbee2mqtt/bridge/state', 'online', { retain: true });
    bridge.publish(
      'zigbee2mqtt/bridge/event',
      JSON.stringify({ type: 'device_interview', data: { ieee_address: ieee, status: 'successful' } }),
      { retain: true },
    );
    bridge.subscribe('zigbee2mqtt/bridge/request/permit_join', () =>
      bridge.publish('zigbee2mqtt/bridge/response/permit_join', '{"data":{},"status":"ok","transaction":"test-7"}'),
    );
    await clock.advance(10);
    const joined = join();
    await clock.advance(30_000);
    await expect(joined).rejects.toMatchObject({ type: 'device_offline' });
  });

  it('says so when something joined that no driver works', async () => {
    zigbee2mqtt();
    await clock.advance(10);
    const joined = join();
    await clock.advance(100);
    interviewed({}, false);
    await clock.advance(100);
    expect(await joined).toMatch(/has joined, but it is neither a lock nor a noise sensor/);
    expect(found).toMatchObject([{ driver: undefined, configuration: [] }]);
  });

  it.each(['', 'a/#', 'bridge', 'x/set', 'a//b'])('refuses the name "%s" before the network is opened', (name) => {
    expect(() => assertFriendlyName(name)).toThrow(expect.objectContaining({ type: 'invalid_input' }));
  });

  it('lists what bridges and locks announce, each once, and what is configured already', async () => {
    const devices = [
      { ieee_address: '0x00124b0000000000', type: 'Coordinator', friendly_name: 'Coordinator' },
      { ieee_address: ieee, friendly_name: 'Haustür Süd', definition: lockDefinition, supported: true },
      { ieee_address: '0x00124b00aa11bb33', friendly_name: 'Saal', definition: noiseDefinition },
      { ieee_address: '0x00124b00aa11bb44', friendly_name: 'Lamp', definition: { exposes: [{ type: 'light' }] } },
    ];
    const announce = (topic: string, payload: object) =>
      bridge.publish(topic, JSON.stringify(payload), { retain: true });
    bridge.publish('zigbee2mqtt/bridge/devices', JSON.stringify(devices), { retain: true });
    bridge.publish('house/zigbee/bridge/devices', JSON.stringify(devices.slice(0, 2)), { retain: true });
    announce(`homeassistant/lock/${ieee}/lock/config`, {
      command_topic: 'zigbee2mqtt/Haustür Süd/set',
      availability: [{ topic: 'zigbee2mqtt/bridge/state' }],
      origin: { name: 'Zigbee2MQTT' },
      unique_id: `${ieee}_lock_zigbee2mqtt`,
    });
    announce('homeassistant/lock/gate/config', {
      name: 'Gate',
      cmd_t: 'gate/cmd',
      o: { name: 'ESPHome' },
      uniq_id: 'g1',
    });
    announce('homeassistant/light/lamp/config', { name: 'Lamp', command_topic: 'lamp/set' });
    announce('homeassistant/lock/strikeplate_lobby/front_lock/config', { name: 'Ours', command_topic: 'x' });
    bridge.publish('homeassistant/lock/broken/config', '{"name":', { retain: true });
    await clock.advance(10);
    const known = [
      { slug: 'hall', link: 'main', settings: { kind: 'noise', base_topic: 'zigbee2mqtt', friendly_name: 'saal' } },
    ];
    const scan = mqttScan({
      ...{ link: broker.link(), broker: 'main', bases: ['house/zigbee'], known, gatewayId: 'lobby' },
    })(talk);
    scan.catch(() => undefined);
    await clock.advance(4_000);
    stop.abort(new Error('time is over'));
    await expect(scan).rejects.toThrow('time is over');
    const told = found
      .filter(({ driver }) => driver !== undefined)
      .map(({ address, what, configuredAs, configuration }) => [address, what, configuredAs, configuration[1]]);
    expect(told.sort()).toEqual([
      ['homeassistant/lock/gate/config', 'lock "Gate", announced by ESPHome', undefined, '  - id: gate'],
      [`house/zigbee/${ieee}`, 'lock "Haustür Süd" (Yale YRD426)', undefined, '  - id: haustur-sud'],
      [`zigbee2mqtt/${ieee}`, 'lock "Haustür Süd" (Yale YRD426)', undefined, '  - id: haustur-sud'],
      ['zigbee2mqtt/0x00124b00aa11bb33', 'noise sensor "Saal" (Wirenboard WB-MSW-ZIGBEE v.3)', 'hall', undefined],
    ]);
  });
});
