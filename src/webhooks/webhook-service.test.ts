import { describe, expect, it } from 'vitest';
import { coreFixture, type FixtureOptions } from '../../test/kit/gateway/core-fixture.ts';
import { ScriptedKeypad } from '../../test/kit/locks/scripted-keypad.ts';
import { ScriptedLock } from '../../test/kit/locks/scripted-lock.ts';
import { hang, verify, WebhookReceiver } from '../../test/kit/sdk/webhook-receiver.ts';
import { GatewayError, Secret } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import type { MemoryStore } from '../store/memory-store.ts';

const url = 'https://hooks.example/strikeplate?token=5829134';
const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

interface SiteOptions {
  readonly before?: { readonly clock: SimulatedClock; readonly store: MemoryStore };
  readonly limit?: number;
  readonly commitMs?: number;
  readonly fixture?: Partial<FixtureOptions>;
}

/** A gateway with two doors and somebody who is sent webhooks. */
async function site({ before, limit, fixture: more }: SiteOptions = {}) {
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
  const restart = (options: SiteOptions = {}) => site({ ...options, before: { clock, store } });
  return { ...fixture, receiver, create, happen, eventIds, restart };
}

describe('a webhook', () => {
  it('gets each event at once, signed so that the official verifier takes it', async () => {
    const { clock, receiver, create, happen, eventIds } = await site();
    const { secret } = await create();
    await happen();
    expect(receiver.ids).toEqual(eventIds());
    const [sent] = receiver.received;
    if (!sent) throw new Error('nothing was sent');
    expect(sent.request.url).toBe(url);
    expect(sent.request.headers['user-agent']).toBe('strikeplate/0.0.0');
    expect(Number(sent.request.headers['svix-timestamp'])).toBe(Math.floor(clock.wallTime() / 1_000));
    expect(sent.event).toMatchObject({ event_type: 'device.tampered', device_id: 'front' });
    // The verifier goes by the machine's own clock.
    expect(() => verify(sent, secret.reveal())).toThrow(/timestamp/i);
    expect(secret.reveal()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(`${secret}`).toBe('***');
  });

  it('gets nothing that is not on disk yet', async () => {
    const { clock, create, happen, receiver, store } = await site();
    await create(['device.tampered']);
    const { kept } = store;
    const answers: ((isKept: boolean) => void)[] = [];
    store.kept = () => new Promise((resolve) => void answers.push(resolve));
    await happen();
    await clock.advance(second);
    expect([answers.length, receiver.received.length]).toEqual([1, 0]);
    answers[0]?.(false);
    await clock.advance(second);
    expect([answers.length, receiver.received.length]).toEqual([2, 0]);
    store.kept = kept;
    answers[1]?.(true);
    await clock.advance(second);
    expect(receiver.received).toHaveLength(1);
  });

  it('is signed as the official verifier reads it', async () => {
    const { receiver, create, happen } = await site({ before: now() });
    const { secret } = await create();
    await happen();
    const [sent] = receiver.received;
    if (!sent) throw new Error('nothing was sent');
    expect(verify(sent, secret.reveal())).toMatchObject({ event_type: 'device.tampered', event_id: sent.id });
    const forged = { request: { ...sent.request, body: sent.request.body.replace('front', 'other') } };
    expect(() => verify(forged, secret.reveal())).toThrow();
  });

  it('gets the events it asked for, from its creation on', async () => {
    const { core, receiver, create, happen, clock } = await site();
    await happen();
    const { webhookId } = await create(['lock.locked', 'device.added']);
    await happen();
    expect(receiver.ids).toEqual([]);
    await core.webhooks.update(webhookId, ['device.tampered']);
    await happen();
    expect(receiver.received).toHaveLength(1);
    await core.webhooks.delete(webhookId);
    await core.webhooks.delete(webhookId);
    await happen();
    await clock.advance(hour);
    expect(receiver.received).toHaveLength(1);
    expect(core.webhooks.list()).toEqual([]);
    await expect(core.webhooks.delete('never')).rejects.toMatchObject({ type: 'webhook_not_found' });
    await expect(core.webhooks.update(webhookId, ['*'])).rejects.toMatchObject({ type: 'webhook_not_found' });
  });

  it('is not made where it may not lead, nor without room', async () => {
    const { core, receiver, store } = await site();
    receiver.check = async () => {
      throw new GatewayError('invalid_input', 'url: no.');
    };
    await expect(core.webhooks.create({ url, eventTypes: ['*'] })).rejects.toMatchObject({ type: 'invalid_input' });
    receiver.check = async () => {};
    store.failNext();
    await expect(core.webhooks.create({ url, eventTypes: ['*'] })).rejects.toMatchObject({
      type: 'storage_unavailable',
    });
    expect(core.webhooks.list()).toEqual([]);
    for (let made = 0; made < 20; made++) await core.webhooks.create({ url, eventTypes: ['*'] });
    await expect(core.webhooks.create({ url, eventTypes: ['*'] })).rejects.toThrow(/20 webhooks/);
  });

  it('keeps its secret off the disk in clear, and over a restart', async () => {
    const { core, store, create, restart } = await site();
    const { webhookId, secret } = await create();
    expect(JSON.stringify(store.read.webhooks())).not.toContain(secret.reveal().slice(6));
    const again = await restart();
    expect(again.core.webhooks.get(webhookId)?.secret.reveal()).toBe(secret.reveal());
    expect(core.webhooks.get(webhookId)?.url).toBe(url);
  });
});

/** Wall time as it is: for the official verifier, which looks at the machine's clock. */
const now = () => {
  const clock = new SimulatedClock(Date.now());
  return { clock, store: coreFixture({ clock, devices: [] }).store };
};

describe('an event that is not taken', () => {
  it('is left out when its secret was damaged on disk, and the others go on', async () => {
    const first = await site();
    const [bad, good] = [await first.create(), await first.create()];
    const { core, receiver, happen, eventIds } = await first.restart({
      fixture: { damaged: new Set([bad.webhookId]) },
    });
    expect(core.webhooks.list().map(({ webhookId }) => webhookId)).toEqual([good.webhookId]);
    await happen();
    expect(receiver.ids.filter((id) => eventIds().includes(id))).toEqual(eventIds());
  });

  it('is tried again in steps from 5 s to 10 h, under the same id, then given up', async () => {
    const { clock, receiver, create, happen, eventIds, core } = await site();
    await create();
    receiver.answer = () => 500;
    await happen();
    const [first] = receiver.received;
    await clock.advance(48 * hour);
    const { received } = receiver;
    expect(new Set(receiver.ids)).toEqual(new Set(eventIds()));
    const waits = received.slice(1).map(({ at }, index) => at - (received[index]?.at ?? 0));
    const first4 = [5 * second, 10 * second, 15 * second, 30 * second];
    const then = [minute, 2 * minute, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour];
    const ladder = [...first4, ...then];
    expect(waits).toHaveLength(ladder.length);
    for (const [index, wait] of waits.entries()) {
      const least = ladder[index] ?? 0;
      expect(wait).toBeGreaterThanOrEqual(least);
      expect(wait).toBeLessThanOrEqual(least * 1.1);
    }
    expect(core.webhooks.queued).toBe(0);
    // Each try is signed anew: receivers refuse what is five minutes old.
    expect(received[2]?.request.headers['svix-timestamp']).not.toBe(first?.request.headers['svix-timestamp']);
    expect(received[2]?.request.body).toBe(first?.request.body);
  });

  it.each<[string, WebhookReceiver['answer']]>([
    ['a redirect', () => 302],
    ['a refusal', () => 404],
    ['a connection that fails', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['no answer within 15 s', hang],
  ])('comes again after %s', async (_what, answer) => {
    const { clock, receiver, create, happen, core } = await site();
    await create();
    receiver.answer = answer;
    await happen();
    await clock.advance(15 * second);
    receiver.answer = () => 204;
    await clock.advance(6 * minute);
    expect(new Set(receiver.ids).size).toBe(1);
    expect(receiver.received.length).toBeGreaterThan(1);
    expect(core.webhooks.queued).toBe(0);
  });

  it('holds up what comes after it of the same object, and nothing of others', async () => {
    const { clock, receiver, create, happen, eventIds } = await site();
    await create();
    let refused = 1;
    receiver.answer = ({ event }) => (event.device_id === 'front' && refused-- > 0 ? 503 : 200);
    await happen('front', 3);
    await happen('back', 2);
    const taken = () => receiver.received.map(({ event }) => event.event_id);
    // The back door's first is taken: the receiver is there, so the front door's is sent again at once.
    await clock.advance(6 * second);
    const [one, two, three] = eventIds('front');
    expect(taken().filter((id) => eventIds('front').includes(id))).toEqual([one, one, two, three]);
    expect(taken().filter((id) => eventIds('back').includes(id))).toEqual(eventIds('back'));
  });

  it('holds up nothing else when it cannot be put into words', async () => {
    const { clock, core, receiver, create, happen, eventIds } = await site({ fixture: { webhooksIncludeCodes: true } });
    await create();
    core.accessCodes.get = () => {
      throw new GatewayError('misconfigured', 'The digits of access code 7 cannot be read.');
    };
    const about = { deviceId: 'front', accessCodeId: '7', occurredAt: clock.wallTime() };
    core.events.append([{ eventType: 'access_code.set_on_device', ...about }]);
    await happen('back', 2);
    await clock.advance(minute);
    expect(receiver.ids).toEqual(eventIds('back'));
    expect(core.webhooks.queued).toBe(1);
  });

  it('is sent as soon as the receiver takes another one', async () => {
    const { clock, receiver, create, happen, core } = await site();
    await create();
    receiver.answer = () => 500;
    await happen('front', 2);
    await clock.advance(10 * minute);
    receiver.answer = () => 200;
    await clock.advance(second);
    expect(core.webhooks.queued).toBe(2);
    await happen('back');
    expect(core.webhooks.queued).toBe(0);
  });

  it('waits no longer than the ladder though the clock is set, and is given up after three days', async () => {
    const { clock, receiver, create, happen, core } = await site();
    await create();
    receiver.answer = () => 500;
    await happen('front', 2);
    clock.setWallTime(clock.wallTime() - 365 * 24 * hour);
    await clock.advance(6 * second);
    expect(receiver.received).toHaveLength(2);
    clock.setWallTime(clock.wallTime() + (365 * 24 + 73) * hour);
    await clock.advance(6 * minute);
    expect(receiver.received).toHaveLength(2);
    expect(core.webhooks.queued).toBe(0);
  });
});

describe('a receiver that was away', () => {
  it('for 15 s hears what it missed within half a minute', async () => {
    const { clock, receiver, create, happen, core } = await site();
    await create();
    receiver.answer = () => Promise.reject(new Error('ECONNREFUSED'));
    await happen('front', 2);
    await clock.advance(15 * second);
    receiver.answer = () => 204;
    await clock.advance(20 * second);
    expect(core.webhooks.queued).toBe(0);
  });

  it('for long hears of something new at once, after what it missed of the same device', async () => {
    const { clock, receiver, create, happen, eventIds, core } = await site();
    await create();
    receiver.answer = () => 500;
    await happen('front', 2);
    await clock.advance(20 * minute);
    const { length } = receiver.received;
    receiver.answer = () => 204;
    await happen('front');
    await clock.advance(second);
    expect(receiver.ids.slice(length)).toEqual(eventIds());
    expect(core.webhooks.queued).toBe(0);
  });

  it('and stays away is not tried more often than every 5 s for that, and no event loses a try', async () => {
    const { clock, receiver, create, happen, core } = await site();
    await create();
    receiver.answer = () => 500;
    await happen('front');
    await clock.advance(10 * minute);
    const { length } = receiver.received;
    for (let each = 0; each < 120; each++) {
      await happen('front');
      await clock.advance(500);
    }
    expect(receiver.received.length - length).toBeLessThanOrEqual(13);
    expect(receiver.received.length - length).toBeGreaterThanOrEqual(10);
    expect(core.webhooks.queued).toBe(121);
    receiver.answer = () => 204;
    await clock.advance(30 * minute);
    expect(core.webhooks.queued).toBe(0);
  });
});

describe('the queue', () => {
  it('outlives a restart, in order, under the same ids, with what was missed meanwhile', async () => {
    const first = await site();
    await first.create();
    first.receiver.answer = () => 500;
    await first.happen('front', 3);
    await first.happen('back', 2);
    await first.clock.advance(10 * minute);
    // Not noted yet when the process dies.
    await first.happen('back');
    const again = await first.restart();
    // What was not noted is new to this run, and a reason to try.
    expect(again.core.webhooks.queued + again.receiver.received.length).toBe(6);
    await again.clock.advance(hour);
    const of = (device: string) =>
      again.receiver.received.filter(({ event }) => event.device_id === device).map(({ id }) => id);
    expect(of('front')).toEqual(again.eventIds('front'));
    expect(of('back')).toEqual(again.eventIds('back'));
    expect(again.core.webhooks.queued).toBe(0);
    expect(again.store.read.webhookDeliveries(again.core.webhooks.list()[0]?.webhookId ?? '')).toEqual([]);
  });

  it('goes on with the ladder where it was after a restart', async () => {
    const first = await site();
    await first.create();
    first.receiver.answer = () => 500;
    await first.happen();
    await first.clock.advance(6 * minute);
    expect(first.receiver.received).toHaveLength(7);
    const again = await first.restart();
    again.receiver.answer = () => 500;
    await again.clock.advance(2 * minute);
    expect(again.receiver.received).toHaveLength(0);
    await again.clock.advance(2 * minute);
    expect(again.receiver.received).toHaveLength(1);
  });

  it('repeats nothing after an orderly stop, and only what was not noted after a crash', async () => {
    const first = await site();
    await first.create();
    await first.happen('front', 5);
    await first.core.stop(0);
    const again = await first.restart();
    await again.clock.advance(minute);
    expect(again.receiver.received).toHaveLength(0);
    await again.happen('front', 2);
    const third = await again.restart();
    await third.clock.advance(minute);
    expect(third.receiver.ids).toEqual(again.eventIds().slice(-2));
  });

  it('stops with the gateway though a receiver hangs', async () => {
    const { core, clock, receiver, create, happen, restart } = await site();
    await create();
    receiver.answer = hang;
    await happen();
    expect(receiver.open).toBe(1);
    await clock.until(core.stop(0));
    expect(receiver.open).toBe(0);
    const again = await restart();
    await again.clock.advance(second);
    expect(again.receiver.received).toHaveLength(1);
  });

  it('keeps so many, and lets the oldest go', async () => {
    const { receiver, create, happen, core, eventIds, clock } = await site({ limit: 10 });
    await create();
    receiver.answer = () => 500;
    await happen('front', 25);
    expect(core.webhooks.queued).toBe(10);
    receiver.answer = () => 200;
    receiver.received.length = 0;
    await clock.advance(minute);
    // The one that was under way, and the newest.
    expect(receiver.ids).toEqual([eventIds()[0], ...eventIds().slice(-9)]);
  });

  it('sends two at a time, whatever waits', async () => {
    const { receiver, create, happen } = await site();
    await create();
    receiver.answer = hang;
    await happen('front', 5);
    await happen('back', 5);
    expect(receiver.open).toBe(2);
  });

  it('is written down behind everybody’s back, in small commits, and again when that fails', async () => {
    const { clock, store, receiver, create, happen, core } = await site();
    const { webhookId } = await create();
    receiver.answer = () => 500;
    await happen('front', 450);
    const { commits } = store.stats;
    expect(store.read.webhookDeliveries(webhookId)).toEqual([]);
    store.failNext();
    await clock.advance(second);
    expect(store.read.webhookDeliveries(webhookId)).toEqual([]);
    await clock.advance(6 * second);
    expect(store.read.webhookDeliveries(webhookId)).toHaveLength(450);
    expect(store.stats.commits - commits).toBeLessThan(12);
    expect(store.read.webhook(webhookId)?.afterSeq).toBe(core.events.highestSeq);
  });
});

describe('digits in webhooks', () => {
  it.each([
    [false, undefined],
    [true, '5829'],
  ])('are there only when configuration says so (%s)', async (webhooksIncludeCodes, code) => {
    const lock = new ScriptedLock();
    lock.keypad = new ScriptedKeypad();
    const { core, clock, receiver, origin } = await site({
      fixture: { webhooksIncludeCodes, devices: [{ slug: 'front', driver: lock.driver, link: lock.link }] },
    });
    await core.webhooks.create({ url, eventTypes: ['lock.unlocked'] });
    const made = await core.accessCodes.create({ deviceId: 'front', code: new Secret('5829') }, origin());
    await clock.advance(second);
    const slot = [...Array(30).keys()].find((at) => core.accessCodes.atSlot('front', at)) ?? 0;
    lock.report({ kind: 'lock_operated', operation: 'unlocked', method: 'keycode', slot });
    await clock.advance(second);
    const [event] = receiver.received.map((delivery) => delivery.event);
    expect(event).toMatchObject({ access_code_id: made.code.accessCodeId });
    expect(JSON.stringify(event).includes('5829')).toBe(code !== undefined);
  });
});
