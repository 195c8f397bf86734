import type { Clock } from '../../contract/index.ts';
import { PortError, type SerialCarrier } from './carrier.ts';
import { inProcessCarrier, type SimulatedWire } from './in-process-carrier.ts';
import type { LineSettings } from './line-timing.ts';

/** A gateway opens its lines before the simulation starts; it gets this long, in milliseconds. A guess. */
const PATIENCE_MS = 1000;

/** Where the gateway's bus and the simulated units of one process meet, by the name of their line. */
export class SimulatedLines {
  readonly #wires = new Map<string, SimulatedWire>();
  readonly #waiting = new Map<string, () => void>();

  /** Lays a line, for as long as it is not taken up again. Returns how to do that. */
  lay(name: string, wire: SimulatedWire): () => void {
    this.#wires.set(name, wire);
    this.#waiting.get(name)?.();
    return () => this.#wires.delete(name);
  }

  /** What a bus runs over: whatever lies there when it is opened. */
  carrier(name: string, settings: LineSettings, clock: Clock): SerialCarrier {
    const path = `simulated line ${name}`;
    return {
      path,
      open: async (events) => {
        if (!this.#wires.has(name)) await this.#laid(name, clock);
        const wire = this.#wires.get(name);
        if (wire) return inProcessCarrier(path, wire, settings, clock).open(events);
        throw new PortError(
          'port_missing',
          `Nothing plays on the simulated line ${name}. Add a simulator for it to the simulation section.`,
        );
      },
    };
  }

  #laid(name: string, clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.setTimer(resolve, PATIENCE_MS);
      this.#waiting.set(name, () => {
        timer.cancel();
        resolve();
      });
    });
  }
}
