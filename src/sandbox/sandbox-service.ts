import type { Command, Dispatcher } from '../attempts/dispatcher.ts';
import { type CodeCommandContext, GatewayError, type Secret, sleep } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { Gateway, Origin } from '../model/gateway.ts';
import type { AttemptRecord, UnmanagedCodeRecord } from '../model/records.ts';
import type { PlayedDevice, Sandbox, SimulatedEvent } from '../model/sandbox.ts';

/** How far above a threshold it is loud, in dB. */
const LOUDER_BY = 15;
/** The most that a sensor hears, in dB. */
const LOUDEST = 130;
/** How long the gateway is given to find a code that was put in at a lock, in milliseconds, and how often is looked. */
const FIND_MS = 20_000;
const LOOK_MS = 100;

export interface SandboxOptions {
  readonly gateway: Omit<Gateway, 'sandbox'>;
  readonly registry: DeviceRegistry;
  readonly dispatcher: Dispatcher;
  /** Undefined for a real device. */
  readonly played: (deviceId: string) => PlayedDevice | undefined;
}

/** Makes things happen to simulated devices, and empties a gateway that has no others. */
export class SandboxService implements Sandbox {
  readonly #options: SandboxOptions;

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  get isWhole(): boolean {
    const devices = this.#options.gateway.devices.list();
    return devices.length > 0 && devices.every(({ deviceId }) => this.#options.played(deviceId) !== undefined);
  }

  eventsOf(deviceId: string): ReadonlySet<SimulatedEvent> | undefined {
    const played = this.#options.played(deviceId);
    return played && new Set(Object.keys(played.events) as SimulatedEvent[]);
  }

  simulate(deviceId: string, event: SimulatedEvent): void {
    const { device, played } = this.#find(deviceId);
    const happen = played.events[event];
    if (happen === undefined) throw cannotPlay(device, inWords[event]);
    happen();
  }

  typeCode(deviceId: string, code: Secret, origin: Origin): Promise<AttemptRecord> {
    const { device, played } = this.#find(deviceId);
    if (played.typeCode === undefined) throw cannotPlay(device, 'somebody who types a code at its keypad');
    return this.#act('SIMULATE_KEYPAD_CODE_ENTRY', device, origin, () => played.typeCode?.(code.reveal()));
  }

  lockAtKeypad(deviceId: string, origin: Origin): Promise<AttemptRecord> {
    const { device, played } = this.#find(deviceId);
    if (played.lockAtKeypad === undefined) throw cannotPlay(device, 'somebody who locks it at its keypad');
    return this.#act('SIMULATE_MANUAL_LOCK_VIA_KEYPAD', device, origin, () => played.lockAtKeypad?.());
  }

  async programCode(deviceId: string, code: Secret, name: string): Promise<UnmanagedCodeRecord> {
    const { device, played } = this.#find(deviceId);
    if (played.programCode === undefined) throw cannotPlay(device, 'a code that somebody puts in at the lock itself');
    const { accessCodes, clock } = this.#options.gateway;
    const lengths: readonly number[] = device.capabilities.accessCodes?.lengths ?? [];
    if (!lengths.includes(code.reveal().length))
      throw new GatewayError(
        'invalid_input',
        `${device.name} takes codes of ${lengths.join(', ')} digits. Give one of these.`,
      );
    const before = new Set(accessCodes.unmanaged.list(deviceId).map(({ accessCodeId }) => accessCodeId));
    if (!played.programCode(code.reveal(), name))
      throw new GatewayError(
        'invalid_input',
        `${device.name} did not take the code: it is full, or holds the same one.`,
      );
    const until = clock.now() + FIND_MS;
    for (;;) {
      const found = accessCodes.unmanaged.list(deviceId).find(({ accessCodeId }) => !before.has(accessCodeId));
      if (found) return found;
      if (clock.now() >= until)
        throw new GatewayError(
          'internal_error',
          `The code was put in at ${device.name}, and the gateway has not found it yet. List them again later.`,
        );
      await sleep(clock, LOOK_MS);
    }
  }

  triggerNoise(deviceId: string): void {
    const { device, played } = this.#find(deviceId);
    if (played.makeNoise === undefined || device.capabilities.noise === undefined)
      throw cannotPlay(device, 'noise, since it hears none');
    const thresholds = this.#options.gateway.noise.list(deviceId);
    if (thresholds.length === 0)
      throw new GatewayError(
        'invalid_input',
        `${device.name} has no noise threshold to trigger. Create one first: /noise_sensors/noise_thresholds/create.`,
      );
    const level = Math.max(...thresholds.map(({ decibels }) => decibels)) + LOUDER_BY;
    const sustainedMs = Math.max(...thresholds.map((threshold) => threshold.sustainedMs));
    const { expectedIntervalMs } = device.capabilities.noise;
    // Long enough for the average to rise, whatever it was before, and to stay.
    const averageMs = device.noiseRules?.averageMs ?? expectedIntervalMs;
    played.makeNoise(Math.min(level, LOUDEST), sustainedMs + averageMs + 3 * expectedIntervalMs);
  }

  async reset(origin: Origin): Promise<AttemptRecord> {
    const { gateway, dispatcher, played } = this.#options;
    const real = gateway.devices.list().filter(({ deviceId }) => played(deviceId) === undefined);
    if (!this.isWhole)
      throw new GatewayError(
        'unsupported_action',
        real.length === 0
          ? 'This gateway has no devices, so it is no sandbox.'
          : `This gateway is no sandbox: ${real.map(({ name }) => name).join(', ')} ${real.length === 1 ? 'is' : 'are'} not ` +
              'simulated here. Nothing was reset.',
      );
    for (const { deviceId } of gateway.devices.list()) played(deviceId)?.reset();
    await emptyGateway(gateway, origin);
    const actionType = 'RESET_SANDBOX_WORKSPACE';
    return dispatcher.acceptDone({ actionType, deviceId: gateway.identity.workspaceId }, {}, origin);
  }

  #find(deviceId: string): { readonly device: DeviceSnapshot; readonly played: PlayedDevice } {
    const device = this.#options.registry.require(deviceId).snapshot;
    const played = this.#options.played(deviceId);
    if (played) return { device, played };
    throw new GatewayError(
      'unsupported_action',
      `${device.name} is not simulated by this gateway, so nothing can be made to happen to it here. Try it on a device of ` +
        'the demonstration.',
    );
  }

  /** Through the device's lane, as a command: it waits for its turn, and is on disk before it happens. */
  #act(
    actionType: Command['actionType'],
    { deviceId, limits }: DeviceSnapshot,
    origin: Origin,
    happen: () => void,
  ): Promise<AttemptRecord> {
    const work = async (_device: unknown, ctx: CodeCommandContext) => {
      (await ctx.pointOfNoReturn()).spend();
      happen();
      return {};
    };
    return this.#options.dispatcher.accept(
      { actionType, deviceId, laneClass: 'requested', limits: limits.code, work },
      origin,
    );
  }
}

const inWords: Readonly<Record<SimulatedEvent, string>> = {
  connect: 'its coming back',
  disconnect: 'its being away',
  connect_to_hub: 'a hub that comes back',
  disconnect_from_hub: 'a hub that is away',
  remove: 'its removal',
};

const cannotPlay = ({ name }: DeviceSnapshot, what: string): GatewayError =>
  new GatewayError('unsupported_action', `${name} is simulated, and its simulator does not play ${what}.`);

/** How long what is taken away is given to be gone, in milliseconds, and how often is looked. */
const GONE_MS = 20_000;
const GONE_LOOK_MS = 100;

/**
 * Takes away everything that applications made, each thing as an application would: grants with their codes, codes,
 * thresholds, people, spaces, and what was set for devices. Keys and webhooks stay: whoever reset it still follows it.
 * @throws GatewayError what a part of it throws; `still_in_use` when codes are not gone in time
 */
async function emptyGateway(gateway: Omit<Gateway, 'sandbox'>, origin: Origin): Promise<void> {
  const { accessGrants, accessCodes, noise, userIdentities, spaces, devices, administration, clock } = gateway;
  for (const { deviceId, settings } of devices.list()) {
    if (settings.stopped) await administration.putIntoService(deviceId, origin);
    const customMetadata = Object.fromEntries(Object.keys(settings.customMetadata).map((key) => [key, null]));
    await administration.update(deviceId, { name: null, customMetadata, isManaged: true });
  }
  for (const { accessGrantId } of [...accessGrants.list()]) await accessGrants.delete(accessGrantId);
  for (const { accessCodeId, grant } of accessCodes.list())
    if (grant === undefined) await accessCodes.delete(accessCodeId, origin).catch(unlessGone);
  for (const { noiseThresholdId } of noise.list()) await noise.remove(noiseThresholdId, origin);
  for (const { accessCodeId } of accessCodes.unmanaged.list())
    await accessCodes.unmanaged.delete(accessCodeId, origin).catch(unlessGone);
  const until = clock.now() + GONE_MS;
  const isLeft = () =>
    [...accessGrants.list()].length + accessCodes.list().length + accessCodes.unmanaged.list().length > 0;
  while (isLeft()) {
    if (clock.now() >= until)
      throw new GatewayError(
        'still_in_use',
        'Not all codes are gone from the locks yet; the gateway goes on taking them away. Reset it again in a moment.',
      );
    await sleep(clock, GONE_LOOK_MS);
  }
  for (const { spaceId } of spaces.list()) await spaces.delete(spaceId);
  for (const { userIdentityId } of userIdentities.list()) await userIdentities.delete(userIdentityId);
}

function unlessGone(error: unknown): void {
  if (!(error instanceof GatewayError) || error.type !== 'access_code_not_found') throw error;
}
