import { sleep } from '../contract/index.ts';
import { type SimulatedWire, ttyCarrier, wireMs } from '../transports/serial/index.ts';
import type { SerialPlace, SimulationContext } from './simulator.ts';

/**
 * Puts a simulated line where the gateway finds it. Resolves with how to take it away again.
 * @throws Error in words for whoever runs it, when its port cannot be opened
 */
export async function playOnSerial(
  place: SerialPlace,
  wire: SimulatedWire,
  ctx: SimulationContext,
): Promise<() => Promise<void>> {
  if (place.at === 'nowhere')
    throw new Error(
      `The simulation cannot play on the serial line ${place.name} itself: it needs the port at its far end. ` +
        `Run: strikeplate simulate --serial ${place.name}=PORT`,
    );
  if ('lines' in place.at) {
    const takeUp = place.at.lines.lay(place.name, wire);
    return async () => takeUp();
  }
  const { farEnd: path } = place.at;
  // Pseudo terminals are infinitely fast: bytes reach the units when a wire would have carried them.
  const port = await ttyCarrier(path, place.line).open({
    bytes: (bytes) => void sleep(ctx.clock, wireMs(bytes.length, place.line)).then(() => wire.receive(bytes)),
    lost: (error) => ctx.log.warn({ path }, `the simulated units are cut off: ${error.message}`),
  });
  const stop = wire.onBytes((bytes) => void port.write(bytes).catch(() => undefined));
  return async () => {
    stop();
    await port.close();
  };
}
