// doors.mjs COUNT FOLDER: a building of so many doors for the upgrade: the gateway's configuration, and the bridge's.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const [, , count, folder = '.'] = process.argv;
const doors = Array.from({ length: Number(count) }, (_, index) => `Door ${index + 1}`);
const mqtt = { main: { url: 'mqtt://127.0.0.1:1883' } };
// JSON is YAML.
const write = (/** @type {string} */ name, /** @type {object} */ content) =>
  writeFileSync(join(folder, name), `${JSON.stringify(content, undefined, 1)}\n`);

write('doors.yaml', {
  state_dir: '/var/lib/strikeplate',
  gateway: { id: 'lobby', name: 'Lobby', time_zone: 'Europe/Zurich' },
  mqtt,
  devices: doors.map((name, index) => ({
    id: `door-${index + 1}`,
    name,
    driver: 'mqtt/zigbee2mqtt',
    link: { mqtt: 'main' },
    settings: { friendly_name: name },
  })),
});
write('doors-bridge.yaml', {
  gateway: { id: 'bridge', name: 'Bridge', time_zone: 'UTC' },
  mqtt,
  devices: [],
  simulation: [
    {
      simulator: 'mqtt/zigbee2mqtt',
      link: { mqtt: 'main' },
      settings: { devices: doors.map((friendly_name) => ({ kind: 'lock', friendly_name })) },
    },
  ],
});
