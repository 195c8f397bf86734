import { simulatedNetwork } from '../../drivers/zwave/node/simulator-settings.ts';
import { readZwaveKeys } from '../config/zwave-keys.ts';
import { ttyCarrier } from '../transports/serial/index.ts';
import { defineSimulator } from './simulator.ts';

/** Of every stick. */
const stickLine = { baudRate: 115_200, parity: 'none', stopBits: 1 } as const;

/** A Z-Wave stick and its nodes, at the far end of the port that the gateway has. */
export const zwaveNetworkSimulator = defineSimulator({
  link: 'zwave',
  settings: simulatedNetwork,
  async start({ name, at, keysFile }, settings, { clock, log }) {
    if (at === 'nowhere')
      throw new Error(
        `The simulation cannot play the Z-Wave stick ${name} on the gateway's own port: it needs the port at the far ` +
          `end. Run: strikeplate simulate --zwave ${name}=PORT`,
      );
    // The library is loaded by those who play with it alone.
    const { SimulatedZwaveNetwork } = await import('../../drivers/zwave/node/simulator.ts');
    const network = await SimulatedZwaveNetwork.create({ settings, keys: await readZwaveKeys(keysFile), clock });
    const path = at.farEnd;
    const port = await ttyCarrier(path, stickLine).open({
      bytes: (bytes) => network.receive(bytes),
      lost: (error) => log.warn({ path }, `the simulated stick is cut off: ${error.message}`),
    });
    const stop = network.onBytes((bytes) => void port.write(bytes).catch(() => undefined));
    return {
      async close() {
        stop();
        network.close();
        await port.close();
      },
    };
  },
});
