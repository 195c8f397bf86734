import { omronSound } from '../../../drivers/ble/omron-sound/driver.ts';
import { SimulatedOmron } from '../../../drivers/ble/omron-sound/simulator.ts';
import { zigbee2mqtt } from '../../../drivers/mqtt/zigbee2mqtt/driver.ts';
import { Zigbee2MqttSimulator } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { type Clock, type Device, openDevice } from '../../../src/contract/index.ts';
import { silentLog } from '../../../src/driver-testing/command-context.ts';
import { MemoryMqtt } from '../../../src/driver-testing/memory-mqtt.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { noiseTransmitter } from '../noise/modbus-noise-fixture.ts';
import { radioFixture } from '../radio/radio-fixture.ts';
import { announcedSuite } from './announced-suite.ts';
import { nukiSuite } from './nuki-suite.ts';
import { relaySuite } from './relay-suite.ts';
import { zigbeeLock } from './zigbee2mqtt-fixture.ts';
import { zwaveDoor } from './zwave-door.ts';
import { zwaveSuite } from './zwave-suite.ts';

/** A device as its driver opened it before its simulator. */
export interface OpenedDevice {
  readonly driver: string;
  /** Which device, where the driver has several kinds. */
  readonly what: string;
  readonly device: Device;
}

const context = (clock: Clock, random: () => number) => ({
  deviceId: 'hall',
  name: 'Hall',
  clock,
  random,
  randomBytes: (length: number) => new Uint8Array(length),
  log: silentLog,
  report: () => undefined,
});

async function omron(closers: (() => Promise<void>)[]): Promise<Device> {
  const radio = await radioFixture();
  const { address } = await radio.serve(new SimulatedOmron({ level: () => 41.5, broadcasts: false }));
  await radio.up();
  const device = await openDevice(
    omronSound,
    radio.adapter.link({ address, addressType: 'public' }, 'Hall'),
    omronSound.settings.parse({}),
    context(radio.clock, radio.random),
  );
  closers.push(async () => {
    await device.close();
    await radio.close();
  });
  return device;
}

async function zigbeeNoise(): Promise<Device> {
  const clock = new SimulatedClock();
  const broker = new MemoryMqtt({ clock });
  const simulator = new Zigbee2MqttSimulator({ mqtt: broker.peer(), clock });
  simulator.addNoiseSensor({ friendlyName: 'Hall' });
  simulator.start();
  const settings = zigbee2mqtt.settings.parse({ kind: 'noise', friendly_name: 'Hall' });
  const device = await openDevice(
    zigbee2mqtt,
    broker.link(),
    settings,
    context(clock, () => 0),
  );
  await clock.advance(100);
  return device;
}

const zigbeeKeypad = () =>
  zigbeeLock({ settleMs: 2_000, lock: { autoRelockS: 0 }, settings: { pin_slots: { first: 1, count: 4 } } });

async function zwaveNoise(): Promise<Device> {
  const { device } = await zwaveDoor({
    settings: { kind: 'noise' },
    prepare: (node) => {
      node.features = { lock: undefined, codes: undefined, loudness: true };
    },
  });
  return device;
}

/** One device of each kind that the gateway's own drivers open, as it stands once it was heard. */
export async function openedDevices(closers: (() => Promise<void>)[]): Promise<readonly OpenedDevice[]> {
  const nuki = nukiSuite((fixture) => closers.push(() => fixture.close()));
  return [
    { driver: 'ble/nuki', what: 'lock with keypad', device: (await nuki.make()).device },
    { driver: 'ble/omron-sound', what: 'noise sensor', device: await omron(closers) },
    { driver: 'mqtt/announced', what: 'lock', device: (await announcedSuite('', {}).make()).device },
    { driver: 'mqtt/zigbee2mqtt', what: 'lock with keypad', device: (await zigbeeKeypad()).device },
    { driver: 'mqtt/zigbee2mqtt', what: 'noise sensor', device: await zigbeeNoise() },
    { driver: 'serial/modbus-noise', what: 'noise sensor', device: (await noiseTransmitter()).device },
    { driver: 'serial/modbus-relay', what: 'relay at a strike', device: (await relaySuite().make()).device },
    { driver: 'zwave/node', what: 'lock with keypad', device: (await zwaveSuite().make()).device },
    { driver: 'zwave/node', what: 'noise sensor', device: await zwaveNoise() },
  ];
}
