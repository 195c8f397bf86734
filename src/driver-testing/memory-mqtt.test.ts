import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../test/kit/seeded-random.ts';
import { GatewayError, type LinkState } from '../contract/index.ts';
import { testCommand } from './command-context.ts';
import { MemoryMqtt } from './memory-mqtt.ts';
import type { MemoryMqttLink } from './memory-mqtt-link.ts';
import type { MemoryMqttPeer } from './memory-mqtt-peer.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { topicMatches } from './topic-match.ts';

let clock: SimulatedClock;
let broker: MemoryMqtt;
let link: MemoryMqttLink;
let lock: MemoryMqttPeer;
let heard: { at: number; payload: string; retained: boolean }[];

beforeEach(async () => {
  clock = new SimulatedClock();
  broker = new MemoryMqtt({ clock });
  link = broker.link();
  lock = broker.peer();
  heard = [];
  lock.subscribe('door/set', ({ payload, retained }) =>
    heard.push({ at: clock.now(), payload: payload.toString(), retained }),
  );
  await clock.advance(10);
});

async function command(on: MemoryMqttLink = link) {
  const { ctx, permits, end } = testCommand({ clock });
  const permit = await ctx.pointOfNoReturn();
  end();
  const sent = on.command(permit, 'door/set', 'UNLOCK', ctx.signal).then(
    () => 'acknowledged' as const,
    (error: unknown) => {
      if (error instanceof GatewayError) return error;
      throw error;
    },
  );
  return { sent, permits };
}

describe('a link on the in-memory broker', () => {
  it('delivers a command and resolves when the broker has it', async () => {
    const { sent } = await command();
    expect(await clock.until(sent)).toBe('acknowledged');
    await clock.advance(5);
    expect(heard).toEqual([{ at: 12, payload: 'UNLOCK', retained: false }]);
  });

  it('spends the permit in the same turn as it hands over, and only then', async () => {
    const { ctx, permits, end } = testCommand({ clock });
    const permit = await ctx.pointOfNoReturn();
    link.command(permit, 'door/set', 'UNLOCK', ctx.signal);
    expect(permits[0]?.spends).toHaveLength(1);
    expect(link.sent).toHaveLength(1);
    end();
  });

  it('sends nothing when the permit says no', async () => {
    const { ctx } = testCommand({ clock, sendByMs: 50, deadlineMs: 500 });
    const permit = await ctx.pointOfNoReturn();
    await clock.advance(60);
    await expect(link.command(permit, 'door/set', 'UNLOCK', ctx.signal)).rejects.toMatchObject({ type: 'expired' });
    await clock.advance(1_000);
    expect(heard).toEqual([]);
  });

  it('refuses without spending while it is down, and queues nothing', async () => {
    link.cut();
    const { ctx, permits, end } = testCommand({ clock });
    const permit = await ctx.pointOfNoReturn();
    await expect(link.command(permit, 'door/set', 'UNLOCK', ctx.signal)).rejects.toMatchObject({
      type: 'link_unavailable',
      delivery: 'not_sent',
    });
    await expect(link.query('door/get', '', ctx.signal)).rejects.toMatchObject({ type: 'link_unavailable' });
    expect(permits[0]?.spends).toEqual([]);
    end();
    link.restore();
    await clock.advance(10_000);
    expect(heard).toEqual([]);
  });

  it('says that nobody is subscribed, when the protocol can', async () => {
    lock.leave();
    const { sent, permits } = await command();
    expect(await clock.until(sent)).toMatchObject({ type: 'link_unavailable', delivery: 'not_sent' });
    expect(permits[0]?.withdrawn).toBe(true);
    const old = new MemoryMqtt({ clock, protocol: 4 });
    expect(await clock.until((await command(old.link())).sent)).toBe('acknowledged');
  });

  it('tells a lost acknowledgement from a failure to send, resets, and comes back', async () => {
    const states: LinkState['status'][] = [];
    link.onStateChange((state) => states.push(state.status));
    link.loseAcknowledgements();
    const { sent } = await command();
    expect(await clock.until(sent)).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    expect(clock.now()).toBe(1_010);
    await clock.advance(200);
    expect(heard).toHaveLength(1);
    expect(states).toEqual(['down', 'up']);
  });

  it.each([
    { deliverAfterMs: undefined, arrives: 0 },
    { deliverAfterMs: 13_400, arrives: 1 },
  ])('swallows what is sent into a black hole: $deliverAfterMs', async ({ deliverAfterMs, arrives }) => {
    link.blackHole(deliverAfterMs === undefined ? {} : { deliverAfterMs });
    const { sent } = await command();
    expect(await clock.until(sent)).toMatchObject({ type: 'outcome_unknown' });
    expect(link.state.status).toBe('down');
    await clock.advance(20_000);
    expect(heard).toHaveLength(arrives);
  });

  it('notices a black hole by its keepalive when nothing is sent', async () => {
    link.blackHole();
    await clock.advance(5_000);
    expect(link.state.status).toBe('down');
    link.restore();
    expect(link.state.status).toBe('up');
  });

  it('hears retained messages at each subscription, and others only while it is up', async () => {
    const got: string[] = [];
    lock.publish('door/availability', 'online', { retain: true });
    await clock.advance(10);
    link.subscribe('door/#', ({ payload, retained }) => got.push(`${payload.toString()} ${retained}`));
    await clock.advance(10);
    lock.publish('door/state', 'a');
    await clock.advance(10);
    link.cut();
    lock.publish('door/state', 'b');
    await clock.advance(10);
    link.restore();
    await clock.advance(10);
    expect(got).toEqual(['online true', 'a false', 'online true']);
  });

  it('clears a command that somebody left retained, when it is claimed and on every connect', async () => {
    const poison = async () => {
      lock.publish('door/set', 'UNLOCK', { retain: true });
      await clock.advance(10);
    };
    await poison();
    const release = link.claimCommandTopic('door/set');
    expect(broker.retainedTopics).toEqual([]);
    link.cut();
    await poison();
    link.restore();
    expect(broker.retainedTopics).toEqual([]);
    expect(link.cleared).toEqual(['door/set', 'door/set']);
    release();
    expect(link.listenerCount).toBe(0);
  });

  it('keeps a command for a lock with a persistent session, until it expires', async () => {
    lock.leave({ persistentSession: true });
    expect(await clock.until((await command()).sent)).toBe('acknowledged');
    await clock.advance(4_000);
    lock.comeBack();
    await clock.advance(10);
    expect(heard).toHaveLength(1);
    lock.leave({ persistentSession: true });
    await clock.until((await command()).sent);
    await clock.advance(5_001);
    lock.comeBack();
    await clock.advance(10);
    expect(heard).toHaveLength(1);
  });

  it('keeps the order of messages whatever the jitter', async () => {
    const jittery = new MemoryMqtt({ clock, random: seededRandom(7), latencyMs: 1, jitterMs: 50 });
    const from = jittery.peer();
    const got: string[] = [];
    jittery.peer().subscribe('#', ({ payload }) => got.push(payload.toString()));
    await clock.advance(200);
    const wanted = Array.from({ length: 50 }, (_, index) => String(index));
    for (const payload of wanted) {
      from.publish('t', payload);
      await clock.advance(3);
    }
    await clock.advance(500);
    expect(got).toEqual(wanted);
  });

  it('leaves nothing behind when it is disposed of', async () => {
    const off = [link.subscribe('a', () => undefined), link.onStateChange(() => undefined)];
    expect(link.listenerCount).toBe(2);
    for (const unsubscribe of off) unsubscribe();
    expect(link.listenerCount).toBe(0);
    link.blackHole();
    link.dispose();
    await clock.advance(10);
    expect(clock.armedTimers).toBe(0);
  });
});

it.each([
  ['a/b', 'a/b', true],
  ['a/+', 'a/b', true],
  ['a/+', 'a/b/c', false],
  ['a/#', 'a/b/c', true],
  ['a/#', 'a', true],
  ['#', '$SYS/x', false],
  ['a/b', 'a', false],
])('the filter %s matches %s: %s', (filter, topic, expected) => {
  expect(topicMatches(filter, topic)).toBe(expected);
});
