import { describe, expect, it } from 'vitest';
import { coreFixture } from '../../test/kit/gateway/core-fixture.ts';
import { hour, minute, second, url, webhookSite } from '../../test/kit/gateway/webhook-site.ts';
import { hang, verify, type WebhookReceiver } from '../../test/kit/sdk/webhook-receiver.ts';
import { GatewayError } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';

describe('a webhook', () => {
  it('gets each event at once, signed so that the official verifier takes it', async () => {
    const { clock, receiver, create, happen, eventIds } = await webhookSite();
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
    const { clock, create, happen, receiver, store } = await webhookSite();
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
    const { receiver, create, happen } = await webhookSite({ before: now() });
    const { secret } = await create();
    await happen();
    const [sent] = receiver.received;
    if (!sent) throw new Error('nothing was sent');
    expect(verify(sent, secret.reveal())).toMatchObject({ event_type: 'device.tampered', event_id: sent.id });
    const forged = { request: { ...sent.request, body: sent.request.body.replace('front', 'other') } };
    expect(() => verify(forged, secret.reveal())).toThrow();
  });

  it('gets the events it asked for, from its creation on', async () => {
    const { core, receiver, create, happen, clock } = await webhookSite();
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
    const { core, receiver, store } = await webhookSite();
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
    const { core, store, create, restart } = await webhookSite();
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
    const first = await webhookSite();
    const [bad, good] = [await first.create(), await first.create()];
    const { core, receiver, happen, eventIds } = await first.restart({
      fixture: { damaged: new Set([bad.webhookId]) },
    });
    expect(core.webhooks.list().map(({ webhookId }) => webhookId)).toEqual([good.webhookId]);
    await happen();
    expect(receiver.ids.filter((id) => eventIds().includes(id))).toEqual(eventIds());
  });

  it('is tried again in steps from 5 s to 10 h, under the same id, then given up', async () => {
    const { clock, receiver, create, happen, eventIds, core } = await webhookSite();
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
    const backoff = [...first4, ...then];
    expect(waits).toHaveLength(backoff.length);
    for (const [index, wait] of waits.entries()) {
      const least = backoff[index] ?? 0;
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
    const { clock, receiver, create, happen, core } = await webhookSite();
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
    const { clock, receiver, create, happen, eventIds } = await webhookSite();
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
    const { clock, core, receiver, create, happen, eventIds } = await webhookSite({
      fixture: { webhooksIncludeCodes: true },
    });
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
    const { clock, receiver, create, happen, core } = await webhookSite();
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

  it('waits no longer than the backoff though the clock is set, and is given up after three days', async () => {
    const { clock, receiver, create, happen, core } = await webhookSite();
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
    const { clock, receiver, create, happen, core } = await webhookSite();
    await create();
    receiver.answer = () => Promise.reject(new Error('ECONNREFUSED'));
    await happen('front', 2);
    await clock.advance(15 * second);
    receiver.answer = () => 204;
    await clock.advance(20 * second);
    expect(core.webhooks.queued).toBe(0);
  });

  it('for long hears of something new at once, after what it missed of the same device', async () => {
    const { clock, receiver, create, happen, eventIds, core } = await webhookSite();
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
    const { clock, receiver, create, happen, core } = await webhookSite();
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
