import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type BleDeviceConfig, isBleDevice, pairDevice } from '../composition/pairing.ts';
import { loadConfig } from '../config/load.ts';
import type { BleAdapterConfig, DeviceConfig, LoadedConfig } from '../config/loaded-config.ts';
import {
  type BleAdvertisement,
  GatewayError,
  type LockReading,
  openDevice,
  type PairingQuestion,
  Secret,
  type Timer,
} from '../contract/index.ts';
import { pairingFilesOf } from '../store/pairing-files.ts';
import type { BleAdapter } from '../transports/ble/index.ts';
import { type BleMachine, silent, thisMachine, withAdapter } from './ble-machine.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { whileStopped } from './idle-gateway.ts';
import { json, type Terminal } from './terminal.ts';

export interface PairOptions {
  readonly config?: string;
  /** Serializers given on the command line, by the question's name. */
  readonly answer?: ReadonlyMap<string, string>;
  /** Files that hold answers, by the question's name. */
  readonly answerFile?: ReadonlyMap<string, string>;
  /** Seconds to wait for the person at the device. */
  readonly timeout: number;
  readonly json?: boolean;
}

/** A connection may be lost while pairing; the device is ready for half a minute. */
const TRIES = 2;

/** How long the first read of a paired device may take, in milliseconds. */
const CHECK_MS = 15_000;

/** Makes a device and the gateway known to each other, with somebody who stands at the device. */
export async function pair(
  terminal: Terminal,
  catalogues: Catalogues,
  wanted: string | undefined,
  options: PairOptions,
  signal: AbortSignal,
  machine: BleMachine = thisMachine,
): Promise<ExitCode> {
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  const config = await loadConfig(file, { ...catalogues, ...place, env: terminal.env, now: Date.now() });
  const device = chosenDevice(config, wanted);
  const adapterConfig = config.ble.find(({ name }) => name === device.link.name);
  if (adapterConfig === undefined) throw new Error(`ble.${device.link.name} was not checked`);
  const say = (line: string) => (options.json ? terminal.err(line) : terminal.out(line));
  const why = 'Pairing needs it stopped: it has the adapter, and reads pairings as it starts.';
  const reading = await whileStopped(config, why, async () => {
    const answers = await answersTo(device.driver.pairing?.questions ?? [], terminal, options);
    const play = { buttonsHeld: machine.holdsButtons, simulators: withOutside(catalogues, config).simulators, signal };
    return withAdapter(machine, adapterConfig, config, play, (adapter) =>
      pairOn({
        adapter,
        adapterConfig,
        config,
        device,
        answers,
        say,
        machine,
        signal,
        waitMs: options.timeout * 1_000,
      }),
    );
  });
  const state = reading instanceof GatewayError ? undefined : reading?.state;
  if (options.json) {
    const { slug, deviceId, driver, link } = device;
    const paired = { id: slug, device_id: deviceId, driver: driver.id, address: link.address, paired: true };
    terminal.out(json({ ...paired, locked: state === undefined ? null : state === 'locked' }));
  }
  if (reading instanceof GatewayError) say(`${device.name} is paired, but could not be read yet: ${reading.message}`);
  else
    say(`${device.name} is paired${state === undefined ? '' : `, and says that it is ${state}`}. Start the gateway.`);
  return exitCodes.ok;
}

/** @throws CommandError when there is none that is meant, or it needs no pairing */
function chosenDevice({ devices, file }: LoadedConfig, wanted: string | undefined): BleDeviceConfig {
  const pairable = devices.filter(isBleDevice).filter(({ driver }) => driver.pairing !== undefined);
  const names = pairable.map(({ slug, name }) => `${slug} (${name})`).join(', ') || 'none';
  if (wanted === undefined) {
    const [only, another] = pairable;
    if (only !== undefined && another === undefined) return only;
    throw new CommandError('usage', `Say which device to pair. Those of ${file} that can be: ${names}.`);
  }
  const same = (text: string) => text.toLowerCase() === wanted.toLowerCase();
  const found: DeviceConfig | undefined =
    devices.find(({ slug, deviceId }) => slug === wanted || same(deviceId)) ??
    devices.find(({ slug, name }) => same(name) || same(slug));
  if (found === undefined)
    throw new CommandError('notFound', `${file} has no device "${wanted}". Those that can be paired: ${names}.`);
  const device = pairable.find(({ slug }) => slug === found.slug);
  if (device === undefined)
    throw new CommandError('failed', `${found.name} needs no pairing: its driver, ${found.driver.id}, works without.`);
  return device;
}

async function answersTo(
  questions: readonly PairingQuestion[],
  terminal: Terminal,
  { answer = new Map(), answerFile = new Map() }: PairOptions,
): Promise<ReadonlyMap<string, Secret>> {
  const known = questions.map(({ name }) => name);
  for (const name of [...answer.keys(), ...answerFile.keys()])
    if (!known.includes(name))
      throw new CommandError('usage', `There is no question "${name}"; there are: ${known.join(', ')}.`);
  const answers = new Map<string, Secret>();
  for (const { name, text, secret } of questions) {
    const file = answerFile.get(name);
    let given = file === undefined ? answer.get(name) : answerIn(resolve(terminal.cwd, file));
    if (given === undefined && terminal.ask === undefined)
      terminal.err(`Left empty, since nobody can be asked here (--answer-file ${name}=FILE): ${text}.`);
    given ??= await terminal.ask?.(`${text}:`, { secret });
    if (given !== undefined && given.trim() !== '') answers.set(name, new Secret(given.trim()));
  }
  return answers;
}

function answerIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n', 1)[0] ?? '';
  } catch (cause) {
    throw new CommandError('failed', `The answer in ${file} cannot be read. Check that it is there and readable.`, {
      cause,
    });
  }
}

interface PairingVisit {
  readonly adapter: BleAdapter;
  readonly adapterConfig: BleAdapterConfig;
  readonly config: LoadedConfig;
  readonly device: BleDeviceConfig;
  readonly answers: ReadonlyMap<string, Secret>;
  readonly say: (line: string) => void;
  readonly machine: BleMachine;
  readonly signal: AbortSignal;
  readonly waitMs: number;
}

/** Resolves with what the device said when it was read with its new key, or why it could not be. */
async function pairOn(visit: PairingVisit): Promise<LockReading | GatewayError | undefined> {
  const { adapter, config, device, answers, say, machine, signal } = visit;
  const { clock } = machine;
  for (const step of device.driver.pairing?.steps ?? []) say(`- ${step}`);
  await untilReady(visit);
  say(`${device.name} is ready. Pairing.`);
  const pairings = pairingFilesOf(config, randomBytes);
  for (let tries = 1; ; tries++) {
    try {
      const run = { gatewayId: config.gateway.id, adapter, pairings, clock, log: silent, signal, answers };
      await pairDevice(device, run);
      break;
    } catch (error) {
      if (!(error instanceof GatewayError) || error.type !== 'device_offline' || tries >= TRIES) throw error;
      say(`${error.message} Trying again.`);
    }
  }
  return check(visit, pairings.read({ deviceId: device.deviceId, driver: device.driver.id, name: device.name }));
}

/** Waits until the device says to everybody that it can be paired. Drivers that cannot tell are not waited for. */
function untilReady({ adapter, device, say, machine, signal, waitMs }: PairingVisit): Promise<void> {
  const { recognise } = device.driver;
  const { name, link } = device;
  if (recognise === undefined) return Promise.resolve();
  say(`Waiting for ${name} (${link.address.toUpperCase()}), for ${Math.round(waitMs / 1_000)} s.`);
  return new Promise((settle, reject) => {
    let heard = false;
    let timer: Timer | undefined;
    const leave = () => {
      timer?.cancel();
      stop();
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = () => {
      leave();
      reject(signal.reason);
    };
    const hear = (advertisement: BleAdvertisement) => {
      if (advertisement.address !== link.address) return;
      const recognised = recognise(advertisement);
      if (recognised === undefined) return;
      if (recognised.readyToPair !== false) {
        leave();
        settle();
        return;
      }
      if (!heard) say(`${name} is heard (${advertisement.rssi} dBm), and not ready yet: ${recognised.note}.`);
      heard = true;
    };
    const stop = adapter.onAdvertisement(hear);
    signal.addEventListener('abort', onAbort, { once: true });
    timer = machine.clock.setTimer(() => {
      leave();
      reject(
        new CommandError(
          'failed',
          heard
            ? `${name} was heard, but nobody made it ready to be paired. Do the steps above, and run this again.`
            : `${name} was not heard. Check its batteries and that it is near enough; "strikeplate scan ble" shows ` +
                'whether another device was meant.',
        ),
      );
    }, waitMs);
  });
}

/** A key that opens nothing should be found out now, not at the first unlock. */
async function check(
  { adapter, device, machine, signal }: PairingVisit,
  credentials: Secret | undefined,
): Promise<LockReading | GatewayError | undefined> {
  const { clock, random } = machine;
  const { deviceId, name, driver, link, settings } = device;
  const opened = await openDevice(driver, adapter.link(link, name), settings, {
    ...{ deviceId, name, clock, random, log: silent, report: () => undefined },
    randomBytes: (length) => randomBytes(length),
    ...(credentials && { credentials }),
  });
  const patience = new AbortController();
  const stop = () => patience.abort(new GatewayError('device_offline', `${name} did not answer in time. Try again.`));
  const timer = clock.setTimer(stop, CHECK_MS);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await opened.lock?.read?.({ signal: patience.signal, log: silent });
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', stop);
    await opened.close();
  }
}
