import { type Clock, sleep } from '../../contract/index.ts';
import { PortError, type SerialCarrier } from './carrier.ts';
import { type LineSettings, wireMs } from './line-timing.ts';

/** The far end of an in-process line: simulated units, and whoever pulls the cable. */
export interface SimulatedWire {
  readonly plugged: boolean;
  /** Bytes have arrived at the units. */
  receive(bytes: Buffer): void;
  /** Bytes that the units, or noise, put on the line. Returns how to stop listening. */
  onBytes(listener: (bytes: Buffer) => void): () => void;
  onUnplugged(listener: () => void): () => void;
}

/** Runs the real bus without a tty. Bytes take the time on the line that they would take on a wire. */
export function inProcessCarrier(
  path: string,
  wire: SimulatedWire,
  settings: LineSettings,
  clock: Clock,
): SerialCarrier {
  return {
    path,
    async open(events) {
      if (!wire.plugged)
        throw new PortError('port_missing', `There is no serial port ${path}: its simulated cable is pulled.`);
      const lost = () => new PortError('port_lost', `The serial port ${path} is gone: its simulated cable was pulled.`);
      const unsubscribe = [
        wire.onBytes((bytes) => events.bytes(bytes)),
        wire.onUnplugged(() => {
          close();
          events.lost(lost());
        }),
      ];
      const close = () => {
        for (const stop of unsubscribe.splice(0)) stop();
      };
      return {
        async write(bytes) {
          await sleep(clock, wireMs(bytes.length, settings));
          if (unsubscribe.length === 0) throw lost();
          wire.receive(bytes);
        },
        flush: () => Promise.resolve(),
        close: async () => close(),
      };
    },
  };
}
