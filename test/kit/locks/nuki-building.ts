import { formatCredentials, securityPin } from '../../../drivers/ble/nuki/credentials.ts';
import { nuki } from '../../../drivers/ble/nuki/driver.ts';
import { settings } from '../../../drivers/ble/nuki/settings.ts';
import { SimulatedNuki, type SimulatedNukiOptions } from '../../../drivers/ble/nuki/simulator.ts';
import type { Secret } from '../../../src/contract/index.ts';
import type { AttemptRecord } from '../../../src/model/records.ts';
import { coreFixture } from '../gateway/core-fixture.ts';
import { type RadioFixtureOptions, radioFixture } from '../radio/radio-fixture.ts';

export interface NukiBuildingOptions extends RadioFixtureOptions {
  readonly lock?: Partial<SimulatedNukiOptions>;
  readonly locks?: number;
}

/** How one attempt ended, with what the gateway says and what the bolt did. */
export interface Story {
  readonly status: string;
  readonly error: string | undefined;
  readonly confirmed: unknown;
  /** Milliseconds from acceptance to the end. */
  readonly tookMs: number;
}

/** The gateway's core with Nuki locks on one adapter, everything between them real but the radio. */
export async function nukiBuilding(options: NukiBuildingOptions = {}) {
  const radio = await radioFixture({ air: { pacing: 'events', advertisingIntervalMs: 100 }, ...options });
  const { clock, random } = radio;
  const randomBytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  await radio.up();
  const doors: { slug: string; lock: SimulatedNuki; address: string; credentials: Secret }[] = [];
  for (let at = 0; at < (options.locks ?? 1); at++) {
    const lock = new SimulatedNuki({
      clock,
      randomBytes,
      nukiId: 0x100 + at,
      announcesChanges: false,
      ...options.lock,
    });
    const { address } = await radio.serve(lock);
    const sharedKey = Buffer.alloc(32, at + 1);
    const { authorizationId } = lock.authorize({ sharedKey, appId: 77, idType: 0, name: 'gateway' });
    const pin = securityPin(1234, 'classic');
    const credentials = formatCredentials({ authorizationId, sharedKey, appId: 77, protocol: 'classic', pin });
    doors.push({ slug: `door-${at}`, lock, address, credentials });
  }
  const core = coreFixture({
    clock,
    devices: doors.map(({ slug, address, credentials }) => ({
      ...{ slug, credentials, driver: nuki as never, settings: settings.parse({ keypad: true }) },
      link: radio.adapter.link({ address, addressType: 'public' }, slug),
    })),
  });
  await clock.until(core.core.start());
  // Every lock is read once when its device was opened; what a test asks for comes after that.
  await clock.advance(6_000);
  for (const { lock } of doors) lock.history.length = 0;
  const first = doors[0];
  if (first === undefined) throw new Error('a building without doors');

  const story = (accepted: number, { settlement }: AttemptRecord): Story => ({
    status: settlement?.status ?? 'pending',
    error: settlement?.status === 'error' ? settlement.error.type : undefined,
    confirmed: settlement?.status === 'success' ? settlement.result.was_confirmed_by_device : undefined,
    tookMs: clock.now() - accepted,
  });

  async function command(action: 'lock' | 'unlock', at = 0): Promise<Story> {
    const began = clock.now();
    const attempt = await core.core.doors[action](`door-${at}`, core.origin());
    return story(began, await core.end(attempt));
  }

  return {
    ...radio,
    core,
    doors,
    lock: first.lock,
    address: first.address,
    /** Begins a command; the clock is the test's to move. */
    command,
    run: (action: 'lock' | 'unlock', at = 0) => clock.until(command(action, at)),
    async close(): Promise<void> {
      await clock.until(core.core.stop(0));
      for (const { lock } of doors) lock.stop();
      await radio.close();
    },
  };
}

export type NukiBuilding = Awaited<ReturnType<typeof nukiBuilding>>;
