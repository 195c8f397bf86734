import type { Logger } from 'pino';
import { AccessCodeService } from '../access-codes/access-code-service.ts';
import { CodeRepository, type CodeVault } from '../access-codes/code-repository.ts';
import { type AccessCodeSettings, usualSettings } from '../access-codes/settings.ts';
import { type TimeSource, TrustedClock } from '../access-codes/trusted-clock.ts';
import { AccessGrantService } from '../access-grants/access-grant-service.ts';
import { GrantRepository } from '../access-grants/grant-repository.ts';
import { GrantWork, rewordGrants } from '../access-grants/grant-work.ts';
import type { GrantVault } from '../access-grants/provisioning-options.ts';
import { SpaceService } from '../access-grants/space-service.ts';
import { UserIdentityService } from '../access-grants/user-identity-service.ts';
import { AttemptRegistry } from '../attempts/attempt-registry.ts';
import { Dispatcher } from '../attempts/dispatcher.ts';
import { DoorCommands } from '../attempts/doors.ts';
import { recover } from '../attempts/recovery.ts';
import { DeadlineWheel } from '../attempts/settler.ts';
import type { Clock } from '../contract/index.ts';
import { DeviceEventProjector } from '../device-events/device-event-projector.ts';
import { DeviceRegistry } from '../devices/device-registry.ts';
import { DeviceAdministrator, keptSettingsOf, keptSettingsOfAll } from '../devices/device-settings.ts';
import type { ManagedDeviceOptions } from '../devices/managed-device.ts';
import { EventLog } from '../events/event-log.ts';
import type { Gateway, GatewayIdentity, LinkReport } from '../model/gateway.ts';
import { type Permission, reaches } from '../model/permission.ts';
import type { WebhookRecord } from '../model/records.ts';
import type { Rewording } from '../model/rewording.ts';
import type { PlayedDevice } from '../model/sandbox.ts';
import type { Store } from '../model/store.ts';
import { longestNoiseDays, NoiseService } from '../noise/noise-service.ts';
import { SandboxService } from '../sandbox/sandbox-service.ts';
import type { WebhookSender } from '../webhooks/webhook-sender.ts';
import { WebhookService, type WebhookVault } from '../webhooks/webhook-service.ts';
import { Serializers } from '../wire/serializers.ts';
import { type AgingKind, KeptByAge } from './housekeeping.ts';

export interface CoreOptions {
  readonly identity: GatewayIdentity;
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  /** A number in [0, 1): jitter; never keys. */
  readonly random: () => number;
  /** An unpredictable whole number from 0 up to, but not including, its argument. */
  readonly randomInt: (below: number) => number;
  /** UUIDv7 */
  readonly newId: () => string;
  readonly vault: CodeVault & WebhookVault & GrantVault;
  readonly accessCodes?: AccessCodeSettings;
  /** For how many days things are kept. */
  readonly keptDays?: {
    /** People whom nothing refers to; for ever unless told. */
    readonly people: number | undefined;
    readonly noise: number;
  };
  /** Without it only an operator can confirm the time. */
  readonly timeSource?: TimeSource;
  readonly devices: readonly ManagedDeviceOptions[];
  /** A device that is played in this process; undefined for a real one. */
  readonly played?: (deviceId: string) => PlayedDevice | undefined;
  readonly links: () => readonly LinkReport[];
  /** What an API key may do now; undefined once it is gone. */
  readonly permissionOf: (keyId: string) => Permission | undefined;
  /** Unpredictable bytes: for keys. */
  readonly randomBytes: (size: number) => Uint8Array;
  readonly webhooks: {
    readonly sender: WebhookSender;
    /** Whether access codes' digits are sent along. */
    readonly includesCodes: boolean;
    /** How many events may wait for one receiver. */
    readonly limit: number;
  };
}

/** People who are deleted in one commit. A guess. */
const PEOPLE_AT_ONCE = 100;

/** How long a device that is given up may go on with what was asked of it, in milliseconds: longer than any deadline. */
const retirePatienceMs = 65_000;

/** A change of the devices that is under way. */
export interface DevicesChanging {
  /** By id: resolves when the old one is closed. */
  readonly closed: ReadonlyMap<string, Promise<void>>;
  /** @param readyFor resolves when the link of a new one is there */
  openAfter(readyFor: (deviceId: string) => Promise<unknown>): Promise<void>;
}

/** Attempts, devices, doors, codes and noise, put together: what everything else in the process calls. */
export class Core implements Gateway {
  readonly identity: GatewayIdentity;
  readonly clock: Clock;
  readonly devices: DeviceRegistry;
  readonly administration: DeviceAdministrator;
  readonly attempts: AttemptRegistry;
  readonly doors: DoorCommands;
  readonly accessCodes: AccessCodeService;
  readonly userIdentities: UserIdentityService;
  readonly spaces: SpaceService;
  readonly accessGrants: AccessGrantService;
  readonly noise: NoiseService;
  readonly events: EventLog;
  readonly time: TrustedClock;
  readonly webhooks: WebhookService;
  readonly sandbox: SandboxService;
  readonly links: () => readonly LinkReport[];
  readonly laneDepth: (deviceId: string) => number;
  readonly #store: Store;
  readonly #dispatcher: Dispatcher;
  readonly #wheel: DeadlineWheel;
  readonly #options: CoreOptions;
  readonly #grants: GrantWork;
  readonly #keptByAge: KeptByAge;
  /** Devices that were given up, until they are closed. */
  readonly #retiring = new Set<Promise<void>>();
  #projector: DeviceEventProjector | undefined;

  constructor(options: CoreOptions) {
    const { clock, store, vault } = options;
    this.identity = options.identity;
    this.clock = clock;
    this.links = options.links;
    this.#store = store;
    this.events = new EventLog(options);
    this.#options = options;
    let settingsOf = keptSettingsOfAll(store.read);
    const registry = new DeviceRegistry(options.devices, (deviceId) => settingsOf(deviceId));
    settingsOf = (deviceId) => keptSettingsOf(store.read, deviceId);
    const attempts = new AttemptRegistry(store.read);
    this.laneDepth = (deviceId) => registry.laneDepth(deviceId);
    this.#wheel = new DeadlineWheel(clock);
    const dispatcher = new Dispatcher({
      ...options,
      events: this.events,
      registry,
      attempts,
      wheel: this.#wheel,
    });
    const time = new TrustedClock({ ...options, source: options.timeSource ?? nobody });
    const settings = options.accessCodes ?? usualSettings;
    const repository = new CodeRepository({
      store: store.read,
      vault,
      settings,
      events: this.events,
      moment: () => time.moment(),
      rulesOf: (deviceId) => registry.get(deviceId)?.capabilities.accessCodes,
    });
    this.time = time;
    this.devices = registry;
    this.administration = new DeviceAdministrator({ ...options, registry, events: this.events });
    this.attempts = attempts;
    this.#dispatcher = dispatcher;
    this.doors = new DoorCommands(registry, dispatcher);
    this.accessCodes = new AccessCodeService({
      ...options,
      registry,
      dispatcher,
      attempts,
      repository,
      time,
      settings,
    });
    this.#grants = new GrantWork({
      ...options,
      repository: new GrantRepository(store.read, this.events),
      codes: this.accessCodes.ofGrants,
      moment: () => time.moment(),
      registry,
      capabilitiesKnown: (deviceId) =>
        registry.get(deviceId) === undefined || registry.require(deviceId).capabilitiesKnown,
    });
    this.userIdentities = new UserIdentityService(this.#grants);
    this.spaces = new SpaceService(this.#grants);
    this.accessGrants = new AccessGrantService(this.#grants, this.userIdentities, this.spaces);
    const { noise: levelDays } = options.keptDays ?? {};
    this.noise = new NoiseService({ ...options, levelDays, registry, dispatcher, attempts, events: this.events });
    this.#keptByAge = new KeptByAge({ ...options, isClockSure: () => time.moment().sure, kinds: this.#agingKinds() });
    this.webhooks = this.#webhookService(options);
    const played = options.played ?? (() => undefined);
    this.sandbox = new SandboxService({ gateway: this, registry, dispatcher, played });
  }

  #agingKinds(): AgingKind[] {
    const { people, noise = longestNoiseDays } = this.#options.keptDays ?? {};
    const ofNoise: AgingKind = {
      name: 'noise levels',
      days: noise,
      forgetSome: (before) => this.noise.forgetOlder(before),
    };
    if (people === undefined) return [ofNoise];
    const forgetSome = async (before: number) =>
      (await this.userIdentities.deleteUnused(before, PEOPLE_AT_ONCE)) === PEOPLE_AT_ONCE;
    return [ofNoise, { name: 'people', days: people, forgetSome }];
  }

  #webhookService(options: CoreOptions): WebhookService {
    const { webhooks, permissionOf } = options;
    const answers = new Serializers(this);
    /** Undefined: a webhook of the whole gateway. Null: its key is gone, and nothing is sent any more. */
    const ownerOf = ({ keyId }: WebhookRecord) => (keyId === undefined ? undefined : (permissionOf(keyId) ?? null));
    return new WebhookService({
      ...options,
      ...options.webhooks,
      events: this.events,
      userAgent: `strikeplate/${options.identity.version}`,
      sees: (event, webhook) => {
        const owner = ownerOf(webhook);
        return owner === undefined || (owner !== null && reaches(owner, event.deviceId));
      },
      render: (event, webhook) =>
        answers.event(event, {
          may: (scope) => webhooks.includesCodes && ownerOf(webhook)?.scopes.has(scope) !== false,
        }),
    });
  }

  kept(): true | Promise<boolean> {
    return this.#store.kept();
  }

  /** Takes somebody's name out of what codes, people, spaces and grants are kept under. @returns in how many of them */
  async reword(words: Rewording): Promise<number> {
    return (await this.accessCodes.reword(words)) + (await rewordGrants(this.#grants, words));
  }

  get ready(): Gateway['ready'] {
    return this.#store.accepting ? { ok: true } : { ok: false, reason: 'the disk that holds the state is full' };
  }

  /** Opens the devices and ends what an earlier run left pending; nothing of that is ever dispatched. */
  async start(): Promise<void> {
    this.#projector = new DeviceEventProjector({
      ...this.#options,
      registry: this.devices,
      attempts: this.attempts,
      events: this.events,
      codeAt: (deviceId, slot) => this.accessCodes.atSlot(deviceId, slot)?.accessCodeId,
    });
    this.webhooks.start();
    await this.devices.open();
    recover({
      clock: this.clock,
      store: this.#store.read,
      registry: this.devices,
      dispatcher: this.#dispatcher,
      ofSubject: this.accessCodes.recovery,
    });
    this.noise.start();
    this.time.start();
    this.#grants.start();
    this.accessCodes.start();
    this.#keptByAge.start();
  }

  /**
   * Takes over other devices while it runs. Those that stay do not notice; a changed one ends what was asked of it, and
   * what is asked from now on waits for the new one, which opens when it is told to.
   * @param wanted in the order of the configuration: the id of one that stays, or one that is new or was changed
   */
  changeDevices(wanted: readonly (string | ManagedDeviceOptions)[]): DevicesChanging {
    const { old, fresh } = this.devices.change(wanted);
    this.#projector?.rosterChanged();
    const forgotten = this.noise.forget(old.keys());
    const closed = new Map([...old].map(([deviceId, device]) => [deviceId, device.retire(retirePatienceMs)]));
    for (const end of closed.values()) {
      this.#retiring.add(end);
      void end.then(() => this.#retiring.delete(end));
    }
    this.accessCodes.rosterChanged();
    return {
      closed,
      openAfter: async (readyFor) => {
        const opened = [...fresh].map(([deviceId, device]) => {
          const ready = Promise.all([closed.get(deviceId), readyFor(deviceId)]);
          return device.openAfter(ready);
        });
        await Promise.all([forgotten, ...closed.values(), ...opened]);
      },
    };
  }

  /** @param patienceMs how long commands that were sent may go on looking for their outcome */
  async stop(patienceMs: number): Promise<void> {
    this.#keptByAge.close();
    this.#grants.close();
    this.accessCodes.close();
    await this.#dispatcher.stop(patienceMs);
    await Promise.all(this.#retiring);
    this.time.close();
    await this.noise.close();
    this.#wheel.close();
    this.#projector?.close();
    await this.devices.close();
    await this.webhooks.close();
    this.events.close();
  }
}

const nobody: TimeSource = { isSynchronised: async () => false };
