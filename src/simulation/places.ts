import type { LoadedConfig } from '../config/loaded-config.ts';
import type { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import type { SimulatedLines } from '../transports/serial/index.ts';
import type { AllPlaces, BlePlace } from './simulator.ts';

/** What of the gateway the simulation can reach. */
export interface SimulationReach {
  /** Where the gateway's own simulated lines lie, when it runs in this process. */
  readonly lines?: SimulatedLines;
  /** Where its own simulated adapters are, when it runs in this process. */
  readonly radios?: SimulatedRadios;
  /** Ports at the far ends of lines, by the name of the line. */
  readonly farEnds?: ReadonlyMap<string, string>;
  /** Ports of dongles that play Bluetooth devices, by the name of the gateway's adapter. */
  readonly dongles?: ReadonlyMap<string, string>;
  /** Ports at the far ends of those of Z-Wave sticks, by the name of the stick. */
  readonly sticks?: ReadonlyMap<string, string>;
  readonly memory?: BlePlace['memory'];
  readonly buttonsHeld?: boolean;
  readonly onWaiting?: BlePlace['onWaiting'];
}

/** Where the peers of a configuration are met. */
export function placesOf(
  config: Pick<LoadedConfig, 'mqtt' | 'serial' | 'ble' | 'zwave'>,
  { lines, radios, farEnds, dongles, sticks, memory, buttonsHeld = false, onWaiting }: SimulationReach,
): AllPlaces {
  return {
    mqtt: config.mqtt,
    zwave: config.zwave.map(({ name, keysFile }) => {
      const farEnd = sticks?.get(name);
      return { name, keysFile, at: farEnd === undefined ? 'nowhere' : { farEnd } };
    }),
    serial: config.serial.map(({ name, path, ...line }) => {
      const farEnd = farEnds?.get(name);
      if (farEnd !== undefined) return { name, line, at: { farEnd } };
      return { name, line, at: path === undefined && lines ? { lines } : 'nowhere' };
    }),
    ble: config.ble.map(({ name, radio }) => {
      const uart = dongles?.get(name);
      const common = { name, memory, buttonsHeld, onWaiting };
      if (uart !== undefined) return { ...common, at: { uart, baudRate: DONGLE_BAUD_RATE } };
      return { ...common, at: radio.kind === 'simulated' && radios ? { radios } : 'nowhere' };
    }),
  };
}

/** As a dongle with Zephyr's `hci_uart` has it. */
const DONGLE_BAUD_RATE = 1_000_000;
