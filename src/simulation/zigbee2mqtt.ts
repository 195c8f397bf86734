import { z } from 'zod';
import { type SimulatedNoiseSensor, Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import type { BrokerConfig } from '../config/loaded-config.ts';
import type { Timer } from '../contract/index.ts';
import { readCredentials } from '../transports/mqtt/index.ts';
import { connectMqttPeer, type MqttPeer, type MqttPeerOptions } from './mqtt-peer.ts';
import { defineSimulator, type SimulationContext } from './simulator.ts';

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
    for (const device of devices) {
      const friendlyName = device.friendly_name;
      if (device.kind === 'lock')
        simulator.addLock({
          friendlyName,
          bolt: device.bolt,
          battery: device.battery_percent,
          motorMs: device.motor_ms,
          slots: device.pin_slots,
        });
      else {
        const sensor = simulator.addNoiseSensor({ friendlyName, level: device.level_db });
        rooms.push(new Room(sensor, device.level_db, device.interval_s * 1_000, ctx));
      }
    }
    simulator.start();
    for (const room of rooms) room.measure();
    // A broker that comes back has forgotten what was retained, or heard the will.
    mqtt.onReconnect(() => {
      simulator.bridge.stop();
      simulator.bridge.start();
    });
    return {
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

/** A room whose level wanders about its usual one: enough to see a sensor live, too little to cross a threshold. */
class Room {
  readonly #sensor: SimulatedNoiseSensor;
  readonly #usual: number;
  readonly #intervalMs: number;
  readonly #ctx: SimulationContext;
  #timer: Timer | undefined;

  constructor(sensor: SimulatedNoiseSensor, usual: number, intervalMs: number, ctx: SimulationContext) {
    this.#sensor = sensor;
    this.#usual = usual;
    this.#intervalMs = intervalMs;
    this.#ctx = ctx;
  }

  measure(): void {
    this.#sensor.measure(this.#usual + (this.#ctx.random() - 0.5) * 6);
    this.#timer = this.#ctx.clock.setTimer(() => this.measure(), this.#intervalMs);
  }

  close(): void {
    this.#timer?.cancel();
  }
}
