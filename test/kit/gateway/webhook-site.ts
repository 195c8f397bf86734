import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import { ScriptedLock } from '../locks/scripted-lock.ts';
import { WebhookReceiver } from '../sdk/webhook-receiver.ts';
import { coreFixture, type FixtureOptions } from './core-fixture.ts';

export const url = 'https://hooks.example/strikeplate?token=5829134';
export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;

interface SiteOptions {
  readonly before?: { readonly clock: SimulatedClock; readonly store: MemoryStore };
  readonly limit?: number;
  readonly commitMs?: number;
  readonly fixture?: Partial<FixtureOptions>;
}

/** A gateway with two doors and somebody who is sent webhooks. */
export async function webhookSite({ before, limit, fixture: more }: SiteOptions = {}) {
  const clock = before?.clock ?? new SimulatedClock();
  const receiver = new WebhookReceiver(() => clock.wallTime());
  const front = new ScriptedLock();
  const back = new ScriptedLock();
  const fixture = coreFixture({
    clock,
    ...(before && { store: before.store.crash() }),
    webhookSender: receiver,
    ...(limit !== undefined && { webhookLimit: limit }),
    devices: [
      { slug: 'front', driver: front.driver, link: front.link },
      { slug: 'back', driver: back.driver, link: back.link },
    ],
    ...more,
  });
  const { core, store } = fixture;
  await core.start();
  await clock.settle();
  const create = async (eventTypes: readonly string[] = ['*']) => {
    const webhook = await core.webhooks.create({ url, eventTypes });
    receiver.received.length = 0;
    return webhook;
  };
  /** So many tampered events of a device. */
  const happen = async (deviceId = 'front', times = 1) => {
    for (let time = 0; time < times; time++) {
      core.events.append([{ eventType: 'device.tampered', deviceId, occurredAt: clock.wallTime() }]);
    }
    await clock.settle();
  };
  const eventIds = (deviceId?: string) =>
    core.events
      .list({ limit: 20_000, eventTypes: ['device.tampered'], ...(deviceId && { deviceIds: [deviceId] }) })
      .map(({ eventId }) => eventId);
  const restart = (options: SiteOptions = {}) => webhookSite({ ...options, before: { clock, store } });
  return { ...fixture, receiver, create, happen, eventIds, restart };
}
