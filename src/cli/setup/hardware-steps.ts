import type { PortDescription } from '../../transports/serial/index.ts';
import type { Interview } from './interview.ts';
import { slugFrom } from './slug.ts';
import type { SetupSurroundings } from './surroundings.ts';
import type { Wanted } from './written-configuration.ts';

/** Sticks by what they call themselves, and one that says nothing: Silicon Labs' and Sigma Designs' own product id. */
const zwaveWords = /z-?wave|zooz|aeotec|zwa-2/i;
const zwaveIds = new Set(['0658:0200']);

/** Coordinators of Zigbee are Zigbee2MQTT's. */
const zigbeeWords = /zigbee|conbee|raspbee|skyconnect|slaesh|zstack/i;

/** Asks what the ports and adapters of this machine are there for. Nothing is opened. */
export async function askForHardware(
  interview: Interview,
  world: SetupSurroundings,
): Promise<Pick<Wanted, 'lines' | 'sticks' | 'adapters'>> {
  const [ports, adapters] = await Promise.all([world.ports(), world.adapters()]);
  const lines = new Map<string, string>();
  const sticks = new Map<string, string>();
  const radios = new Map<string, string>();
  for (const port of ports.filter((one) => !zigbeeWords.test(inWords(one)))) {
    const isStick = zwaveWords.test(inWords(port)) || zwaveIds.has(port.usbId ?? '');
    const use = await interview.ask({
      key: `port_${slugFrom(port.path.split('/').at(-1) ?? port.path, 'port')}`,
      text: `${port.path}${port.manufacturer === undefined ? '' : ` (${port.manufacturer})`}: what is it?`,
      usual: isStick ? 'zwave' : 'nothing',
      choices: [
        ['rs485', 'a line with relays or noise meters (Modbus)'],
        ['zwave', 'a Z-Wave stick'],
        ['nothing', 'nothing of the gateway’s'],
      ],
    });
    if (use === 'rs485') lines.set(`bus${lines.size + 1}`, port.path);
    if (use === 'zwave') sticks.set(sticks.size === 0 ? 'stick' : `stick${sticks.size + 1}`, port.path);
  }
  for (const adapter of adapters) {
    const isUsed = await interview.confirm({
      key: `bluetooth_${adapter}`,
      text: `Are there Bluetooth locks to reach with ${adapter}?`,
      usual: false,
    });
    if (isUsed) radios.set(radios.size === 0 ? 'radio' : `radio${radios.size + 1}`, adapter);
  }
  return { lines, sticks, adapters: radios };
}

const inWords = ({ path, manufacturer = '' }: PortDescription) => `${path} ${manufacturer}`;
