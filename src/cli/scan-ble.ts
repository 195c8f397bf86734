import { pino } from 'pino';
import { systemClock } from '../clock/system-clock.ts';
import { startAdapter } from '../composition/ble.ts';
import { readyOrNot } from '../composition/pairing.ts';
import { loadConfig } from '../config/load.ts';
import type { BleAdapterConfig, LoadedConfig } from '../config/loaded-config.ts';
import { type Clock, sleep } from '../contract/index.ts';
import {
  fragmentFor,
  type HeardDevice,
  heardFrom,
  inWords,
  loadRecognisers,
  type Recogniser,
} from '../onboarding/bluetooth-scan.ts';
import type { SimulatorCatalogue } from '../simulation/simulator.ts';
import type { BleAdapter } from '../transports/ble/index.ts';
import { SimulatedRadios } from '../transports/ble/simulated-radios.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { type ConnectOptions, connect, isElsewhere } from './connect.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { isGatewayRunning, whileStopped } from './idle-gateway.ts';
import { onboard } from './onboarding.ts';
import { playRadios } from './simulate.ts';
import { json, type Terminal, table } from './terminal.ts';

export interface ScanBleOptions extends ConnectOptions {
  /** Name of an adapter in the configuration. */
  readonly radio?: string;
  /** An adapter of the kernel, whatever the configuration says. */
  readonly adapter?: string;
  /** A dongle's port, whatever the configuration says. */
  readonly uart?: string;
  readonly dbus?: string;
  readonly baud: number;
  readonly seconds: number;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Listens for Bluetooth devices, and prints lines for the configuration. It connects with nobody. */
export async function scanBle(
  terminal: Terminal,
  catalogues: Catalogues,
  options: ScanBleOptions,
  signal: AbortSignal,
  machine: BleMachine = thisMachine,
): Promise<ExitCode> {
  const own = options.adapter ?? options.uart ?? options.dbus;
  if (own === undefined && isElsewhere(terminal, options)) return scanThroughGateway(terminal, options, signal);
  const { adapter, config } = await chooseAdapter(terminal, catalogues, options);
  if (config !== undefined && isGatewayRunning(config))
    return scanThroughGateway(terminal, { ...options, radio: adapter.name }, signal);
  const recognisers = await loadRecognisers(withOutside(catalogues, config).drivers);
  const listen = () =>
    withAdapter(
      machine,
      adapter,
      config,
      { buttonsHeld: false, simulators: withOutside(catalogues, config).simulators, signal },
      (running) => {
        terminal.err(`Listening for ${options.seconds} s on ${nameOf(adapter)}.`);
        return hear(running, recognisers, options.seconds, machine, terminal, signal);
      },
    );
  // A simulated radio is each process's own.
  const heard =
    config === undefined || adapter.radio.kind === 'simulated'
      ? await listen()
      : await whileStopped(config, 'A Bluetooth adapter has one user.', listen);
  const known = heard.filter(({ driver }) => driver !== undefined);
  report(terminal, { heard, known, adapter, config, options });
  return known.length > 0 ? exitCodes.ok : exitCodes.notFound;
}

/** The gateway has the adapter, and goes on serving its doors. */
async function scanThroughGateway(terminal: Terminal, options: ScanBleOptions, signal: AbortSignal): Promise<ExitCode> {
  const link = options.radio === undefined ? {} : { link: `ble/${options.radio}` };
  const request = { kind: 'bluetooth_scan', seconds: options.seconds, ...link };
  return onboard(terminal, await connect(terminal, options), request, options, signal);
}

async function chooseAdapter(
  terminal: Terminal,
  catalogues: Catalogues,
  { config: file, radio, adapter, uart, dbus, baud }: ScanBleOptions,
): Promise<{ readonly adapter: BleAdapterConfig; readonly config: LoadedConfig | undefined }> {
  const common = { name: 'radio', connections: 1 };
  if (uart !== undefined)
    return { adapter: { ...common, radio: { kind: 'uart', path: uart, baudRate: baud } }, config: undefined };
  if (dbus !== undefined) return { adapter: { ...common, radio: { kind: 'dbus', adapter: dbus } }, config: undefined };
  if (adapter !== undefined)
    return { adapter: { ...common, radio: { kind: 'kernel', adapter, userChannel: false } }, config: undefined };
  const { file: chosen, ...place } = chooseConfig(terminal, file, { orSite: true });
  const config = await loadConfig(chosen, { ...catalogues, ...place, env: terminal.env, now: Date.now() });
  const names = config.ble.map(({ name }) => name).join(', ');
  const fitting = config.ble.filter(({ name }) => radio === undefined || name === radio);
  if (fitting.length > 1)
    throw new CommandError('usage', `${chosen} has several Bluetooth adapters; choose one with --radio: ${names}.`);
  const [only] = fitting;
  if (only !== undefined) return { adapter: only, config };
  throw new CommandError(
    'usage',
    radio === undefined
      ? `${chosen} has no Bluetooth adapter. Name one: strikeplate scan ble --adapter hci0`
      : `${chosen} has no Bluetooth adapter ${radio}; it has: ${names || 'none'}.`,
  );
}

function nameOf({ name, radio }: BleAdapterConfig): string {
  switch (radio.kind) {
    case 'kernel':
    case 'dbus':
      return radio.adapter;
    case 'uart':
      return radio.path;
    case 'simulated':
      return `ble.${name}, which is simulated`;
  }
}

async function hear(
  adapter: BleAdapter,
  recognisers: readonly Recogniser[],
  seconds: number,
  { clock }: BleMachine,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<readonly HeardDevice[]> {
  const heard = new Map<string, HeardDevice>();
  const stop = adapter.onAdvertisement((advertisement) => {
    const before = heard.get(advertisement.address);
    heard.set(advertisement.address, heardFrom(advertisement, recognisers, before));
  });
  try {
    for (let left = seconds; left > 0; left--) {
      terminal.progress?.(`${heard.size} heard, ${left} s left`);
      await sleep(clock, 1_000, signal);
    }
  } finally {
    terminal.progress?.(undefined);
    stop();
  }
  if (adapter.state.status === 'down') throw new CommandError('failed', adapter.state.hint);
  return [...heard.values()].sort((a, b) => b.rssi - a.rssi || a.address.localeCompare(b.address));
}

interface Findings {
  readonly heard: readonly HeardDevice[];
  readonly known: readonly HeardDevice[];
  readonly adapter: BleAdapterConfig;
  readonly config: LoadedConfig | undefined;
  readonly options: ScanBleOptions;
}

function report(terminal: Terminal, { heard, known, adapter, config, options }: Findings): void {
  const configuredAs = ({ address }: HeardDevice) =>
    config?.devices.find(({ link }) => link.kind === 'ble' && link.address === address)?.slug;
  const shown = options.all ? heard : known;
  if (options.json) {
    terminal.out(
      json(
        shown.map((device) => ({
          ...{
            address: device.address,
            address_type: device.addressType,
            rssi: device.rssi,
            name: device.name ?? null,
          },
          ...{ driver: device.driver ?? null, what: device.what ?? null, note: device.note ?? null },
          ready_to_pair: device.readyToPair ?? null,
          settings: device.settings,
          configured_as: configuredAs(device) ?? null,
        })),
      ),
    );
    return;
  }
  for (const device of known) terminal.out(`# ${inWords(device, configuredAs(device))}`);
  const fresh = known.filter((device) => configuredAs(device) === undefined);
  for (const line of fragmentFor(adapter, fresh)) terminal.out(line);
  const strangers = heard.filter(({ driver }) => driver === undefined);
  if (options.all)
    for (const row of table(
      strangers.map(({ address, addressType, rssi, name }) => [
        address.toUpperCase(),
        addressType,
        `${rssi} dBm`,
        name ?? '-',
      ]),
    ))
      terminal.out(`# ${row}`);
  if (known.length === 0)
    terminal.err(
      `No device that a driver knows was heard in ${options.seconds} s. Bring it within a few metres, check its batteries, ` +
        'and close its app on every phone near it.',
    );
  if (strangers.length > 0 && !options.all)
    terminal.err(`${strangers.length} other${strangers.length === 1 ? ' was' : 's were'} heard; --all lists them.`);
}

/** What commands that use a radio need of the machine, so that a test can bring its own. */
export interface BleMachine {
  readonly clock: Clock;
  readonly random: () => number;
  /** Somebody holds the buttons of simulated devices while they are to be paired. */
  readonly holdsButtons: boolean;
}

export const thisMachine: BleMachine = { clock: systemClock, random: Math.random, holdsButtons: true };

/** What a command meets is told on the terminal. */
export const silent = pino({ level: 'silent' });

/**
 * Runs `work` with an adapter that is ready. For a simulated one the devices of the configuration are played in this
 * process as well.
 * @param config with the devices to play; undefined when there is none
 * @param buttonsHeld somebody holds the buttons of the simulated devices
 * @throws CommandError when the adapter cannot be used, with what to do about it
 */
export async function withAdapter<T>(
  { clock, random }: BleMachine,
  adapterConfig: BleAdapterConfig,
  config: LoadedConfig | undefined,
  {
    buttonsHeld,
    simulators,
    signal,
  }: {
    readonly buttonsHeld: boolean;
    readonly simulators: SimulatorCatalogue;
    readonly signal: AbortSignal;
  },
  work: (adapter: BleAdapter) => Promise<T>,
): Promise<T> {
  const simulatedRadios = new SimulatedRadios();
  const ctx = { clock, random, log: silent };
  const played =
    adapterConfig.radio.kind === 'simulated' && config !== undefined
      ? await playRadios(config, simulators, simulatedRadios, { ...ctx, buttonsHeld })
      : undefined;
  try {
    const adapter = await startAdapter(adapterConfig, { clock, log: silent, simulatedRadios }, { quick: true });
    try {
      const state = await readyOrNot(adapter, clock, signal);
      signal.throwIfAborted();
      if (state.status === 'down') throw new CommandError('failed', state.hint);
      return await work(adapter);
    } finally {
      await adapter.close();
    }
  } finally {
    await played?.close();
  }
}
