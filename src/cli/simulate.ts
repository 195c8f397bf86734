import { pino } from 'pino';
import { systemClock } from '../clock/system-clock.ts';
import { loadConfig } from '../config/load.ts';
import type { BrokerConfig } from '../config/loaded-config.ts';
import { placesOf } from '../simulation/places.ts';
import { startSimulation } from '../simulation/simulator.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import type { Stop } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

/** Plays the devices of a configuration's simulation section, on its brokers or on another one, until told to stop. */
export async function simulate(
  terminal: Terminal,
  catalogues: Catalogues,
  options: {
    readonly config?: string;
    readonly mqtt?: string;
    readonly serial?: ReadonlyMap<string, string>;
    readonly ble?: ReadonlyMap<string, string>;
    readonly zwave?: ReadonlyMap<string, string>;
  },
  stop: Stop,
): Promise<ExitCode> {
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  const config = await loadConfig(file, { ...catalogues, ...place, env: terminal.env, now: systemClock.wallTime() });
  if (config.simulation.length === 0)
    throw new CommandError('configuration', `${file} has no simulation section: there is nothing to play.`);
  const brokers = config.mqtt.map((broker) => (options.mqtt === undefined ? broker : elsewhere(broker, options.mqtt)));
  const places = placesOf(
    { ...config, mqtt: brokers },
    {
      farEnds: known(options.serial, config.serial, 'serial line', config.file),
      dongles: known(options.ble, config.ble, 'Bluetooth adapter', config.file),
      sticks: known(options.zwave, config.zwave, 'Z-Wave stick', config.file),
    },
  );
  const running = await startSimulation(config.simulation, withOutside(catalogues, config).simulators, places, {
    clock: systemClock,
    random: Math.random,
    log: pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true })),
  }).catch((error: unknown) => {
    throw new CommandError('unreachable', error instanceof Error ? error.message : String(error), { cause: error });
  });
  terminal.out(`Playing ${config.simulation.map(({ simulator }) => simulator).join(', ')}. Stop with Ctrl-C.`);
  await stop.requested;
  await running.close();
  return exitCodes.ok;
}

function known(
  given: ReadonlyMap<string, string> = new Map(),
  links: readonly { readonly name: string }[],
  what: string,
  file: string,
) {
  for (const name of given.keys())
    if (!links.some((link) => link.name === name)) throw new CommandError('usage', `${file} has no ${what} ${name}.`);
  return given;
}

/** The same broker at another address; its credentials stay. */
function elsewhere(broker: BrokerConfig, url: string): BrokerConfig {
  const { name } = broker;
  const none = {
    username: undefined,
    passwordFile: undefined,
    caFile: undefined,
    certFile: undefined,
    keyFile: undefined,
  };
  return broker.kind === 'external' ? { ...broker, url } : { kind: 'external', name, url, ...none };
}
