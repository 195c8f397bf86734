import { describe, expect, it } from 'vitest';
import { scriptedCore } from '../../test/kit/gateway/core-fixture.ts';

const front = 'front';

describe('what people set for a device', () => {
  it('goes before the configuration, is on disk first, and outlives a restart', async () => {
    const { core, store, clock } = await scriptedCore();
    const before = core.devices.get(front)?.name;
    const updated = core.administration.update(front, { name: 'Side door', customMetadata: { room: '12', vip: true } });
    expect(core.devices.get(front)?.name).toBe(before);
    await updated;
    expect(core.devices.get(front)).toMatchObject({
      name: 'Side door',
      settings: { customMetadata: { room: '12', vip: true }, isManaged: true },
    });
    await core.administration.update(front, { customMetadata: { room: null, vip: '', floor: '2' }, isManaged: false });
    const second = await scriptedCore({ store: store.crash(), clock });
    expect(second.core.devices.get(front)).toMatchObject({
      name: 'Side door',
      settings: { customMetadata: { floor: '2' }, isManaged: false },
    });
    await second.core.administration.update(front, { name: null, isManaged: true });
    expect(second.core.devices.get(front)).toMatchObject({ name: before, settings: { isManaged: true } });
    const renamed = second.core.events.list({ limit: 10, eventTypes: ['device.name_changed'] });
    expect(renamed.map(({ details }) => details)).toEqual([{ device_name: 'Side door' }, { device_name: before }]);
  });

  it('is changed one after the other: nothing is lost between two requests', async () => {
    const { core } = await scriptedCore();
    const keys = Array.from({ length: 50 }, (_, index) => `key${index}`);
    await Promise.all(keys.map((key) => core.administration.update(front, { customMetadata: { [key]: true } })));
    expect(Object.keys(core.devices.get(front)?.settings.customMetadata ?? {})).toEqual(keys);
    const oneMore = core.administration.update(front, { customMetadata: { more: true } });
    await expect(oneMore).rejects.toMatchObject({ type: 'invalid_input' });
    await core.administration.update(front, { customMetadata: { key0: null, more: true } });
    await expect(core.administration.update('nowhere', {})).rejects.toMatchObject({ type: 'device_not_found' });
  });
});

describe('a device that was taken out of service', () => {
  it('refuses commands until it is put back, also over a restart, and tells who did it', async () => {
    const { core, store, clock, origin } = await scriptedCore();
    await core.administration.takeOutOfService(front, 'New cylinder', origin());
    const second = await scriptedCore({ store: store.crash(), clock });
    expect(second.core.devices.get(front)).toMatchObject({
      outOfService: true,
      settings: { stopped: { by: 'test', reason: 'New cylinder', at: clock.wallTime() } },
    });
    const refused = await clock.until(second.end(await second.core.doors.unlock(front, second.origin())));
    expect(refused.settlement).toMatchObject({ status: 'error', error: { type: 'out_of_service' } });
    await second.core.administration.putIntoService(front, second.origin());
    const done = await clock.until(second.end(await second.core.doors.unlock(front, second.origin())));
    expect(done.settlement).toMatchObject({ status: 'success' });
    expect(second.lock.sent).toHaveLength(1);
    const eventTypes = ['strikeplate.device.taken_out_of_service', 'strikeplate.device.put_into_service'];
    expect(second.core.events.list({ limit: 10, eventTypes }).map(({ details }) => details)).toEqual([
      { by: 'test', reason: 'New cylinder' },
      { by: 'test' },
    ]);
  });

  it('refuses what waits for it and has not left', async () => {
    const { core, lock, clock, origin, end } = await scriptedCore();
    lock.script = () => new Promise(() => undefined);
    const stuck = await core.doors.lock(front, origin());
    const waiting = await core.doors.lock(front, origin());
    await core.administration.takeOutOfService(front, undefined, origin());
    const ended = await clock.until(end(waiting));
    expect(ended.settlement).toMatchObject({ status: 'error' });
    await clock.until(end(stuck));
    expect(lock.sent).toEqual([]);
  });

  it('by configuration stays out until the configuration says otherwise', async () => {
    const { core, origin } = await scriptedCore({ outOfService: true });
    await expect(core.administration.putIntoService(front, origin())).rejects.toMatchObject({
      type: 'invalid_input',
      message: expect.stringContaining('by configuration'),
    });
    expect(core.devices.get(front)?.outOfService).toBe(true);
  });

  it('is not taken out twice: who was first stays', async () => {
    const { core, clock, origin } = await scriptedCore();
    await core.administration.takeOutOfService(front, undefined, origin());
    const at = clock.wallTime();
    await clock.advance(60_000);
    await core.administration.takeOutOfService(front, undefined, origin());
    expect(core.devices.get(front)?.settings.stopped?.at).toBe(at);
  });
});
