import { pino } from 'pino';
import {
  READ_COILS,
  READ_DISCRETE_INPUTS,
  READ_HOLDING_REGISTERS,
  readBits,
  readRegisters,
} from '../../drivers/serial/modbus/requests.ts';
import type { ModbusReply } from '../../drivers/serial/modbus/scan.ts';
import { systemClock } from '../clock/system-clock.ts';
import { type Clock, GatewayError, type LinkState, type SerialLink, type SerialRequest } from '../contract/index.ts';
import {
  type LineSettings,
  listPorts,
  type PortDescription,
  SerialBus,
  type SerialCarrier,
  ttyCarrier,
} from '../transports/serial/index.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

/** What a scan needs of the machine, so that a test can bring its own. */
export interface SerialMachine {
  readonly clock: Clock;
  readonly random: () => number;
  listPorts(): Promise<readonly PortDescription[]>;
  carrier(path: string, line: LineSettings): SerialCarrier;
}

export const thisMachine: SerialMachine = {
  clock: systemClock,
  random: Math.random,
  listPorts,
  carrier: ttyCarrier,
};

/** What a scan meets is told on the terminal. */
const silent = pino({ level: 'silent' });

export interface ScanSerialOptions {
  readonly baud: readonly number[];
  readonly units: readonly number[];
  readonly parity: LineSettings['parity'];
  readonly json?: boolean;
}

/** Lists the serial ports, or finds Modbus units on those that are named. It only reads. */
export async function scanSerial(
  terminal: Terminal,
  machine: SerialMachine,
  ports: readonly string[],
  options: ScanSerialOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  if (ports.length === 0) return list(terminal, machine, options);
  const found: { readonly port: string; readonly units: readonly FoundUnit[] }[] = [];
  for (const port of ports) {
    const units = await scanModbus({
      lines: options.baud.map((baudRate) => ({ baudRate, parity: options.parity, stopBits: 1 as const })),
      units: options.units,
      signal,
      open: (line) => openBus(machine, port, line),
      progress: ({ baudRate }) => terminal.err(`${port}: asking ${options.units.length} addresses at ${baudRate} baud`),
    });
    found.push({ port, units });
  }
  if (options.json) terminal.out(json(found.map(({ port, units }) => ({ port, units: units.map(asJson) }))));
  else for (const { port, units } of found) tell(terminal, port, units);
  return found.some(({ units }) => units.length > 0) ? exitCodes.ok : exitCodes.notFound;
}

async function list(terminal: Terminal, machine: SerialMachine, options: ScanSerialOptions): Promise<ExitCode> {
  const ports = await machine.listPorts().catch((cause: unknown) => {
    throw new CommandError('failed', 'udev cannot be asked for serial ports: udevadm does not run here.', { cause });
  });
  if (options.json) terminal.out(json(ports));
  else if (ports.length === 0) terminal.err('There is no serial port but what may be built in. Plug an adapter in.');
  else {
    // A path that stays is what the configuration needs: it is never cut, and stands alone on its line.
    for (const { path, device, usbId, manufacturer, serialNumber } of ports) {
      terminal.out(path);
      const about = [path === device ? undefined : device, usbId, manufacturer, serialNumber];
      const words = about.filter((word) => word !== undefined).join(', ');
      if (words !== '') terminal.out(`  ${words}`);
    }
    terminal.err(`What answers on one: strikeplate scan serial ${ports[0]?.path}`);
  }
  return ports.length > 0 ? exitCodes.ok : exitCodes.notFound;
}

function tell(terminal: Terminal, port: string, units: readonly FoundUnit[]): void {
  if (units.length === 0) {
    terminal.err(`${port}: nothing answers. Check power, A and B, and the addresses and baud rates that were asked.`);
    return;
  }
  for (const unit of units) terminal.out(`# unit ${unit.unit} at ${unit.line.baudRate} baud: ${inWords(unit)}`);
  const speeds = new Set(units.map(({ line }) => line.baudRate));
  if (speeds.size > 1)
    terminal.out('# Units of one line need one baud rate: set them alike before they can be used together.');
  for (const line of fragmentFor(port, units)) terminal.out(line);
}

const asJson = ({ unit, line, kind, inputs, register }: FoundUnit) => ({
  unit,
  baud_rate: line.baudRate,
  parity: line.parity,
  kind,
  inputs,
  register: register ?? null,
});

async function openBus(
  { clock, random, carrier }: SerialMachine,
  port: string,
  line: LineSettings,
): Promise<SerialBus> {
  const bus = new SerialBus({ name: port, carrier: carrier(port, line), line, clock, random, log: silent });
  const opened = new Promise<LinkState>((resolve) => {
    const stop = bus.onStateChange((state) => {
      stop();
      resolve(state);
    });
  });
  bus.start();
  const state = await opened;
  if (state.status === 'up') return bus;
  await bus.close();
  throw new CommandError('failed', state.hint);
}

/** Levels that a transmitter may hold in tenths of a decibel. */
const LEAST_LEVEL = 200;
const MOST_LEVEL = 1400;

/** True when register 0 may be a level in tenths of a decibel. */
const looksLikeNoise = ({ kind, register = 0 }: FoundUnit): boolean =>
  kind === 'register' && register >= LEAST_LEVEL && register <= MOST_LEVEL;

/** What a unit seems to be, in words. */
function inWords(unit: FoundUnit): string {
  if (unit.kind === 'relay_board') return `a relay board with 8 relays${unit.inputs ? ' and 8 inputs' : ''}`;
  if (looksLikeNoise(unit))
    return `register 0 holds ${unit.register}: ${((unit.register ?? 0) / 10).toFixed(1)} dB, if it is a noise transmitter`;
  return unit.kind === 'register'
    ? `register 0 holds ${unit.register}`
    : 'it answers, and has neither coils nor register 0';
}

/**
 * Lines for the configuration. What nobody can know from here is left open, with the choices beside it, so that
 * check-config asks for it.
 */
function fragmentFor(port: string, units: readonly FoundUnit[]): readonly string[] {
  const [first] = units;
  if (first === undefined) return [];
  const { baudRate, parity, stopBits } = first.line;
  const parityPart = parity === 'none' ? '' : `, parity: ${parity}`;
  const stopPart = stopBits === 1 ? '' : `, stop_bits: ${stopBits}`;
  return [
    'serial:',
    `  bus1: { path: ${port}, baud_rate: ${baudRate}${parityPart}${stopPart} }`,
    'devices:',
    ...units.flatMap(deviceLines),
  ];
}

function deviceLines(unit: FoundUnit): readonly string[] {
  const link = `    link: { serial: bus1, unit: ${unit.unit} }`;
  if (unit.kind === 'relay_board')
    return [
      `  - id: door-${unit.unit}`,
      `    name: Door ${unit.unit}`,
      '    driver: serial/modbus-relay',
      link,
      '    settings:',
      `      profile: ${unit.inputs ? 'waveshare-8ch-io' : 'waveshare-8ch'}  # looks like one; see the README of the driver`,
      '      channel: 1',
      '      lock_type:      # fail_secure: power releases it. fail_safe: power holds it.',
      '      relay_contact:  # normally_open or normally_closed: how the lock is wired.',
    ];
  if (looksLikeNoise(unit))
    return [
      `  - id: noise-${unit.unit}`,
      `    name: Noise ${unit.unit}`,
      '    driver: serial/modbus-noise',
      link,
      '    settings: { profile: { register: 0, scale: 0.1 } }',
    ];
  return [`  # Unit ${unit.unit}: ${inWords(unit)}. No driver is known for it.`];
}

/** Longer than the slowest units that were read about take, 100 ms, and a USB adapter's own delay. */
const REPLY_TIMEOUT_MS = 150;

/** What answered at one address. */
interface FoundUnit {
  readonly unit: number;
  readonly line: LineSettings;
  /** `relay_board`: it has eight coils. `register`: it has register 0. `unknown`: it said no to both. */
  readonly kind: 'relay_board' | 'register' | 'unknown';
  /** It has eight inputs. */
  readonly inputs: boolean;
  /** Register 0, where there is one. */
  readonly register: number | undefined;
}

interface ScanOptions {
  readonly lines: readonly LineSettings[];
  readonly units: readonly number[];
  /** Resolves once the port is open. @throws Error in words when it cannot be */
  open(line: LineSettings): Promise<SerialBus>;
  progress(line: LineSettings): void;
  readonly signal: AbortSignal;
}

/** Asks every address at every baud rate. It only reads. */
async function scanModbus({ lines, units, open, progress, signal }: ScanOptions): Promise<readonly FoundUnit[]> {
  const found: FoundUnit[] = [];
  for (const line of lines) {
    progress(line);
    const bus = await open(line);
    try {
      for (const unit of units) {
        // One that answered at another speed has no second one.
        if (found.some((other) => other.unit === unit)) continue;
        const answer = await examine(bus.link(unit), line, signal);
        if (answer) found.push(answer);
      }
    } finally {
      await bus.close();
    }
  }
  return found.sort((a, b) => a.unit - b.unit);
}

async function examine(link: SerialLink, line: LineSettings, signal: AbortSignal): Promise<FoundUnit | undefined> {
  const target = { unit: link.unit, address: 0, replyTimeoutMs: REPLY_TIMEOUT_MS };
  const ask = <T>(request: SerialRequest<ModbusReply<T>>) => askOnce(link, request, signal);
  // Any answer shows that somebody is there, a no included. Some units keep silent instead of saying no.
  const level = await ask(readRegisters({ ...target, functionCode: READ_HOLDING_REGISTERS, count: 1 }));
  const coils = await ask(readBits({ ...target, functionCode: READ_COILS, count: 8 }));
  if (level === undefined && coils === undefined) return undefined;
  const isBoard = coils?.ok ?? false;
  const inputs = isBoard && (await ask(readBits({ ...target, functionCode: READ_DISCRETE_INPUTS, count: 8 })))?.ok;
  const register = level?.ok ? level.value[0] : undefined;
  const kind = isBoard ? 'relay_board' : register === undefined ? 'unknown' : 'register';
  return { unit: link.unit, line, kind, inputs: inputs ?? false, register };
}

async function askOnce<T>(
  link: SerialLink,
  request: SerialRequest<ModbusReply<T>>,
  signal: AbortSignal,
): Promise<ModbusReply<T> | undefined> {
  try {
    return await link.query(request, { priority: 'poll', signal });
  } catch (error) {
    if (error instanceof GatewayError && error.type === 'device_offline') return undefined;
    throw error;
  }
}
