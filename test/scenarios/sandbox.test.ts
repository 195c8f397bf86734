import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeamHttp } from '@seamapi/http';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { demonstration } from '../kit/gateway/demonstration.ts';

// A whole process, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
/** For each thing that is waited for. */
const patienceMs = 240_000;
beforeAll(ensureBuilt);

describe('the demonstration as a sandbox', () => {
  it('plays what it is told to, tells of it as of real devices, and is emptied again', async () => {
    const { cwd, api, start } = await demonstration();
    await start();
    const key = readFileSync(join(cwd, 'var/demo.key'), 'utf8').trim();
    const seam = new SeamHttp({
      apiKey: key,
      endpoint: `http://127.0.0.1:${api}`,
      waitForActionAttempt: { timeout: patienceMs },
    });
    const [devices, { is_sandbox }] = [await seam.devices.list(), await seam.workspaces.get()];
    const idOf = (name: string) => devices.find(({ display_name }) => display_name === name)?.device_id ?? '';
    const [front, back, yard, lobby, hall, cellar] = [
      ...['Front door', 'Back door', 'Yard door', 'Lobby noise', 'Hall noise', 'Cellar door'].map(idOf),
    ] as [string, string, string, string, string, string];
    const device = (device_id: string) => seam.devices.get({ device_id });
    expect(is_sandbox).toBe(true);
    const since = new Date().toISOString();
    const events = async (event_type: 'lock.unlocked' | 'lock.locked' | 'noise_sensor.noise_threshold_triggered') =>
      seam.events.list({ since, event_type });

    // A code that the gateway wrote is typed; the keypad lets its guest in, and the lock says who it was.
    const { access_code_id } = await seam.accessCodes.create({ device_id: front, code: '482915' });
    await vi.waitFor(
      async () => expect(await seam.accessCodes.get({ access_code_id })).toMatchObject({ status: 'set' }),
      patienceMs,
    );
    await seam.locks.simulate.keypadCodeEntry({ device_id: front, code: '482915' });
    await vi.waitFor(
      async () =>
        expect(await events('lock.unlocked')).toMatchObject([{ device_id: front, method: 'keycode', access_code_id }]),
      patienceMs,
    );
    await seam.locks.simulate.manualLockViaKeypad({ device_id: front });
    await vi.waitFor(async () => expect((await device(front)).properties.locked).toBe(true), patienceMs);
    const own = { device_id: front, name: 'Ben', code: '773311' };
    expect(await seam.accessCodes.simulate.createUnmanagedAccessCode(own)).toMatchObject({ is_managed: false });

    const autoLock = { device_id: front, auto_lock_enabled: true, auto_lock_delay_seconds: 1 };
    await seam.locks.configureAutoLock(autoLock);
    await seam.locks.unlockDoor({ device_id: front });
    await vi.waitFor(
      async () => expect((await device(front)).properties).toMatchObject({ locked: true, auto_lock_enabled: true }),
      patienceMs,
    );
    await expect(seam.locks.configureAutoLock({ ...autoLock, device_id: yard })).rejects.toMatchObject({
      code: 'unsupported_action',
    });

    // Whatever it is reached by: behind a bridge, on a line, over the air. A lock that goes silent is missed a minute later.
    const awayAndBack = async (device_id: string, isMissedSoon: boolean) => {
      const becomes = (online: boolean) =>
        vi.waitFor(async () => expect((await device(device_id)).properties.online).toBe(online), patienceMs);
      await seam.devices.simulate.disconnect({ device_id });
      if (isMissedSoon) await becomes(false);
      await seam.devices.simulate.connect({ device_id });
      await becomes(true);
    };
    await Promise.all([back, yard, hall, cellar].map((device_id) => awayAndBack(device_id, device_id !== cellar)));
    await seam.devices.simulate.remove({ device_id: back });
    await vi.waitFor(async () => expect((await device(back)).properties.online).toBe(false), patienceMs);
    await expect(seam.devices.simulate.disconnectFromHub({ device_id: cellar })).rejects.toMatchObject({
      code: 'unsupported_action',
    });

    const night = { starts_daily_at: '00:00:00', ends_daily_at: '23:59:59' };
    await seam.noiseSensors.noiseThresholds.create({ device_id: hall, noise_threshold_decibels: 70, ...night });
    await seam.noiseSensors.simulate.triggerNoiseThreshold({ device_id: hall });
    await expect(seam.noiseSensors.simulate.triggerNoiseThreshold({ device_id: lobby })).rejects.toMatchObject({
      code: 'invalid_input',
    });

    await seam.workspaces.resetSandbox();
    expect(await seam.accessCodes.list({ device_id: front })).toEqual([]);
    expect(await seam.accessCodes.unmanaged.list({ device_id: front })).toEqual([]);
    expect(await seam.noiseSensors.noiseThresholds.list({ device_id: hall })).toEqual([]);
    await vi.waitFor(async () => expect((await device(back)).properties.online).toBe(true), patienceMs);
  });
});
