import { randomBytes } from 'node:crypto';
import { type BleDeviceConfig, isBleDevice } from '../composition/pairing.ts';
import { assertAnswers, pairOn } from '../composition/pairing-visit.ts';
import { loadConfig } from '../config/load.ts';
import type { DeviceConfig, LoadedConfig } from '../config/loaded-config.ts';
import { GatewayError, type PairingQuestion, Secret } from '../contract/index.ts';
import { pairingFilesOf } from '../store/pairing-files.ts';
import { answerIn } from './answers.ts';
import type { ApiConnection } from './api-connection.ts';
import { type Catalogues, withOutside } from './catalogues.ts';
import { chooseConfig } from './config-choice.ts';
import { type ConnectOptions, connect, isElsewhere } from './connect.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { findDevice } from './find-device.ts';
import { isGatewayRunning, whileStopped } from './idle-gateway.ts';
import { onboard } from './onboarding.ts';
import { type BleMachine, silent, thisMachine, withAdapter } from './scan-ble.ts';
import { json, type Terminal } from './terminal.ts';

export interface PairOptions extends ConnectOptions {
  /** Answers given on the command line, by the question's name. */
  readonly answer?: ReadonlyMap<string, string>;
  /** Files that hold answers, by the question's name. */
  readonly answerFile?: ReadonlyMap<string, string>;
  /** Seconds to wait for the person at the device. */
  readonly timeout: number;
  readonly json?: boolean;
}

/** Makes a device and the gateway known to each other, with somebody who stands at the device. */
export async function pair(
  terminal: Terminal,
  catalogues: Catalogues,
  wanted: string | undefined,
  options: PairOptions,
  signal: AbortSignal,
  machine: BleMachine = thisMachine,
): Promise<ExitCode> {
  const given = givenAnswers(terminal, options);
  if (isElsewhere(terminal, options))
    return pairThroughGateway(terminal, await connect(terminal, options), wanted, given, options, signal);
  const { file, ...place } = chooseConfig(terminal, options.config, { orSite: true });
  const config = await loadConfig(file, { ...catalogues, ...place, env: terminal.env, now: Date.now() });
  const device = chosenDevice(config, wanted);
  if (isGatewayRunning(config)) {
    // Before anything is asked: without a key it leads to nothing.
    const api = await connect(terminal, options);
    const answers = await answersTo(device.driver.pairing?.questions ?? [], terminal, given);
    return pairThroughGateway(terminal, api, device.deviceId, answers, options, signal);
  }
  const adapterConfig = config.ble.find(({ name }) => name === device.link.name);
  if (adapterConfig === undefined) throw new Error(`ble.${device.link.name} was not checked`);
  const say = (line: string) => (options.json ? terminal.err(line) : terminal.out(line));
  const why = 'Pairing needs it stopped: it has the adapter, and reads pairings as it starts.';
  const reading = await whileStopped(config, why, async () => {
    const answers = await answersTo(device.driver.pairing?.questions ?? [], terminal, given);
    const play = { buttonsHeld: machine.holdsButtons, simulators: withOutside(catalogues, config).simulators, signal };
    return withAdapter(machine, adapterConfig, config, play, (adapter) =>
      pairOn({
        ...{ adapter, device, answers, signal, log: silent },
        ...{ clock: machine.clock, random: machine.random },
        gatewayId: config.gateway.id,
        pairings: pairingFilesOf(config, randomBytes),
        waitMs: options.timeout * 1_000,
        say: (step, message) => {
          if (step !== 'reading') say(step === 'at the device' ? `- ${message}` : message);
        },
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
  before: ReadonlyMap<string, Secret>,
): Promise<ReadonlyMap<string, Secret>> {
  const known = questions.map(({ name }) => name);
  for (const name of before.keys())
    if (!known.includes(name))
      throw new CommandError('usage', `There is no question "${name}"; there are: ${known.join(', ')}.`);
  const answers = new Map<string, Secret>();
  for (const { name, text, secret } of questions) {
    let given = before.get(name)?.reveal();
    if (given === undefined && terminal.ask === undefined)
      terminal.err(`Left empty, since nobody can be asked here (--answer-file ${name}=FILE): ${text}.`);
    given ??= await terminal.ask?.(`${text}:`, { secret });
    if (given !== undefined && given.trim() !== '') answers.set(name, new Secret(given.trim()));
  }
  assertAnswers(questions, answers);
  return answers;
}

/** What the command line gives, by the question's name. */
function givenAnswers(terminal: Terminal, { answer = new Map(), answerFile = new Map() }: PairOptions) {
  const read = [...answerFile].map(([name, file]): [string, string] => [name, answerIn(terminal, file)]);
  return new Map([...answer, ...read].map(([name, text]) => [name, new Secret(text)]));
}

/** The gateway has the adapter, and goes on serving its doors. */
async function pairThroughGateway(
  terminal: Terminal,
  api: ApiConnection,
  wanted: string | undefined,
  answers: ReadonlyMap<string, Secret>,
  options: PairOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  if (wanted === undefined) throw new CommandError('usage', 'Say which device to pair.');
  const { device_id } = await findDevice(api, wanted);
  const request = {
    ...{ kind: 'device_pairing', device_id, seconds: options.timeout },
    ...(answers.size > 0 && { answers: Object.fromEntries([...answers].map(([name, text]) => [name, text.reveal()])) }),
  };
  return onboard(terminal, api, request, options, signal);
}
