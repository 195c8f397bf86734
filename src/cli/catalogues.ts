import type { DriverCatalogue } from '../config/loaded-config.ts';
import type { SimulatorCatalogue } from '../simulation/simulator.ts';

/** What a configuration may name. */
export interface Catalogues {
  readonly drivers: DriverCatalogue;
  readonly simulators: SimulatorCatalogue;
}
