import { pino } from 'pino';
import { SimulatedLine } from '../../../drivers/serial/modbus/simulated-line.ts';
import type { SerialLink } from '../../../src/contract/index.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { SerialCarrier } from '../../../src/transports/serial/carrier.ts';
import { inProcessCarrier } from '../../../src/transports/serial/in-process-carrier.ts';
import type { LineSettings } from '../../../src/transports/serial/line-timing.ts';
import { SerialBus } from '../../../src/transports/serial/serial-bus.ts';
import { seededRandom } from '../seeded-random.ts';

export const line9600: LineSettings = { baudRate: 9600, parity: 'none', stopBits: 1 };

/** The real bus over a simulated line at 9600 baud, on one simulated clock. */
export async function serialLine(options: { readonly echo?: boolean; readonly seed?: number } = {}) {
  const clock = new SimulatedClock();
  const random = seededRandom(options.seed ?? 1);
  const line = new SimulatedLine({ clock, baudRate: line9600.baudRate, echo: options.echo ?? false });
  const wire = inProcessCarrier('/dev/simulated', line, line9600, clock);
  const writeListeners: ((bytes: Buffer) => void)[] = [];
  const carrier: SerialCarrier = {
    ...wire,
    async open(events) {
      const port = await wire.open(events);
      return {
        ...port,
        write(bytes) {
          for (const listener of writeListeners) listener(bytes);
          return port.write(bytes);
        },
      };
    },
  };
  const bus = new SerialBus({
    name: 'bus1',
    carrier,
    line: line9600,
    clock,
    random,
    log: pino({ level: 'silent' }),
  });
  bus.start();
  await clock.settle();
  /** Called when the bus hands bytes over, before they have arrived anywhere. */
  const onWrite = (listener: (bytes: Buffer) => void) => writeListeners.push(listener);
  return { clock, random, line, bus, onWrite };
}

export type SerialLineFixture = Awaited<ReturnType<typeof serialLine>>;

/** The link, and how many listen to its state: a closed driver must have taken them away. */
export function countedLink(plain: SerialLink): { readonly link: SerialLink; readonly listeners: () => number } {
  let listening = 0;
  const link: SerialLink = {
    ...plain,
    get state() {
      return plain.state;
    },
    onStateChange(listener) {
      const stop = plain.onStateChange(listener);
      listening += 1;
      let on = true;
      return () => {
        stop();
        if (on) listening -= 1;
        on = false;
      };
    },
  };
  return { link, listeners: () => listening };
}
