import { describe, expect, it } from 'vitest';
import { hour, minute, second, url, webhookSite } from '../../test/kit/gateway/webhook-site.ts';
import { ScriptedKeypad } from '../../test/kit/locks/scripted-keypad.ts';
import { ScriptedLock } from '../../test/kit/locks/scripted-lock.ts';
import { hang } from '../../test/kit/sdk/webhook-receiver.ts';
import { Secret } from '../contract/index.ts';

describe('the queue', () => {
  it('outlives a restart, in order, under the same ids, with what was missed meanwhile', async () => {
    const first = await webhookSite();
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

  it('goes on with the backoff where it was after a restart', async () => {
    const first = await webhookSite();
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
    const first = await webhookSite();
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
    const { core, clock, receiver, create, happen, restart } = await webhookSite();
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
    const { receiver, create, happen, core, eventIds, clock } = await webhookSite({ limit: 10 });
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
    const { receiver, create, happen } = await webhookSite();
    await create();
    receiver.answer = hang;
    await happen('front', 5);
    await happen('back', 5);
    expect(receiver.open).toBe(2);
  });

  it('is written down behind everybody’s back, in small commits, and again when that fails', async () => {
    const { clock, store, receiver, create, happen, core } = await webhookSite();
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
    const { core, clock, receiver, origin } = await webhookSite({
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
