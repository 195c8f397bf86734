import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { SimulatedNuki } from '../../drivers/ble/nuki/simulator.ts';
import { NukiHands } from '../../drivers/ble/nuki/simulator-hands.ts';
import { SimulatedOmron } from '../../drivers/ble/omron-sound/simulator.ts';
import { BluetoothAddress } from '../config/field-types.ts';
import { type GattPeripheral, Secret, type Timer } from '../contract/index.ts';
import type { PlayedDevice } from '../model/sandbox.ts';
import type { Player } from './played-devices.ts';
import { Air } from './radio/air.ts';
import { AdapterBay, type PeripheralCarrier, servePeripheral } from './radio/peripheral-host.ts';
import { type BlePlace, defineSimulator, type SimulationContext } from './simulator.ts';

const nuki = z.strictObject({
  kind: z.literal('nuki'),
  address: BluetoothAddress,
  generation: z
    .enum(['classic', 'ultra'])
    .default('classic')
    .describe('classic: Smart Lock 1 to 4. ultra: Ultra, Go, Pro of the 5th generation.'),
  pin: z
    .string()
    .regex(/^\d{4}(\d{2})?$/, 'must have four digits, or six for the Ultra class, in quotes')
    .default('1234')
    .describe('Its security PIN.'),
  codes: z.int().min(0).max(200).default(100).describe('Codes that its keypad holds; 0: it has none.'),
  motor_ms: z.int().min(0).max(30_000).default(1_200).describe('How long the motor runs.'),
  battery_percent: z.int().min(0).max(100).default(80),
});

const omron = z.strictObject({
  kind: z.literal('omron_sound'),
  address: BluetoothAddress,
  level_db: z.number().min(20).max(120).default(42).describe('About how loud it is.'),
  broadcasts: z.boolean().default(false).describe('It sends its levels to everybody, in its mode "IM".'),
});

const settings = z.strictObject({
  devices: z.array(z.discriminatedUnion('kind', [nuki, omron])).min(1),
});

type DeviceSettings = z.output<typeof settings>['devices'][number];

/** An unpaired lock goes on being ready to be paired: somebody holds its button once in a while, in milliseconds. */
const BUTTON_MS = 25_000;

/** How often a sensor that broadcasts says how loud it is, in milliseconds. */
const BROADCAST_MS = 2_000;

interface Playing {
  readonly peripheral: GattPeripheral;
  readonly stop: () => void;
  /** What can be done to it. @param range how it goes out of range and comes back, where both are in this process */
  readonly played?: (range: Range | undefined) => PlayedDevice;
}

/** Whether a device is near enough to be heard. */
interface Range {
  leave(): void;
  arrive(): void;
}

/** Bluetooth LE devices, with a radio that takes as long as a real one: connection events, advertising intervals. */
export const bleRadioSimulator = defineSimulator({
  link: 'ble',
  settings,
  async start(place, { devices }, ctx) {
    const stops: (() => void)[] = [];
    const close = async () => {
      for (const stop of stops.reverse()) stop();
    };
    try {
      const { carriers, air } = carriersAt(place, devices, ctx, stops);
      const players: Player[] = [];
      for (const [at, device] of devices.entries()) {
        const carrier = carriers[at];
        if (carrier === undefined) break;
        const { peripheral, stop, played } = play(device, place, ctx);
        stops.push(stop);
        const running = await servePeripheral(peripheral, carrier);
        stops.push(() => running.stop());
        const { address } = device;
        const range = air && { leave: () => air.leave(address), arrive: () => air.arrive(address) };
        const one = played?.(range);
        if (one)
          players.push(({ link }) =>
            link.kind === 'ble' && link.name === place.name && link.address === address ? one : undefined,
          );
      }
      return { players, close };
    } catch (error) {
      await close();
      throw error;
    }
  },
});

/** A controller for each device, and for the gateway's adapter where both are in this process. */
function carriersAt(
  { at, name }: BlePlace,
  devices: readonly DeviceSettings[],
  { clock, random }: SimulationContext,
  stops: (() => void)[],
): { readonly carriers: readonly PeripheralCarrier[]; readonly air?: Air } {
  if (at === 'nowhere')
    throw new Error(
      `The simulation cannot play on the Bluetooth adapter ${name}: the gateway uses it. Give it a dongle of its own: ` +
        `strikeplate simulate --ble ${name}=PORT`,
    );
  if ('uart' in at) {
    if (devices.length > 1)
      throw new Error(`One dongle plays one Bluetooth device, and the simulation on ${name} has ${devices.length}.`);
    return { carriers: [{ uart: at.uart, baudRate: at.baudRate }] };
  }
  const air = new Air({ clock, random, pacing: 'events' });
  const bay = new AdapterBay(air);
  bay.plugIn();
  stops.push(at.radios.lay(name, bay));
  return { air, carriers: devices.map(({ address }) => ({ controller: air.plug(address) })) };
}

function play(device: DeviceSettings, place: BlePlace, ctx: SimulationContext): Playing {
  return device.kind === 'nuki' ? playNuki(device, place, ctx) : playOmron(device, ctx);
}

function playNuki(device: z.output<typeof nuki>, place: BlePlace, { clock }: SimulationContext): Playing {
  const { address } = device;
  const { memory, buttonsHeld, onWaiting } = place;
  const lock = new SimulatedNuki({
    clock,
    randomBytes,
    nukiId: Number.parseInt(address.replaceAll(':', '').slice(4), 16),
    generation: device.generation,
    pin: Number(device.pin),
    keypadCapacity: device.codes,
    times: { startMs: Math.min(100, device.motor_ms), moveMs: device.motor_ms },
    ...(memory && {
      memory: { read: () => memory.read(address), write: (content: Secret) => memory.write(address, content) },
    }),
  });
  lock.condition.battery.percent = device.battery_percent;
  const waits = () => buttonsHeld || lock.authorizations.length === 0;
  if (waits()) onWaiting?.(address, new Map([['pin', new Secret(device.pin)]]));
  let button: Timer | undefined;
  const holdButton = () => {
    if (!waits()) return;
    lock.holdButton();
    button = clock.setTimer(holdButton, BUTTON_MS);
  };
  holdButton();
  return {
    peripheral: lock,
    stop: () => {
      button?.cancel();
      lock.stop();
    },
    played: (range) => playedNuki(lock, device.codes > 0, range),
  };
}

function playedNuki(lock: SimulatedNuki, hasKeypad: boolean, range: Range | undefined): PlayedDevice {
  const hands = new NukiHands(lock);
  const connect = () => {
    hands.rememberAgain();
    range?.arrive();
  };
  return {
    events: { connect, ...(range && { disconnect: () => range.leave() }), remove: () => hands.forgetEverybody() },
    // A code that somebody puts in with the app is found by the gateway's daily look alone: that is not played.
    ...(hasKeypad && {
      typeCode: (digits: string) => {
        lock.typeCode(Number(digits));
      },
      lockAtKeypad: () => hands.lockAtKeypad(),
    }),
    reset: () => {
      connect();
      hands.reset();
    },
  };
}

function playOmron(device: z.output<typeof omron>, { clock, random }: SimulationContext): Playing {
  const sensor = new SimulatedOmron({
    level: () => device.level_db + (random() - 0.5) * 6,
    broadcasts: device.broadcasts,
  });
  let timer: Timer | undefined;
  const speak = () => {
    sensor.update();
    timer = clock.setTimer(speak, BROADCAST_MS);
  };
  if (device.broadcasts) timer = clock.setTimer(speak, BROADCAST_MS);
  return { peripheral: sensor, stop: () => timer?.cancel() };
}
