import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimulatedLock } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { PacedClock } from '../kit/clock/paced-clock.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

/*
 * What was reported of real locks and bridges, seen from the API: real MQTT, real HTTP, real database. Only time is
 * simulated.
 */

const slugs = ['guest', 'killed', 'lost', 'named', 'removed', 'stars', 'number', 'mute', 'loud'] as const;
type Slug = (typeof slugs)[number];
const pin = '081573';

describe('behind Zigbee2MQTT', () => {
  const clock = new PacedClock();
  const locks = new Map<Slug, SimulatedLock>();
  let building: ZigbeeBuilding;
  let box: GatewayBox;
  let gateway: BoxedGateway;

  const lockOf = (slug: Slug): SimulatedLock => {
    const lock = locks.get(slug);
    if (lock === undefined) throw new Error(`there is no ${slug}`);
    return lock;
  };
  const deviceOf = async (slug: Slug) => {
    const { body } = await gateway.api.post('/devices/get', { device_id: idOf(slug) });
    return body.device as unknown as {
      readonly properties: Record<string, unknown>;
      readonly errors: readonly { readonly error_code: string; readonly message: string }[];
      readonly warnings: readonly { readonly warning_code: string }[];
    };
  };
  const endOf = async (attemptId: string | undefined) => {
    const [life] = await gateway.api.ended([attemptId ?? '']);
    return life?.attempt.error?.type ?? life?.attempt.status;
  };
  const create = async (slug: Slug, more: object = {}) => {
    const { body } = await gateway.api.post('/access_codes/create', { device_id: idOf(slug), code: pin, ...more });
    const { action_attempt, access_code } = body as Record<string, Record<string, string>>;
    return { end: await endOf(action_attempt?.action_attempt_id), access_code_id: access_code?.access_code_id };
  };
  const until = async (holds: () => boolean | Promise<boolean>) => {
    while (!(await holds())) await clock.passes(500);
  };

  beforeAll(async () => {
    building = await ZigbeeBuilding.open({ clock });
    const { bridge, url } = building;
    for (const slug of slugs) {
      const exposePin = slug === 'stars' || slug === 'number';
      locks.set(slug, bridge.addLock({ friendlyName: slug, slots: 10, exposePin }));
    }
    lockOf('stars').misbehave({ showsPinsAs: 'stars' });
    lockOf('number').misbehave({ showsPinsAs: 'number' });
    lockOf('mute').misbehave({ tellsNoCodes: true });
    lockOf('loud').misbehave({ repeatsEveryMs: 700, refusesSilently: true, ignoresReads: true });
    bridge.start();
    const settings = { pin_slots: { first: 1, count: 2 } };
    box = await GatewayBox.make({
      http: { hold_ms: 25_000 },
      mqtt: { main: { url } },
      devices: slugs.map((slug) => zigbeeEntry(slug, { settings })),
    });
    gateway = await box.start({ clock });
    for (const slug of slugs) await gateway.api.online(idOf(slug));
    await clock.passes(5_000);
  });

  afterAll(async () => {
    await gateway?.close();
    await building?.close();
    await clock.stop();
    box?.dispose();
  });

  it('a code for one use goes after it, whatever the keypad calls the opening', async () => {
    const lock = lockOf('guest');
    expect((await create('guest', { is_one_time_use: true, ends_at: null })).end).toBe('success');
    const [slot] = [...lock.keypad.codes.keys()];
    building.bridge.bridge.update('guest', {}, { action: 'password_unlock', action_source_user: slot ?? 0 });
    await until(() => lock.keypad.codes.size === 0);
  });

  it('a bridge that was killed shows a slot free that is not: the delete is carried out', async () => {
    const lock = lockOf('killed');
    const { end, access_code_id } = await create('killed');
    expect(end).toBe('success');
    building.bridge.bridge.kill();
    await clock.passes(2_000);
    building.bridge.bridge.start();
    await gateway.api.online(idOf('killed'));
    const { action_attempt_id } = await gateway.api.accepted('/access_codes/delete', { access_code_id });
    await endOf(action_attempt_id);
    await until(() => lock.keypad.codes.size === 0);
  });

  it('a lock that does not know where its bolt is is neither locked nor unlocked', async () => {
    lockOf('lost').misbehave({ knowsNoBolt: true });
    const { action_attempt_id } = await gateway.api.door('unlock', idOf('lost'));
    const [life] = await gateway.api.ended([action_attempt_id]);
    expect(life?.attempt.result).not.toMatchObject({ was_confirmed_by_device: true });
    expect(life?.attempt.error?.type).toBe('outcome_unknown');
    expect((await deviceOf('lost')).properties).not.toHaveProperty('locked');
  });

  it('a device that is renamed is followed, one that is removed is misconfigured', async () => {
    building.bridge.bridge.rename('named', 'Side Door');
    building.bridge.bridge.remove('removed');
    await until(async () => (await deviceOf('removed')).errors.length > 0);
    await clock.passes(2_000);
    expect(await endOf((await gateway.api.door('unlock', idOf('named'))).action_attempt_id)).toBe('success');
    expect(lockOf('named').bolt).toBe('unlocked');
    expect((await deviceOf('removed')).errors).toMatchObject([{ error_code: 'misconfigured' }]);
    expect(await endOf((await gateway.api.door('unlock', idOf('removed'))).action_attempt_id)).toBe('misconfigured');
    expect(lockOf('removed').doorCommands).toEqual([]);
  });

  it.each(['stars', 'number'] as const)('digits shown as %s: one write, then set, and never again', async (slug) => {
    const { end, access_code_id } = await create(slug);
    expect(end).toBe('success');
    await clock.passes(30_000);
    const { body } = await gateway.api.post('/access_codes/get', { access_code_id });
    expect(body.access_code).toMatchObject({ status: 'set', errors: [] });
    expect(lockOf(slug).keypad.codeCommands).toHaveLength(1);
  });

  it('a lock that tells of no code is written to, and says that nobody can confirm it', async () => {
    const lock = lockOf('mute');
    expect((await create('mute')).end).toBe('success');
    expect([...lock.keypad.codes.values()]).toEqual([pin]);
    expect((await deviceOf('mute')).warnings.map(({ warning_code }) => warning_code)).toEqual([
      'codes_cannot_be_confirmed',
    ]);
  });

  it('a bridge that repeats itself confirms nothing', async () => {
    for (const action of ['lock', 'unlock'] as const)
      expect(await endOf((await gateway.api.door(action, idOf('loud'))).action_attempt_id)).toBe('outcome_unknown');
  });
});
