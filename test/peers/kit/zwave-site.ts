import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zwave } from '../../../drivers/zwave/node/driver.ts';
import { SimulatedZwaveNetwork } from '../../../drivers/zwave/node/simulator.ts';
import { simulatedNetwork } from '../../../drivers/zwave/node/simulator-settings.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { type AutoLock, Secret, type TimeLimits } from '../../../src/contract/index.ts';
import { recordLog } from '../../../src/driver-testing/recorded-log.ts';
import type { AttemptRecord } from '../../../src/model/records.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { ttyCarrier } from '../../../src/transports/serial/index.ts';
import {
  loadZwaveDatabases,
  loadZwaveLibrary,
  type ZwaveNetworkKeys,
  ZwaveStick,
} from '../../../src/transports/zwave/index.ts';
import { coreFixture } from '../../kit/gateway/core-fixture.ts';
import { LibraryTime } from './library-time.ts';
import { TtyPair } from './tty-pair.ts';
import { TtyTraffic } from './tty-traffic.ts';

/** Of the stick; a pseudo terminal paces nothing. */
const line = { baudRate: 115_200, parity: 'none', stopBits: 1 } as const;
const clock = systemClock;

export type Keys = Required<
  Pick<ZwaveNetworkKeys, 'S0_Legacy' | 'S2_Unauthenticated' | 'S2_Authenticated' | 'S2_AccessControl'>
>;

export function newKeys(): Keys {
  const key = () => Uint8Array.from(randomBytes(16));
  return { S0_Legacy: key(), S2_Unauthenticated: key(), S2_Authenticated: key(), S2_AccessControl: key() };
}

/** How one attempt ended. */
export interface Story {
  readonly status: string | undefined;
  readonly error?: string | undefined;
  readonly confirmed?: unknown;
  readonly tookMs: number;
}

const toldBy = (startedAt: number, { settlement }: AttemptRecord): Story => {
  const tookMs = clock.now() - startedAt;
  if (settlement?.status !== 'success') return { status: settlement?.status, error: settlement?.error.type, tookMs };
  return { status: 'success', confirmed: settlement.result.was_confirmed_by_device, tookMs };
};

/** Looks again until it is so, in the time that there is. The test's own limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A simulated network at the far end of a tty, for as long as a test wants it; gateways come and go. */
export class ZwaveNetwork {
  readonly keys: Keys;
  readonly ttys: TtyPair;
  readonly simulated: SimulatedZwaveNetwork;
  readonly traffic: TtyTraffic;
  readonly #close: () => Promise<void>;

  private constructor(
    keys: Keys,
    ttys: TtyPair,
    simulated: SimulatedZwaveNetwork,
    traffic: TtyTraffic,
    close: () => Promise<void>,
  ) {
    this.keys = keys;
    this.ttys = ttys;
    this.simulated = simulated;
    this.traffic = traffic;
    this.#close = close;
  }

  static async open(nodes: readonly object[], homeId = '7e570001', keys = newKeys()): Promise<ZwaveNetwork> {
    const settings = simulatedNetwork.parse({ home_id: homeId, nodes });
    const simulated = await SimulatedZwaveNetwork.create({ settings, keys, clock });
    const ttys = await TtyPair.open();
    const events = { bytes: (bytes: Buffer) => simulated.receive(bytes), lost: () => undefined };
    const traffic = new TtyTraffic();
    const far = await traffic.far(ttyCarrier(ttys.far, line)).open(events);
    const stop = simulated.onBytes((bytes) => void far.write(bytes).catch(() => undefined));
    return new ZwaveNetwork(keys, ttys, simulated, traffic, async () => {
      stop();
      simulated.close();
      await far.close();
      await ttys.close();
    });
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** The time of the library, and of all else here, while the networks speak. */
export const libraryTime = (networks: () => readonly ZwaveNetwork[]): LibraryTime =>
  new LibraryTime(() => networks().some(({ traffic, ttys }) => traffic.isUnderWay || ttys.isChanging));

export interface SiteOptions {
  /** Node numbers of locks with codes. */
  readonly keypads?: readonly number[];
  readonly locks?: readonly number[];
  readonly sensors?: readonly number[];
  readonly cacheDir?: string;
  readonly keys?: Keys;
  readonly homeId?: string;
  readonly databases?: ConstructorParameters<typeof ZwaveStick>[0]['databases'];
  /** Of the locks' doors, where the driver's own are too short for what a busy machine takes. */
  readonly door?: TimeLimits;
}

/** The whole core over the real stick, on the process's clock: zwave-js takes no other, see {@link LibraryTime}. */
export async function zwaveSite(network: ZwaveNetwork, options: SiteOptions) {
  const cacheDir = options.cacheDir ?? mkdtempSync(join(tmpdir(), 'zwave-cache-'));
  const log = recordLog();
  const remembered: string[] = [];
  const stick = new ZwaveStick({
    name: 'stick',
    socket: network.traffic.near(ttyCarrier(network.ttys.near, line)),
    keys: options.keys ?? network.keys,
    cacheDir,
    homeId: options.homeId,
    remember: (homeId) => remembered.push(homeId),
    library: await loadZwaveLibrary(),
    databases: options.databases ?? (await loadZwaveDatabases()),
    clock,
    random: Math.random,
    log: log.logger,
  });
  const device = (node: number, settings: object) => ({
    slug: `node-${node}`,
    driver: { ...zwave, ...(options.door && { limits: { door: options.door } }) } as never,
    settings: zwave.settings.parse(settings),
    link: stick.link(node),
  });
  const { keypads = [], locks = [], sensors = [] } = options;
  const fixture = coreFixture({
    processClock: clock,
    store: new MemoryStore({ clock }),
    devices: [
      ...keypads.map((node) => device(node, { pin_slots: { first: 1, count: 5 } })),
      ...locks.map((node) => device(node, {})),
      ...sensors.map((node) => device(node, { kind: 'noise' })),
    ],
  });
  const { core, end } = fixture;
  const origin = () => ({ actor: { kind: 'cli', name: 'test' } as const, receivedAt: clock.now() });
  stick.start();
  await core.start();
  const at = (node: number) => core.devices.get(`node-${node}`);
  const online = (nodes: readonly number[]) => until(() => nodes.every((node) => at(node)?.health.status === 'online'));
  const stories: Story[] = [];
  const storyOf = (startedAt: number, attempt: AttemptRecord): Story => {
    const story = toldBy(startedAt, attempt);
    stories.push(story);
    return story;
  };
  const door = async (node: number, action: 'lock' | 'unlock'): Promise<Story> => {
    const startedAt = clock.now();
    return storyOf(startedAt, await end(await core.doors[action](`node-${node}`, origin())));
  };
  const autoLock = async (node: number, wanted: AutoLock): Promise<Story> => {
    const startedAt = clock.now();
    return storyOf(startedAt, await end(await core.doors.configureAutoLock(`node-${node}`, wanted, origin())));
  };
  const addCode = async (node: number, digits: string) => {
    const startedAt = clock.now();
    const { attempt, code } = await core.accessCodes.create(
      { deviceId: `node-${node}`, code: new Secret(digits) },
      origin(),
    );
    return { ...storyOf(startedAt, await end(attempt)), id: code.accessCodeId };
  };
  const removeCode = async (id: string): Promise<Story> => {
    const startedAt = clock.now();
    return storyOf(startedAt, await end(await core.accessCodes.delete(id, origin())));
  };
  return {
    ...{ core, stick, log, stories, cacheDir, remembered, at, online, door, autoLock, addCode, removeCode },
    /** Ends the gateway; the network and what the gateway knew of it stay. */
    async stop() {
      await core.stop(0);
      await stick.close();
    },
    async close() {
      await this.stop();
      rmSync(cacheDir, { recursive: true, force: true });
    },
  };
}

export type ZwaveSite = Awaited<ReturnType<typeof zwaveSite>>;
