import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LockMisbehaviour, SimulatedLock } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { PacedClock } from '../kit/clock/paced-clock.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { judgeDoors } from '../kit/locks/door-verdict.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import type { AttemptLife } from '../kit/sdk/api-caller.ts';

/*
 * Every lock that disappoints, on one gateway, all at once: real MQTT, real HTTP, real database. Only time is
 * simulated, for the gateway and the locks alike.
 */

const confirmed = { was_confirmed_by_device: true };

interface DoorCase {
  readonly title: string;
  readonly action: 'lock' | 'unlock';
  readonly misbehaviour: Partial<LockMisbehaviour>;
  /** Somebody turned it back while the bridge was away, so that everybody believes the old state. */
  readonly turnedUnheard?: boolean;
  /** `confirmed`, or the type of the error. */
  readonly ends: 'confirmed' | string;
  /** Where the bolt is when the attempt has ended. */
  readonly bolt: SimulatedLock['bolt'];
}

const doors: readonly DoorCase[] = [
  { title: 'behaves', action: 'unlock', misbehaviour: {}, ends: 'confirmed', bolt: 'unlocked' },
  {
    title: 'refuses to lock silently',
    action: 'lock',
    misbehaviour: { refusesSilently: true },
    ends: 'state_not_reached',
    bolt: 'unlocked',
  },
  {
    title: 'refuses to unlock silently',
    action: 'unlock',
    misbehaviour: { refusesSilently: true },
    ends: 'state_not_reached',
    bolt: 'locked',
  },
  {
    title: 'jams half way while locking',
    action: 'lock',
    misbehaviour: { jams: true },
    ends: 'lock_jammed',
    bolt: 'not_fully_locked',
  },
  {
    title: 'jams half way while unlocking',
    action: 'unlock',
    misbehaviour: { jams: true },
    ends: 'lock_jammed',
    bolt: 'not_fully_locked',
  },
  {
    title: 'reports late',
    action: 'unlock',
    misbehaviour: { reportsLateMs: 2_500 },
    ends: 'confirmed',
    bolt: 'unlocked',
  },
  {
    title: 'never reports, and answers when it is read',
    action: 'unlock',
    misbehaviour: { neverReports: true },
    ends: 'confirmed',
    bolt: 'unlocked',
  },
  {
    title: 'never reports, nor answers reads',
    action: 'unlock',
    misbehaviour: { neverReports: true, ignoresReads: true },
    ends: 'outcome_unknown',
    bolt: 'unlocked',
  },
  {
    title: 'acts after the deadline',
    action: 'unlock',
    misbehaviour: { actsLateMs: 11_000 },
    ends: 'state_not_reached',
    bolt: 'locked',
  },
  {
    title: 'reports after the deadline, and answers no read',
    action: 'unlock',
    misbehaviour: { reportsLateMs: 11_000, ignoresReads: true },
    ends: 'outcome_unknown',
    bolt: 'unlocked',
  },
  {
    title: 'relocks before it was seen open, and says that it did',
    action: 'unlock',
    misbehaviour: { hidesUnlock: true, relocksAfterMs: 400 },
    ends: 'confirmed',
    bolt: 'locked',
  },
  {
    title: 'relocks before it was seen open, and says nothing of it',
    action: 'unlock',
    misbehaviour: { hidesUnlock: true, relocksAfterMs: 400, hidesRelock: true },
    ends: 'state_not_reached',
    bolt: 'locked',
  },
  {
    title: 'reports its battery with the old state right after the command, and obeys',
    action: 'unlock',
    misbehaviour: { batteryReportsAfterMs: [5, 200] },
    ends: 'confirmed',
    bolt: 'unlocked',
  },
  {
    title: 'reports its battery with the state that is asked for, which is old, and refuses',
    action: 'lock',
    misbehaviour: { batteryReportsAfterMs: [5, 200], refusesSilently: true },
    turnedUnheard: true,
    ends: 'state_not_reached',
    bolt: 'unlocked',
  },
];

interface CodeCase {
  readonly title: string;
  readonly misbehaviour: Partial<LockMisbehaviour>;
  /** What the attempt to create a code ends with. */
  readonly creates: 'success' | string;
  /** What the attempt to delete it ends with, where it was created. */
  readonly deletes?: 'success' | string;
  /** How many slots are taken in the end, beside the one that is not ours. */
  readonly held: number;
  /** The lock holds the same digits in a slot that the gateway does not know. */
  readonly duplicate?: boolean;
}

const codes: readonly CodeCase[] = [
  { title: 'behaves', misbehaviour: {}, creates: 'success', deletes: 'success', held: 0 },
  { title: 'refuses a duplicate silently', misbehaviour: {}, duplicate: true, creates: 'code_not_stored', held: 0 },
  {
    title: 'is believed to hold a code that it refused',
    misbehaviour: { refusesPins: true, believesPins: true },
    creates: 'code_not_stored',
    held: 0,
  },
  { title: 'forgets the code it took', misbehaviour: { forgetsPins: true }, creates: 'code_not_stored', held: 0 },
  {
    title: 'says "enabled" from its cache after a delete',
    misbehaviour: { enabledAfterDelete: 2 },
    creates: 'success',
    deletes: 'success',
    held: 0,
  },
  {
    title: 'keeps the code it says to have dropped',
    misbehaviour: { keepsClearedPins: true },
    creates: 'success',
    deletes: 'code_not_stored',
    held: 1,
  },
];

const limits = { sendByMs: 5_000, deadlineMs: 9_000 };
const pin = '470815';
const slugOf = (kind: 'door' | 'code', index: number) => `${kind}-${index}`;
const endOf = ({ attempt }: AttemptLife) => attempt.error?.type ?? attempt.status;

describe('a lock that', () => {
  const clock = new PacedClock();
  const locks = new Map<string, SimulatedLock>();
  const doorLives = new Map<string, AttemptLife>();
  const boltAtEnd = new Map<string, string>();
  const codeLives = new Map<string, { created?: AttemptLife; deleted?: AttemptLife }>();
  let building: ZigbeeBuilding;
  let box: GatewayBox;
  let gateway: BoxedGateway;

  const lockOf = (slug: string): SimulatedLock => {
    const lock = locks.get(idOf(slug));
    if (lock === undefined) throw new Error(`there is no ${slug}`);
    return lock;
  };

  beforeAll(async () => {
    building = await ZigbeeBuilding.open({ clock });
    const { bridge, url } = building;
    for (const [index, { action, turnedUnheard }] of doors.entries()) {
      const bolt = (action === 'unlock') === (turnedUnheard === true) ? 'unlocked' : 'locked';
      locks.set(idOf(slugOf('door', index)), bridge.addLock({ friendlyName: slugOf('door', index), bolt }));
    }
    for (const index of codes.keys())
      locks.set(idOf(slugOf('code', index)), bridge.addLock({ friendlyName: slugOf('code', index), slots: 10 }));
    bridge.start();
    const settings = { pin_slots: { first: 1, count: 5 } };
    box = await GatewayBox.make({
      // Each request waits for its end, so that nobody has to ask.
      http: { hold_ms: 25_000 },
      mqtt: { main: { url } },
      devices: [...locks.values()].map(({ friendlyName }) => zigbeeEntry(friendlyName, { settings })),
    });
    gateway = await box.start({ clock });
    for (const id of locks.keys()) await gateway.api.online(id);
    bridge.bridge.stop();
    for (const id of locks.keys()) await gateway.api.offline(id);
    for (const [index, { action, turnedUnheard }] of doors.entries())
      if (turnedUnheard) lockOf(slugOf('door', index)).turnByHand(action === 'lock' ? 'unlocked' : 'locked');
    const reads = new Map([...locks].map(([id, { stateReads }]) => [id, stateReads]));
    bridge.bridge.start();
    for (const id of locks.keys()) await gateway.api.online(id);
    // Each lock is asked how it is: an answer that comes between would show more than the case says, and without one
    // nobody knows how it was before the command.
    while ([...locks].some(([id, { stateReads }]) => stateReads === reads.get(id))) await clock.passes(100);
    await clock.passes(2_000);
    await Promise.all([...doors.keys()].map(tryDoor).concat([...codes.keys()].map(tryCode)));
  });

  afterAll(async () => {
    await gateway?.close();
    await building?.close();
    await clock.stop();
    box?.dispose();
  });

  async function tryDoor(index: number): Promise<void> {
    const { action, misbehaviour } = doors[index] as DoorCase;
    const slug = slugOf('door', index);
    lockOf(slug).misbehave(misbehaviour);
    const { action_attempt_id } = await gateway.api.door(action, idOf(slug));
    const [life] = await gateway.api.ended([action_attempt_id]);
    if (life) doorLives.set(slug, life);
    boltAtEnd.set(slug, lockOf(slug).bolt);
  }

  async function tryCode(index: number): Promise<void> {
    const { misbehaviour, duplicate } = codes[index] as CodeCase;
    const slug = slugOf('code', index);
    const { api } = gateway;
    const lock = lockOf(slug);
    lock.misbehave(misbehaviour);
    if (duplicate) lock.keypad.programAtKeypad(9, pin);
    const { body } = await api.post('/access_codes/create', { device_id: idOf(slug), code: pin });
    const lives: { created?: AttemptLife; deleted?: AttemptLife } = {};
    codeLives.set(slug, lives);
    const { action_attempt, access_code } = body as Record<string, Record<string, string>>;
    const [created] = await api.ended([action_attempt?.action_attempt_id ?? '']);
    if (created) lives.created = created;
    if (created?.attempt.status !== 'success') return;
    const removal = { access_code_id: access_code?.access_code_id };
    const { action_attempt_id } = await api.accepted('/access_codes/delete', removal);
    const [deleted] = await api.ended([action_attempt_id]);
    if (deleted) lives.deleted = deleted;
  }

  it.each(doors.map((door, index) => [door.title, door.ends, door, slugOf('door', index)] as const))(
    '%s: %s',
    (_title, ends, { bolt }, slug) => {
      const life = doorLives.get(slug) as AttemptLife;
      const expected = ends === 'confirmed' ? 'success' : ends;
      expect(endOf(life)).toBe(expected);
      if (ends === 'confirmed') expect(life.attempt.result).toEqual(confirmed);
      else expect(life.attempt.error?.message).toContain(slug);
      expect(boltAtEnd.get(slug)).toBe(bolt);
      const wallOffset = clock.wallTime() - clock.now();
      expect(judgeDoors([life], () => lockOf(slug), { ...limits, wallOffset }).broken).toEqual([]);
    },
  );

  it.each(codes.map((code, index) => [code.title, code, slugOf('code', index)] as const))(
    'with codes, %s',
    (_title, { creates, deletes, held, duplicate }, slug) => {
      const { created, deleted } = codeLives.get(slug) ?? {};
      expect(created && endOf(created)).toBe(creates);
      expect(deleted && endOf(deleted)).toBe(deletes);
      const { keypad } = lockOf(slug);
      expect(keypad.codes.size).toBe(held + (duplicate ? 1 : 0));
      for (const { attempt } of [created, deleted].filter((life) => life !== undefined))
        if (attempt.status === 'error') {
          expect(attempt.error?.message).toContain(slug);
          expect(attempt.error?.message).not.toContain(pin);
        }
    },
  );

  it('moves after its attempt has ended changes nothing of what was told', async () => {
    const index = doors.findIndex(({ title }) => title === 'acts after the deadline');
    const slug = slugOf('door', index);
    while (lockOf(slug).bolt === 'locked') await clock.settle();
    const before = doorLives.get(slug)?.attempt;
    const { body } = await gateway.api.post('/action_attempts/get', { action_attempt_id: before?.action_attempt_id });
    expect(body.action_attempt).toEqual(before);
    // The device, though, is shown as it is.
    for (;;) {
      const { device } = (await gateway.api.post('/devices/get', { device_id: idOf(slug) })).body as unknown as {
        device: { properties: { locked?: boolean } };
      };
      if (device.properties.locked === false) break;
    }
  });
});
