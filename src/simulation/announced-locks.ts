import { z } from 'zod';
import { SimulatedAnnouncedLock } from '../../drivers/mqtt/announced/simulator.ts';
import { defineSimulator } from './simulator.ts';
import { connect } from './zigbee2mqtt.ts';

const settings = z.strictObject({
  base_topic: z
    .string()
    .regex(/^[^+#\0]+$/, 'must not hold the wildcards + and #')
    .default('locks/front')
    .describe('The lock’s own topics are below this.'),
  discovery_topic: z.string().regex(/^[^+#\0]+\/config$/, 'a discovery topic ends with /config'),
  motor_ms: z.int().min(0).max(30_000).default(700).describe('How long the motor runs.'),
});

/** A lock that announces itself by Home Assistant's discovery, on a real broker. */
export const announcedLocksSimulator = defineSimulator({
  link: 'mqtt',
  settings,
  async start(broker, { base_topic: base, discovery_topic: discoveryTopic, motor_ms: motorMs }, { clock }) {
    const mqtt = await connect(broker, { topic: `${base}/status`, payload: 'offline' });
    const lock = new SimulatedAnnouncedLock({ mqtt, clock, base, discoveryTopic, motorMs });
    lock.start();
    // A broker that comes back has forgotten what was retained, or heard the will.
    mqtt.onReconnect(() => {
      lock.stop();
      lock.start();
    });
    return {
      async close() {
        lock.stop();
        await mqtt.close();
      },
    };
  },
});
