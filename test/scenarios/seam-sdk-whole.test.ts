import { setTimeout as sleep } from 'node:timers/promises';
import {
  isSeamActionAttemptFailedError,
  SeamHttp,
  SeamHttpInvalidInputError,
  SeamHttpUnauthorizedError,
} from '@seamapi/http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimulatedLock } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

/* The official client, as published, against everything there is but a motor: HTTP, disk, MQTT, Zigbee2MQTT's words. */

describe('the official client and a whole gateway', () => {
  const closing: (() => unknown)[] = [];
  let front: SimulatedLock;
  let stuck: SimulatedLock;
  let box: GatewayBox;
  let gateway: BoxedGateway;
  let seam: SeamHttp;

  beforeAll(async () => {
    const building = await ZigbeeBuilding.open();
    closing.push(() => building.close());
    const { bridge } = building;
    front = bridge.addLock({ friendlyName: 'front', bolt: 'locked', radioMs: 10, motorMs: 50 });
    stuck = bridge.addLock({ friendlyName: 'stuck', bolt: 'unlocked', radioMs: 10, motorMs: 50 });
    stuck.misbehave({ jams: true });
    bridge.addNoiseSensor({ friendlyName: 'hall', level: 45 });
    bridge.start();
    box = await GatewayBox.make({
      mqtt: { main: { url: building.url } },
      devices: [
        zigbeeEntry('front', { settings: { pin_slots: { first: 1, count: 5 } } }),
        zigbeeEntry('stuck'),
        zigbeeEntry('hall', { settings: { kind: 'noise' } }),
      ],
    });
    closing.push(() => box.dispose());
    gateway = await box.start();
    closing.push(() => gateway.close());
    for (const slug of ['front', 'stuck', 'hall']) await gateway.api.online(idOf(slug));
    seam = new SeamHttp({ apiKey: box.key, endpoint: gateway.url });
  });

  afterAll(async () => {
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  });

  /** What the client throws. */
  async function thrown(request: PromiseLike<unknown>): Promise<unknown> {
    try {
      await request;
    } catch (error) {
      return error;
    }
    throw new Error('the request should have failed');
  }

  test('lists what is there', async () => {
    expect((await seam.locks.list()).map(({ display_name }) => display_name)).toEqual(['front', 'stuck']);
    expect(await seam.devices.list()).toHaveLength(3);
    expect(await seam.noiseSensors.list()).toHaveLength(1);
  });

  test('unlocks and locks, and waits until the bolt has moved', async () => {
    const waitForActionAttempt = { timeout: 240_000, pollingInterval: 20 };
    const device_id = idOf('front');
    const unlocked = await seam.locks.unlockDoor({ device_id }, { waitForActionAttempt });
    expect(unlocked).toMatchObject({ status: 'success', result: { was_confirmed_by_device: true } });
    expect(front.bolt).toBe('unlocked');
    expect((await seam.locks.get({ device_id })).properties.locked).toBe(false);
    const locked = await seam.locks.lockDoor({ device_id }, { waitForActionAttempt });
    expect(locked).toMatchObject({ status: 'success', result: { was_confirmed_by_device: true } });
    expect(front.bolt).toBe('locked');
    expect(front.movements.map(({ to, cause }) => [to, cause])).toEqual([
      ['unlocked', 'rf'],
      ['locked', 'rf'],
    ]);
  });

  test('without waiting it shows the pending attempt, and gets its end later', async () => {
    const pending = await seam.locks.unlockDoor({ device_id: idOf('front') }, { waitForActionAttempt: false });
    expect(pending).toMatchObject({ action_type: 'UNLOCK_DOOR', status: 'pending', result: null, error: null });
    const { action_attempt_id } = pending;
    const waitForActionAttempt = { timeout: 240_000, pollingInterval: 20 };
    const ended = await seam.actionAttempts.get({ action_attempt_id }, { waitForActionAttempt });
    expect(ended).toMatchObject({ action_attempt_id, status: 'success' });
    expect(front.bolt).toBe('unlocked');
  });

  test('a jammed lock is a SeamActionAttemptFailedError that says so', async () => {
    const waitForActionAttempt = { timeout: 240_000, pollingInterval: 20 };
    const error = await thrown(seam.locks.lockDoor({ device_id: idOf('stuck') }, { waitForActionAttempt }));
    if (!isSeamActionAttemptFailedError(error)) throw error;
    expect(error.code).toBe('lock_jammed');
    expect(error.message).toContain('stuck');
    expect(error.actionAttempt).toMatchObject({ action_type: 'LOCK_DOOR', status: 'error', result: null });
    expect(stuck.bolt).toBe('not_fully_locked');
  });

  test('creates, lists, gets and deletes a code, which is then on the lock and off it', async () => {
    const device_id = idOf('front');
    const created = await seam.accessCodes.create({ device_id, name: 'Ana', code: '582914' });
    expect(created).toMatchObject({ name: 'Ana', code: '582914', type: 'ongoing', is_managed: true });
    const { access_code_id } = created;
    const until = async (wanted: string | undefined) => {
      for (;;) {
        const found = (await seam.accessCodes.list({ device_id })).find(
          (code) => code.access_code_id === access_code_id,
        );
        if (found?.status === wanted) return found;
        expect(found?.status).toMatch(/^(setting|removing)$/);
        await sleep(20);
      }
    };
    expect(await until('set')).toMatchObject({ code: '582914' });
    expect([...front.keypad.codes.values()]).toEqual(['582914']);
    expect(await seam.accessCodes.get({ access_code_id })).toMatchObject({ status: 'set', name: 'Ana' });
    await seam.accessCodes.delete({ access_code_id });
    await until(undefined);
    expect(front.keypad.codes.size).toBe(0);
  });

  test('creates, lists, gets and deletes a threshold', async () => {
    const { noiseThresholds } = seam.noiseSensors;
    const device_id = idOf('hall');
    const created = await noiseThresholds.create({
      device_id,
      starts_daily_at: '22:00:00[Europe/Zurich]',
      ends_daily_at: '07:00:00[Europe/Zurich]',
      noise_threshold_decibels: 65,
    });
    const { noise_threshold_id } = created;
    expect(await noiseThresholds.list({ device_id })).toEqual([created]);
    expect(await noiseThresholds.get({ noise_threshold_id })).toEqual(created);
    await noiseThresholds.update({ noise_threshold_id, device_id, noise_threshold_decibels: 70, name: 'Late' });
    expect(await noiseThresholds.get({ noise_threshold_id })).toEqual({
      ...created,
      noise_threshold_decibels: 70,
      name: 'Late',
    });
    await noiseThresholds.delete({ noise_threshold_id, device_id });
    // A client that lost the answer asks again.
    await noiseThresholds.delete({ noise_threshold_id, device_id });
    expect(await noiseThresholds.list({ device_id })).toEqual([]);
  });

  test('what is set for a device is there after a restart, and a device out of service moves nothing', async () => {
    const device_id = idOf('front');
    await seam.devices.update({ device_id, name: 'Main door', custom_metadata: { room: '12', vip: true } });
    await seam.client.post('/devices/take_out_of_service', { device_id, reason: 'New cylinder' });
    const before = front.doorCommands.length;
    await gateway.close();
    gateway = await box.start();
    await gateway.api.online(device_id);
    seam = new SeamHttp({ apiKey: box.key, endpoint: gateway.url });
    const [found] = await seam.devices.list({ custom_metadata_has: { room: '12' } });
    expect(found).toMatchObject({
      display_name: 'Main door',
      custom_metadata: { room: '12', vip: true },
      can_remotely_unlock: true,
      warnings: [{ warning_code: 'out_of_service', message: expect.stringContaining('New cylinder') }],
    });
    const error = await thrown(seam.locks.unlockDoor({ device_id }));
    if (!isSeamActionAttemptFailedError(error)) throw error;
    expect(error.code).toBe('out_of_service');
    expect(error.message).toContain('Main door');
    expect(front.doorCommands).toHaveLength(before);
    await seam.client.post('/devices/put_into_service', { device_id });
    await seam.devices.update({ device_id, name: 'front', custom_metadata: { room: '', vip: '' } });
    expect((await seam.devices.get({ name: 'front' })).custom_metadata).toEqual({});
    const waitForActionAttempt = { timeout: 240_000, pollingInterval: 20 };
    expect(await seam.locks.lockDoor({ device_id }, { waitForActionAttempt })).toMatchObject({ status: 'success' });
  });

  test('wrong input is a SeamHttpInvalidInputError with a message per field', async () => {
    const wrong = { device_id: 7, sync: 'yes' } as unknown as { device_id: string };
    const error = await thrown(seam.locks.unlockDoor(wrong));
    if (!(error instanceof SeamHttpInvalidInputError)) throw error;
    expect(error.getValidationErrorMessages('device_id')).toEqual([expect.stringContaining('expected string')]);
    expect(error.getValidationErrorMessages('sync')).toEqual([expect.stringContaining('expected boolean')]);
    const short = await thrown(seam.accessCodes.create({ device_id: idOf('front'), code: '123456789' }));
    if (!(short instanceof SeamHttpInvalidInputError)) throw short;
    expect(short.getValidationErrorMessages('code')).toEqual([expect.stringContaining('4 to 8 digits')]);
  });

  test('an unknown key is a SeamHttpUnauthorizedError', async () => {
    const stranger = new SeamHttp({ apiKey: 'seam_gw1_stranger', endpoint: gateway.url });
    const before = front.doorCommands.length;
    for (const request of [stranger.devices.list(), stranger.locks.unlockDoor({ device_id: idOf('front') })]) {
      const error = await thrown(request);
      if (!(error instanceof SeamHttpUnauthorizedError)) throw error;
      expect(error.code).toBe('unauthorized');
    }
    expect(front.doorCommands).toHaveLength(before);
  });
});
