import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/contract/index.ts';
import { announcedLock } from '../../../test/kit/locks/announced-fixture.ts';

type Zcl = 'locked' | 'unlocked' | 'notFullyLocked' | 'undefined';

/** What a real Zigbee2MQTT published of each lock that it knows, and what it makes of words and of a lock's reports. */
interface Recorded {
  /** The ZCL command that each word on `…/set` became. */
  readonly commands: Readonly<Record<string, { readonly sent: readonly string[] }>>;
  readonly locks: readonly {
    readonly vendor: string;
    readonly model: string;
    readonly topic: string;
    readonly payload: string;
    /** By the LockState of the report; empty for a lock of which it reports none. */
    readonly states: Readonly<Record<Zcl, Readonly<Record<string, string>>>>;
  }[];
}

const { commands, locks } = JSON.parse(
  readFileSync(new URL('vectors/zigbee2mqtt-2.14.1.json', import.meta.url), 'utf8'),
) as Recorded;

/** One of the locks behind its bridge, as recorded: its announcement, its words, and a bolt. */
async function behindBridge({ topic, payload, states }: Recorded['locks'][number], endsAt?: Zcl) {
  const { state_topic, command_topic, availability } = JSON.parse(payload) as {
    readonly state_topic: string;
    readonly command_topic: string;
    readonly availability: readonly { readonly topic: string }[];
  };
  const f = await announcedLock({
    settings: { discovery_topic: topic },
    settleMs: 0,
  });
  let state: Zcl = 'locked';
  const heard: string[] = [];
  // The bridge retains no state unless told to.
  const tell = () => {
    if (Object.keys(states[state]).length > 0)
      f.peer.publish(state_topic, JSON.stringify({ battery: 95, linkquality: 120, ...states[state] }));
  };
  f.peer.subscribe(command_topic, (message) => {
    const [zcl] = commands[message.payload.toString()]?.sent ?? [];
    if (zcl === undefined) return;
    heard.push(zcl);
    f.clock.setTimer(() => {
      state = endsAt ?? (zcl === 'closuresDoorLock unlockDoor' ? 'unlocked' : 'locked');
      tell();
    }, 900);
  });
  f.peer.publish(topic, payload, { retain: true });
  for (const { topic: where } of availability) f.peer.publish(where, '{"state":"online"}', { retain: true });
  await f.clock.advance(1_000);
  tell();
  await f.clock.advance(1_000);
  return { ...f, heard };
}

describe.each(locks.map((lock) => [`${lock.vendor} ${lock.model}`, lock] as const))('%s', (_, lock) => {
  const tells = Object.keys(lock.states.locked).length > 0;

  it('is taken as it is announced, and driven', async () => {
    const f = await behindBridge(lock);
    expect(f.health()).toEqual({ status: 'online' });
    expect(f.device.lock?.observes).toBe('reports');
    const [unlocked, locked] = [await f.door('unlock'), await f.door('lock')];
    expect(f.heard).toEqual(['closuresDoorLock unlockDoor', 'closuresDoorLock lockDoor']);
    if (tells) expect([unlocked, locked]).toEqual([{ confirmed: true }, { confirmed: true }]);
    else expect(unlocked.error).toMatchObject({ type: 'outcome_unknown' });
  });

  it.each(['notFullyLocked', 'undefined'] as const)('is not called unlocked when it ends %s', async (endsAt) => {
    const f = await behindBridge(lock, endsAt);
    const { confirmed, error } = await f.door('unlock');
    expect(confirmed).toBeUndefined();
    expect(error).toBeInstanceOf(GatewayError);
    expect((error as GatewayError).delivery).toBe('maybe_sent');
    expect(f.reports).not.toContainEqual(expect.objectContaining({ kind: 'lock_state', state: 'unlocked' }));
  });
});

it('the recording is of all locks that it knew', () => {
  expect(locks.length).toBe(50);
});
