import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RecordingPublisher } from '../../test/kit/broker/recording-publisher.ts';
import { base, type MonitorFixtureOptions, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import type { Ratio } from '../contract/index.ts';
import { eventTypes } from '../model/event-catalogue.ts';

/**
 * What Home Assistant takes: homeassistant/components/mqtt/{sensor,binary_sensor,lock,number,event,entity,schemas}.py of
 * home-assistant/core. It refuses no unknown key, but none of ours is to go unread.
 */
const common = {
  // Null: the device's own name.
  name: z.string().nullable(),
  unique_id: z.string(),
  state_topic: z.string(),
  value_template: z.string().optional(),
  qos: z.union([z.literal(0), z.literal(1)]),
  availability: z.array(z.strictObject({ topic: z.string() })).optional(),
  availability_mode: z.literal('all').optional(),
  entity_category: z.enum(['diagnostic', 'config']).optional(),
  origin: z.strictObject({ name: z.literal('Strikeplate'), sw_version: z.string() }),
  device: z.strictObject({
    identifiers: z.tuple([z.string()]),
    name: z.string(),
    manufacturer: z.string(),
    model: z.string(),
    sw_version: z.string().optional(),
    via_device: z.string().optional(),
    suggested_area: z.string().optional(),
    serial_number: z.string().optional(),
    // `cv.configuration_url`: these schemes, and a host.
    configuration_url: z.url({ protocol: /^(https?|homeassistant)$/ }).optional(),
  }),
};
/** `MQTT_RW_SCHEMA`: what can be commanded. */
const commandable = {
  ...common,
  command_topic: z.string().regex(/^[^+#]+$/),
  command_template: z.string(),
  optimistic: z.literal(false),
  // A retained command would be carried out again at each reconnect.
  retain: z.literal(false),
  qos: z.literal(0),
};
const config = {
  binary_sensor: z.strictObject({
    ...common,
    payload_on: z.string().optional(),
    payload_off: z.string().optional(),
    device_class: z.enum(['lock', 'problem', 'battery', 'door', 'sound', 'connectivity']).optional(),
  }),
  sensor: z.strictObject({
    ...common,
    device_class: z.enum(['enum', 'battery', 'sound_pressure', 'duration']).optional(),
    state_class: z.enum(['measurement', 'total_increasing']).optional(),
    unit_of_measurement: z.enum(['%', 'dBA', 's', 'ms']).optional(),
    options: z.array(z.string()).optional(),
    expire_after: z.int().positive().optional(),
  }),
  lock: z.strictObject({
    ...commandable,
    payload_lock: z.string(),
    payload_unlock: z.string(),
    payload_open: z.string().optional(),
    ...{ state_locked: z.string(), state_locking: z.string(), state_jammed: z.string() },
    ...{ state_unlocked: z.string(), state_unlocking: z.string() },
  }),
  number: z
    .strictObject({
      ...commandable,
      device_class: z.literal('sound_pressure'),
      unit_of_measurement: z.enum(['dB', 'dBA']),
      ...{ min: z.number(), max: z.number(), step: z.number().min(0.001), mode: z.enum(['auto', 'box', 'slider']) },
    })
    .refine(({ min, max }) => min < max),
  event: z.strictObject({ ...common, event_types: z.array(z.string()).nonempty() }),
};

type Config = z.output<(typeof config)['binary_sensor']> &
  z.output<(typeof config)['sensor']> &
  z.output<(typeof config)['lock']>;

const configs = (publisher: RecordingPublisher): Map<string, Config> =>
  new Map(
    [...publisher.retained]
      .filter(([topic]) => topic.startsWith('homeassistant/'))
      .map(([topic, payload]) => {
        const [prefix, component, node, objectId, last, ...more] = topic.split('/');
        expect([prefix, node, last, more]).toEqual(['homeassistant', 'strikeplate_box7', 'config', []]);
        expect(objectId).toMatch(/^[a-zA-Z0-9_-]+$/);
        expect(Object.keys(config)).toContain(component);
        const schema = config[component as keyof typeof config];
        return [`${component} ${objectId}`, schema.parse(JSON.parse(payload)) as unknown as Config];
      }),
  );

async function announced(options: Partial<MonitorFixtureOptions> = {}) {
  const fixture = await monitorFixture({ homeAssistant: true, ...options });
  fixture.publisher.connect();
  await fixture.told();
  return fixture;
}

describe('discovery', () => {
  it('announces nothing unless it is switched on', async () => {
    const { publisher, told } = await monitorFixture();
    publisher.connect();
    await told();
    expect(configs(publisher).size).toBe(0);
  });

  it('announces a lock, a sensor and the gateway, the devices by way of the gateway', async () => {
    const { publisher } = await announced();
    const all = configs(publisher);
    expect([...all.keys()].toSorted()).toEqual([
      'binary_sensor front_jam',
      'binary_sensor front_lock',
      'binary_sensor front_reachable',
      'binary_sensor gateway_connected',
      'binary_sensor gateway_driver-mqtt-scripted',
      'binary_sensor gateway_driver-mqtt-scripted-sensor',
      'binary_sensor hall_loud',
      'binary_sensor hall_reachable',
      'event front_operations',
      'sensor front_lock-state',
      'sensor front_operated-by',
      'sensor gateway_errors',
      'sensor gateway_p-ninety-nine',
      'sensor gateway_uptime',
      'sensor hall_level',
    ]);
    for (const [name, { device, entity_category }] of all) {
      if (name.includes(' gateway_')) {
        expect(device).toMatchObject({ identifiers: ['strikeplate_box7'], sw_version: '1.2.3' });
        expect(entity_category).toBe('diagnostic');
      } else {
        expect(device).toMatchObject({ via_device: 'strikeplate_box7' });
      }
    }
    expect(all.get('binary_sensor front_lock')?.device).toEqual({
      identifiers: ['strikeplate_front'],
      name: 'Door front',
      manufacturer: 'test',
      model: 'scripted',
      via_device: 'strikeplate_box7',
    });
    expect(new Set([...all.values()].map(({ unique_id }) => unique_id)).size).toBe(all.size);
  });

  it('is retained, QoS 1, and speaks only of topics that are told', async () => {
    const { publisher, lock, sensor, told } = await announced();
    lock.report({ kind: 'battery', level: 0.5 as Ratio, low: false });
    lock.report({ kind: 'door', contact: 'open' });
    sensor.hear(50);
    await told();
    const topics = new Set(publisher.said.map(({ topic }) => topic));
    for (const { state_topic, availability = [], availability_mode } of configs(publisher).values()) {
      expect(topics).toContain(state_topic);
      for (const { topic } of availability) expect(topics).toContain(topic);
      expect(availability_mode).toBe(availability.length === 0 ? undefined : 'all');
    }
    for (const { topic, qos, retain } of publisher.said)
      if (topic.startsWith('homeassistant/')) expect([qos, retain]).toEqual([1, true]);
  });

  it('shows a lock as what is seen of its bolt', async () => {
    const { publisher } = await announced();
    expect(configs(publisher).get('binary_sensor front_lock')).toMatchObject({
      device_class: 'lock',
      state_topic: `${base}/devices/front/state`,
      availability: [{ topic: `${base}/status` }, { topic: `${base}/devices/front/availability` }],
      availability_mode: 'all',
      value_template:
        "{{ 'ON' if value_json.state == 'unlocked' else 'OFF' if value_json.state == 'locked' else 'None' }}",
    });
  });

  it('shows a sensor’s level until it is silent for three of its intervals', async () => {
    const { publisher } = await announced();
    expect(configs(publisher).get('sensor hall_level')).toMatchObject({
      device_class: 'sound_pressure',
      state_class: 'measurement',
      unit_of_measurement: 'dBA',
      expire_after: 3,
      state_topic: `${base}/noise/hall/level`,
    });
    expect(configs(publisher).get('binary_sensor hall_loud')).toMatchObject({ device_class: 'sound' });
  });

  it('shows each driver as connected while its links are up', async () => {
    const { publisher } = await announced();
    expect(configs(publisher).get('binary_sensor gateway_driver-mqtt-scripted')).toMatchObject({
      name: 'mqtt/scripted connected',
      state_topic: `${base}/health`,
      value_template: "{{ 'ON' if value_json.links['mqtt/main'].status == 'up' else 'OFF' }}",
    });
  });

  it('announces a battery and a door contact once a device has shown to have them', async () => {
    const { publisher, lock, told } = await announced();
    expect([...configs(publisher).keys()].filter((name) => /battery|door/.test(name))).toEqual([]);
    lock.report({ kind: 'battery', level: 0.5 as Ratio, low: false });
    lock.report({ kind: 'door', contact: 'open' });
    await told();
    expect([...configs(publisher).keys()].filter((name) => /battery|door/.test(name)).toSorted()).toEqual([
      'binary_sensor front_battery-low',
      'binary_sensor front_door',
      'sensor front_battery',
    ]);
  });

  it('is told again, with everything else, when Home Assistant has started, after a pause', async () => {
    const { publisher, clock } = await announced();
    await clock.advance(10_000);
    const before = publisher.said.length;
    publisher.others('homeassistant/status', 'offline');
    publisher.others('homeassistant/status', 'online');
    publisher.others('homeassistant/status', 'online');
    // Half of five seconds: the fixture's source of chance says 0.5.
    await clock.advance(2_499);
    expect(publisher.said.length).toBe(before);
    await clock.advance(10);
    const again = publisher.said.slice(before).map(({ topic }) => topic);
    expect(again.toSorted()).toEqual([...publisher.retained.keys()].toSorted());
  });

  it('does not take a retained birth message for news', async () => {
    const publisher = new RecordingPublisher();
    publisher.retained.set('homeassistant/status', 'online');
    const { clock } = await monitorFixture({ publisher, homeAssistant: true });
    publisher.connect();
    await clock.advance(20_000);
    expect(publisher.on(`${base}/status`)).toHaveLength(1);
  });
});

describe('what was announced before', () => {
  const at = (component: string, objectId: string) => `homeassistant/${component}/strikeplate_box7/${objectId}/config`;

  async function leftAfter(homeAssistant: boolean) {
    const publisher = new RecordingPublisher();
    for (const topic of [
      at('binary_sensor', 'gone_lock'),
      at('sensor', 'front_level'),
      at('sensor', 'front_battery'),
      at('sensor', 'front_lock-state'),
      at('binary_sensor', 'gateway_driver-serial-old'),
    ])
      publisher.retained.set(topic, 'old');
    const { clock } = await monitorFixture({ publisher, homeAssistant });
    publisher.connect();
    await clock.advance(6_000);
    return new Map([...publisher.retained].filter(([topic]) => topic.startsWith('homeassistant/')));
  }

  it('goes when its device, its driver or its capability is gone, and stays where it may still show', async () => {
    const retained = await leftAfter(true);
    expect(retained.has(at('binary_sensor', 'gone_lock'))).toBe(false);
    expect(retained.has(at('sensor', 'front_level'))).toBe(false);
    expect(retained.has(at('binary_sensor', 'gateway_driver-serial-old'))).toBe(false);
    // No battery was heard of in this run yet; it would lose its settings if it were taken away and came back.
    expect(retained.get(at('sensor', 'front_battery'))).toBe('old');
    expect(retained.get(at('sensor', 'front_lock-state'))).not.toBe('old');
  });

  it('goes when discovery is switched off', async () => {
    expect([...(await leftAfter(false))]).toEqual([]);
  });
});

describe('what may be commanded', () => {
  const threshold = (limit: number) => ({
    ...{ deviceId: 'hall', name: 'Night', startsDailyAt: '22:00:00', endsDailyAt: '06:00:00', decibels: limit },
  });
  const origin = { actor: { kind: 'cli', name: 'test' } as const, receivedAt: 0 };

  it('nothing, unless it is switched on', async () => {
    const { publisher, core, told } = await announced();
    await core.noise.create(threshold(60), origin);
    await told();
    const names = [...configs(publisher).keys()];
    expect(names).toContain('binary_sensor front_lock');
    expect(names.filter((name) => /^(lock|number) /.test(name))).toEqual([]);
    expect(publisher.filters).not.toContain(`${base}/command`);
  });

  it('a lock, by a message that names itself and its moment, and shows it in one entity', async () => {
    const { publisher } = await announced({ commands: true });
    const all = configs(publisher);
    expect(all.has('binary_sensor front_lock')).toBe(false);
    const { command_template: template, payload_open: open, ...lock } = all.get('lock front_control') ?? ({} as Config);
    expect(lock).toMatchObject({
      name: null,
      command_topic: `${base}/command`,
      state_topic: `${base}/devices/front/state`,
    });
    // This lock has a bolt: to unlock it is not to open it.
    expect(open).toBeUndefined();
    const rendered = template
      .replace('{{ value }}', 'UNLOCK')
      .replace('{{ utcnow().timestamp() | int }}', '1777629600')
      .replace('{{ range(1000000000) | random }}', '42')
      .replace('{{ utcnow().isoformat() }}', '2026-05-01T10:00:00.123456+00:00');
    expect(JSON.parse(rendered)).toEqual({
      ...{ command: 'UNLOCK', device_id: 'front', id: 'ha-1777629600-42' },
      issued_at: '2026-05-01T10:00:00.123456+00:00',
    });
  });

  it('a threshold, which comes, is turned and goes with its number', async () => {
    const { publisher, core, told } = await announced({ commands: true });
    const { threshold: made } = await core.noise.create(threshold(60), origin);
    await told();
    const name = `number hall_threshold-${made.noiseThresholdId}`;
    expect(configs(publisher).get(name)).toMatchObject({ name: 'Limit: Night', min: 0, max: 194 });
    const shown = () => JSON.parse(publisher.retained.get(`${base}/devices/hall/state`) ?? '{}').noise_thresholds;
    expect(shown()).toEqual({ [made.noiseThresholdId]: 60 });
    await core.noise.update(made.noiseThresholdId, { decibels: 62 }, origin);
    await told();
    expect(shown()).toEqual({ [made.noiseThresholdId]: 62 });
    await core.noise.remove(made.noiseThresholdId, origin);
    await told();
    expect(configs(publisher).has(name)).toBe(false);
  });

  it('goes when commands are switched off, and the lock is shown again', async () => {
    const { publisher } = await announced({ commands: true });
    const old = new Map(publisher.retained);
    const after = new RecordingPublisher();
    for (const [topic, payload] of old) after.retained.set(topic, payload);
    const { clock } = await monitorFixture({ publisher: after, homeAssistant: true });
    after.connect();
    await clock.advance(6_000);
    const names = [...configs(after).keys()];
    expect(names.filter((one) => /^(lock|number) /.test(one))).toEqual([]);
    expect(names).toContain('binary_sensor front_lock');
  });
});

describe('a device’s page', () => {
  it('says who operated it, where it is, and leads to the console', async () => {
    const { publisher, core, told } = await announced({ consoleUrl: 'https://doors.example/' });
    const { event_types, state_topic } = configs(publisher).get('event front_operations') as unknown as {
      readonly event_types: readonly string[];
      readonly state_topic: string;
    };
    expect(state_topic).toBe(`${base}/devices/front/events`);
    for (const type of event_types) expect(Object.keys(eventTypes)).toContain(type);
    const space = await core.spaces.create({ name: 'Lobby', deviceIds: ['front'] });
    await told();
    expect(configs(publisher).get('event front_operations')?.device).toMatchObject({
      suggested_area: 'Lobby',
      configuration_url: 'https://doors.example/#/devices/front',
    });
    expect(configs(publisher).get('binary_sensor gateway_connected')?.device.configuration_url).toBe(
      'https://doors.example/',
    );
    expect(space.name).toBe('Lobby');
  });
});
