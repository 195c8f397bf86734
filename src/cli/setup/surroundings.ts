import { connect } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { systemClock } from '../../clock/system-clock.ts';
import { listKernelAdapters } from '../../transports/ble/index.ts';
import { tryBroker } from '../../transports/mqtt/index.ts';
import { listPorts, type PortDescription } from '../../transports/serial/index.ts';
import { mosquittoFiles } from '../doctor/surroundings.ts';

/** What a set-up looks for on the machine, so that a test can bring its own. */
export interface SetupSurroundings {
  hostname(): string;
  /** Of the networks that this machine is in. */
  addresses(): readonly string[];
  timeZone(): string;
  /** Whether somebody listens on a port of this machine. */
  isOpen(port: number): Promise<boolean>;
  ports(): Promise<readonly PortDescription[]>;
  /** `hci0` */
  adapters(): Promise<readonly string[]>;
  /** Where a mosquitto on this machine keeps its users and its rules, as its configuration names them. */
  mosquitto(): { readonly passwordFile?: string; readonly aclFile?: string };
  readonly tryBroker: typeof tryBroker;
}

/** Far more than a local connection takes. A guess. */
const PROBE_PATIENCE_MS = 500;

export const thisBox: SetupSurroundings = {
  hostname,
  addresses: () =>
    Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
      .map(({ address }) => address),
  timeZone: () => new Intl.DateTimeFormat('en').resolvedOptions().timeZone,
  isOpen: (port) =>
    new Promise((done) => {
      const socket = connect({ port, host: '127.0.0.1', timeout: PROBE_PATIENCE_MS });
      const end = (is: boolean) => () => {
        socket.destroy();
        done(is);
      };
      socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
    }),
  // Without udev, or without Bluetooth: nothing of the kind is found, and nothing is asked.
  ports: () => listPorts().catch(() => []),
  adapters: () =>
    listKernelAdapters(systemClock).then(
      (adapters) => adapters.map(({ index }) => `hci${index}`),
      () => [],
    ),
  mosquitto: () => mosquittoFiles('/etc/mosquitto/mosquitto.conf'),
  tryBroker,
};
