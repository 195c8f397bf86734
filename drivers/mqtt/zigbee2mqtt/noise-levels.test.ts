import { beforeEach, describe, expect, it } from 'vitest';
import { type Device, type DeviceReport, openDevice } from '../../../src/contract/index.ts';
import { silentLog } from '../../../src/driver-testing/command-context.ts';
import { MemoryMqtt } from '../../../src/driver-testing/memory-mqtt.ts';
import type { MemoryMqttLink } from '../../../src/driver-testing/memory-mqtt-link.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { zigbee2mqtt } from './driver.ts';
import { type SimulatedNoiseSensor, Zigbee2MqttSimulator } from './simulator.ts';

let clock: SimulatedClock;
let link: MemoryMqttLink;
let simulator: Zigbee2MqttSimulator;
let sensor: SimulatedNoiseSensor;
let device: Device;
let reports: DeviceReport[];

const levels = () => reports.flatMap((report) => (report.kind === 'noise' ? [report.level] : []));

beforeEach(async () => {
  clock = new SimulatedClock();
  const broker = new MemoryMqtt({ clock });
  simulator = new Zigbee2MqttSimulator({ mqtt: broker.peer(), clock });
  sensor = simulator.addNoiseSensor({ friendlyName: 'Hall' });
  simulator.start();
  link = broker.link();
  reports = [];
  device = await openDevice(
    zigbee2mqtt,
    link,
    zigbee2mqtt.settings.parse({ kind: 'noise', friendly_name: 'Hall', interval_s: 30 }),
    {
      deviceId: 'hall',
      name: 'Hall',
      clock,
      random: () => 0,
      randomBytes: (length) => new Uint8Array(length),
      log: silentLog,
      report: (report) => reports.push(report),
    },
  );
  await clock.advance(100);
});

describe('a noise sensor', () => {
  it('can nothing but noise', () => {
    expect(device).toMatchObject({ noise: { metric: 'dBA', expectedIntervalMs: 30_000 } });
    expect(device.lock).toBeUndefined();
    expect(device.accessCodes).toBeUndefined();
  });

  it('reports each level as a number, also one that is as before', async () => {
    for (const level of [41.5, 83.2, 83.2]) {
      sensor.measure(level);
      await clock.advance(20_000);
    }
    expect(levels()).toEqual([41.5, 83.2, 83.2]);
    expect(reports).toContainEqual({ kind: 'noise', level: 83.2, metric: 'dBA' });
  });

  it('does not count a level again that rides along with another value', async () => {
    sensor.measure(95);
    for (let minute = 0; minute < 5; minute++) {
      await clock.advance(10);
      sensor.measureTemperature();
    }
    await clock.advance(10);
    expect(levels()).toEqual([95]);
  });

  it('does not count a level again that the bridge repeats several times a second', async () => {
    sensor.measure(95);
    for (let i = 0; i < 100; i++) {
      await clock.advance(350);
      simulator.bridge.repeat('Hall');
    }
    expect(levels().length).toBeLessThanOrEqual(2);
    sensor.measure(96);
    await clock.advance(10);
    expect(levels().at(-1)).toBe(96);
  });

  it.each(['{"noise":"loud"}', '{"noise":null}', '{"noise":"-3"}', '{"noise":"1000"}', 'noise', '[]', '{}'])(
    'skips %s and goes on',
    async (payload) => {
      simulator.bridge.publishRaw('Hall', payload);
      await clock.advance(10);
      sensor.measure(50);
      await clock.advance(10);
      expect(levels()).toEqual([50]);
    },
  );

  it('takes nothing retained for a measurement', async () => {
    simulator.bridge.publishRaw('Hall', '{"noise":"99.00"}', true);
    await clock.advance(10);
    link.cut();
    link.restore();
    reports.length = 0;
    await clock.advance(100);
    expect(levels()).toEqual([]);
  });

  it('tells how it is', async () => {
    expect(reports).toContainEqual({ kind: 'health', health: { status: 'online' } });
    simulator.bridge.stop();
    await clock.advance(10);
    expect(reports.at(-1)).toMatchObject({ kind: 'health', health: { status: 'offline', reason: 'bridge_down' } });
  });

  it('leaves nothing behind', async () => {
    await device.close();
    simulator.stop();
    await clock.advance(5);
    expect(clock.armedTimers + link.listenerCount).toBe(0);
  });
});
