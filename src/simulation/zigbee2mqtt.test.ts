import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../clock/system-clock.ts';
import type { BrokerConfig } from '../config/loaded-config.ts';
import { startEmbeddedBroker } from '../transports/mqtt/index.ts';
import { simulators } from './index.ts';
import { startSimulation } from './simulator.ts';
import { connectMqttPeer } from './zigbee2mqtt.ts';

const log = pino({ level: 'silent' });
const ctx = { clock: systemClock, random: () => 0.5, log };

const building = {
  simulator: 'mqtt/zigbee2mqtt',
  link: { kind: 'mqtt', name: 'main' },
  settings: {
    base_topic: 'zigbee2mqtt',
    devices: [
      { kind: 'lock', friendly_name: 'Front', bolt: 'locked', battery_percent: 50, motor_ms: 0, pin_slots: 5 },
      { kind: 'noise', friendly_name: 'Hall', level_db: 42, interval_s: 60 },
    ],
  },
} as const;

async function brokerWithWitness() {
  const broker = await startEmbeddedBroker({ port: 0, log });
  onTestFinished(() => broker.close());
  const witness = await connectMqttPeer(broker.url);
  onTestFinished(() => witness.close());
  const heard = (topic: string, part: string) =>
    new Promise<void>((resolve) => {
      const off = witness.subscribe(topic, ({ payload }) => {
        if (!payload.toString().includes(part)) return;
        off();
        resolve();
      });
    });
  const config: BrokerConfig = { kind: 'embedded', name: 'main', port: broker.port };
  return { config, witness, heard };
}

it('a simulated building comes, does what it is told, and says that it goes', async () => {
  const { config, witness, heard } = await brokerWithWitness();
  const here = Promise.all([heard('zigbee2mqtt/bridge/state', 'online'), heard('zigbee2mqtt/Hall', '"noise":"42.00"')]);
  const running = await startSimulation(
    [building],
    simulators,
    { mqtt: [config], serial: [], ble: [], zwave: [] },
    ctx,
  );
  await here;
  const unlocked = heard('zigbee2mqtt/Front', '"lock_state":"unlocked"');
  witness.publish('zigbee2mqtt/Front/set', '{"state":"UNLOCK"}');
  await unlocked;
  const gone = heard('zigbee2mqtt/bridge/state', 'offline');
  await running.close();
  await gone;
});

it('a simulated building says which broker it cannot reach', async () => {
  const { config } = await brokerWithWitness();
  const nowhere = { ...config, port: 1 };
  await expect(
    startSimulation([building], simulators, { mqtt: [nowhere], serial: [], ble: [], zwave: [] }, ctx),
  ).rejects.toThrow(/^The simulation cannot reach the broker main at mqtt:\/\/127\.0\.0\.1:1: .+\.$/);
});
