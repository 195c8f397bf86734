import { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { connectAsync, type IClientOptions } from 'mqtt';
import { z } from 'zod';
import {
  type SimulatedLock,
  type SimulatedNoiseSensor,
  Zigbee2MqttSimulator,
} from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import type { BrokerConfig } from '../config/loaded-config.ts';
import type { MqttMessage, Unsubscribe } from '../contract/index.ts';
import type { PlayedDevice, SimulatedEvent } from '../model/sandbox.ts';
import { readCredentials } from '../transports/mqtt/index.ts';
import { matches } from '../transports/mqtt/topic-filter.ts';
import type { ConfiguredDevice, Player } from './played-devices.ts';
import { Room } from './rooms.ts';
import { defineSimulator } from './simulator.ts';

const topicName = z
  .string()
  .min(1)
  .regex(/^[^+#\0]+$/, 'must not hold the wildcards + and #');

const lock = z.strictObject({
  kind: z.literal('lock'),
  friendly_name: topicName,
  bolt: z.enum(['locked', 'unlocked']).default('locked').describe('Where the bolt is at first.'),
  battery_percent: z.int().min(0).max(100).default(87),
  motor_ms: z.int().min(0).max(30_000).default(700).describe('How long the motor runs.'),
  pin_slots: z.int().min(0).max(1_000).default(30).describe('Slots of its code memory; 0: it takes no PINs.'),
  auto_relock_s: z
    .int()
    .min(0)
    .max(3_600)
    .optional()
    .describe('Seconds after which it locks itself, 0 for never; it can be told. Left out: it does not have that.'),
});

const noise = z.strictObject({
  kind: z.literal('noise'),
  friendly_name: topicName,
  level_db: z.number().min(20).max(120).default(42).describe('About how loud it is, in dBA.'),
  interval_s: z.number().min(1).max(3_600).default(5).describe('Seconds between two measurements.'),
});

const settings = z.strictObject({
  base_topic: topicName.default('zigbee2mqtt'),
  devices: z.array(z.discriminatedUnion('kind', [lock, noise])).min(1),
});

/** A Zigbee2MQTT bridge with locks and noise sensors, on a real broker. */
export const zigbee2mqttSimulator = defineSimulator({
  link: 'mqtt',
  settings,
  async start(broker, { base_topic: baseTopic, devices }, ctx) {
    const offline = { topic: `${baseTopic}/bridge/state`, payload: JSON.stringify({ state: 'offline' }) };
    const mqtt = await connect(broker, offline);
    const simulator = new Zigbee2MqttSimulator({ mqtt, clock: ctx.clock, baseTopic });
    const rooms: Room[] = [];
    const players: Player[] = [];
    for (const device of devices) {
      const friendlyName = device.friendly_name;
      const isMeant = ({ driver, link, settings: own }: ConfiguredDevice) =>
        driver.id === 'mqtt/zigbee2mqtt' &&
        link.name === broker.name &&
        isDeepStrictEqual(topicsIn(own), { base_topic: baseTopic, friendly_name: friendlyName });
      if (device.kind === 'lock') {
        const lock = simulator.addLock({
          friendlyName,
          bolt: device.bolt,
          battery: device.battery_percent,
          motorMs: device.motor_ms,
          slots: device.pin_slots,
          ...(device.auto_relock_s !== undefined && { autoRelockS: device.auto_relock_s }),
        });
        const seat = new Seat(simulator, lock);
        players.push((one) => (isMeant(one) ? playedLock(seat, lock, device, slotsIn(one.settings)) : undefined));
      } else {
        const sensor = simulator.addNoiseSensor({ friendlyName, level: device.level_db });
        const seat = new Seat(simulator, sensor);
        const wanders = { by: 6, everyMs: device.interval_s * 1_000 };
        const room = new Room(device.level_db, wanders, ctx, (level) => sensor.measure(level));
        rooms.push(room);
        players.push((one) => (isMeant(one) ? playedSensor(seat, room) : undefined));
      }
    }
    simulator.start();
    for (const room of rooms) room.wander();
    // A broker that comes back has forgotten what was retained, or heard the will.
    mqtt.onReconnect(() => {
      simulator.bridge.stop();
      simulator.bridge.start();
    });
    return {
      players,
      async close() {
        for (const room of rooms) room.close();
        simulator.stop();
        await mqtt.close();
      },
    };
  },
});

/** @throws Error in words when nothing answers there */
export async function connect(broker: BrokerConfig, will: NonNullable<MqttPeerOptions['will']>): Promise<MqttPeer> {
  const url = broker.kind === 'embedded' ? `mqtt://127.0.0.1:${broker.port}` : broker.url;
  const { password, tls } = broker.kind === 'embedded' ? {} : await readCredentials(broker.name, broker);
  const username = broker.kind === 'embedded' ? undefined : broker.username;
  const credentials = { ...tls, ...(username && { username }), ...(password && { password: password.reveal() }) };
  try {
    return await connectMqttPeer(url, { credentials, will });
  } catch (error) {
    const why = error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
    throw new Error(`The simulation cannot reach the broker ${broker.name} at ${url}: ${why}.`, { cause: error });
  }
}

const topicsIn = (own: unknown) => {
  const { base_topic, friendly_name } = own as { readonly base_topic?: string; readonly friendly_name?: string };
  return { base_topic, friendly_name };
};

/** The slots of the code memory that are the gateway's. */
const slotsIn = (own: unknown) =>
  (own as { readonly pin_slots?: { readonly first: number; readonly count: number } }).pin_slots;

/** A device's place behind its bridge: it can be away, removed, and there again. */
class Seat {
  readonly #simulator: Zigbee2MqttSimulator;
  readonly #device: SimulatedLock | SimulatedNoiseSensor;
  #isRemoved = false;

  constructor(simulator: Zigbee2MqttSimulator, device: SimulatedLock | SimulatedNoiseSensor) {
    this.#simulator = simulator;
    this.#device = device;
  }

  /** @param whenPresent what else being there, or not, means for it */
  events(whenPresent: (isPresent: boolean) => void): Readonly<Record<SimulatedEvent, () => void>> {
    const { bridge } = this.#simulator;
    const { ieeeAddress } = this.#device;
    return {
      connect: () => {
        if (this.#isRemoved) bridge.add(this.#device);
        this.#isRemoved = false;
        bridge.setAvailability(ieeeAddress, true);
        whenPresent(true);
      },
      disconnect: () => {
        bridge.setAvailability(ieeeAddress, false);
        whenPresent(false);
      },
      connect_to_hub: () => bridge.start(),
      disconnect_from_hub: () => bridge.stop(),
      remove: () => {
        if (!this.#isRemoved) bridge.remove(ieeeAddress);
        this.#isRemoved = true;
      },
    };
  }
}

function playedLock(
  seat: Seat,
  lock: SimulatedLock,
  { bolt }: { readonly bolt: 'locked' | 'unlocked' },
  slots: ReturnType<typeof slotsIn>,
): PlayedDevice {
  const events = seat.events((isPresent) => lock.misbehave({ deaf: !isPresent }));
  const { codes } = lock.keypad;
  return {
    events,
    ...(slots && {
      typeCode: (digits: string) => {
        lock.typePin(digits);
      },
      lockAtKeypad: () => lock.lockAtKeypad(),
      programCode: (digits: string) => {
        // The last free one: the gateway takes the first.
        const free = Array.from({ length: slots.count }, (_, at) => slots.first + slots.count - 1 - at).find(
          (slot) => !codes.has(slot),
        );
        if (free === undefined || [...codes.values()].includes(digits)) return false;
        lock.keypad.programAtKeypad(free, digits);
        return true;
      },
    }),
    reset: () => {
      events.connect_to_hub();
      events.connect();
      lock.reset(bolt);
    },
  };
}

function playedSensor(seat: Seat, room: Room): PlayedDevice {
  const events = seat.events((isPresent) => room.listen(isPresent));
  return {
    events,
    makeNoise: (level, ms) => room.makeNoise(level, ms),
    reset: () => {
      events.connect_to_hub();
      events.connect();
      room.reset();
    },
  };
}

/** A simulated device's or bridge's own connection to a broker. */
export interface MqttPeer {
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): void;
  subscribe(filter: string, listener: (message: MqttMessage) => void): Unsubscribe;
  /** Calls back each time the connection was lost and is there again. */
  onReconnect(listener: () => void): void;
  close(): Promise<void>;
}

export interface MqttPeerOptions {
  readonly credentials?: Pick<IClientOptions, 'username' | 'password' | 'ca' | 'cert' | 'key'>;
  /** Published, retained, when the peer goes without saying so. */
  readonly will?: { readonly topic: string; readonly payload: string };
}

/**
 * Connects a simulated peer. It comes back by itself when the broker does.
 * @throws Error when nothing answers, or the broker refuses
 */
export async function connectMqttPeer(url: string, { credentials, will }: MqttPeerOptions = {}): Promise<MqttPeer> {
  const client = await connectAsync(url, {
    ...credentials,
    protocolVersion: 4,
    reconnectPeriod: 250,
    ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
  });
  const listeners = new Set<{ readonly filter: string; readonly listener: (message: MqttMessage) => void }>();
  // As the gateway does on its side: without it a round trip waits 40 ms for delayed acknowledgements.
  const noDelay = () => {
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
  };
  noDelay();
  client.on('connect', noDelay);
  client.on('error', () => undefined);
  client.on('message', (topic, payload, packet) => {
    for (const { filter, listener } of listeners) {
      if (matches(filter, topic)) listener({ topic, payload, retained: packet.retain });
    }
  });
  return {
    publish: (topic, payload, options = {}) => {
      client.publish(topic, payload, { qos: 1, retain: options.retain ?? false });
    },
    subscribe: (filter, listener) => {
      const entry = { filter, listener };
      listeners.add(entry);
      client.subscribe(filter, { qos: 1 });
      return () => listeners.delete(entry);
    },
    onReconnect: (listener) => {
      client.on('connect', listener);
    },
    // Not forced while connected: what was published last, that the peer is going, is still to arrive.
    close: () => client.endAsync(!client.connected),
  };
}
