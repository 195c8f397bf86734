import type { LoadedConfig } from '../config/loaded-config.ts';

/** What somebody who tries the gateway needs to see: where it is, the key, and three commands that work as printed. */
export function welcome(config: LoadedConfig, url: string, key: string): string {
  const bearer = `-H 'Authorization: Bearer ${key}'`;
  const [first] = config.devices;
  const doors = config.devices.map((device) => `  ${device.slug.padEnd(8)} ${device.name}`).join('\n');
  return `Strikeplate listens on ${url}

${doors}

API key: ${key}
(kept in ${config.http.demoKeyFile})

List the devices, unlock ${first?.name ?? 'a door'}, and see what became of it:

curl -s ${bearer} ${url}/devices/list

curl -s ${bearer} -H 'Content-Type: application/json' -d '{"device_id":"${first?.deviceId}"}' ${url}/locks/unlock_door

curl -s ${bearer} '${url}/action_attempts/list?limit=1'

Or with the command line:  npx strikeplate devices    npx strikeplate unlock ${first?.slug ?? 'DEVICE'}
Stop with Ctrl-C.`;
}
