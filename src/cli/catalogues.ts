import type { DriverCatalogue, LoadedConfig } from '../config/loaded-config.ts';
import type { SimulatorCatalogue } from '../simulation/simulator.ts';

/** With what the configuration brings from outside. */
export const withOutside = (catalogues: Catalogues, config: Pick<LoadedConfig, 'outside'> | undefined): Catalogues => ({
  drivers: { ...catalogues.drivers, ...config?.outside?.drivers },
  // Each was checked to have a start when it was loaded.
  simulators: { ...catalogues.simulators, ...(config?.outside?.simulators as SimulatorCatalogue | undefined) },
});

/** What a configuration may name. */
export interface Catalogues {
  readonly drivers: DriverCatalogue;
  readonly simulators: SimulatorCatalogue;
}
