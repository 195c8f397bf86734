import { expect } from 'vitest';
import { frontDoor, gate } from '../kit/gateway/fake-devices.ts';
import { hasCall } from '../kit/sdk/official-clients.ts';
import { device_id, type SeamSite, sensor } from '../kit/sdk/seam-site.ts';

/** Everything else: with a call of the client's own for each route of Seam's; through its connection for those that are ours. */
export const deviceCalls: Readonly<Record<string, (site: SeamSite) => PromiseLike<unknown>>> = {
  '/locks/lock_door': (site) => site.seam.locks.lockDoor({ device_id }),
  '/locks/unlock_door': (site) => site.seam.locks.unlockDoor({ device_id }),
  '/locks/configure_auto_lock': async (site) => {
    const at = site.gateway.deviceList.findIndex(({ deviceId }) => deviceId === device_id);
    const capabilities = { ...frontDoor.capabilities, autoLock: { min: 5, max: 120 } };
    site.gateway.deviceList.splice(at, 1, {
      ...frontDoor,
      capabilities,
      autoLock: { enabled: true, delaySeconds: 30 },
    });
    expect(await site.seam.devices.get({ device_id })).toMatchObject({
      can_configure_auto_lock: true,
      properties: { auto_lock_enabled: true, auto_lock_delay_seconds: 30 },
    });
    const wanted = { device_id, auto_lock_enabled: true, auto_lock_delay_seconds: 30 };
    if (hasCall(site.seam, 'locks.configureAutoLock')) await site.seam.locks.configureAutoLock(wanted);
    else await site.seam.client.post('/locks/configure_auto_lock', wanted);
  },
  '/locks/get': (site) => site.seam.locks.get({ name: 'Front door' }),
  '/locks/list': (site) => site.seam.locks.list({ manufacturer: 'yale' }),

  '/locks/simulate/keypad_code_entry': (site) => {
    site.gateway.sandbox.played.add(device_id);
    return site.seam.locks.simulate.keypadCodeEntry({ device_id, code: '582914' });
  },
  '/locks/simulate/manual_lock_via_keypad': (site) => {
    site.gateway.sandbox.played.add(device_id);
    return site.seam.locks.simulate.manualLockViaKeypad({ device_id });
  },
  '/devices/simulate/connect': (site) => site.simulated('connect', site.seam.devices.simulate.connect({ device_id })),
  '/devices/simulate/disconnect': (site) =>
    site.simulated('disconnect', site.seam.devices.simulate.disconnect({ device_id })),
  '/devices/simulate/connect_to_hub': (site) =>
    site.simulated('connect_to_hub', site.seam.devices.simulate.connectToHub({ device_id })),
  '/devices/simulate/disconnect_from_hub': (site) =>
    site.simulated('disconnect_from_hub', site.seam.devices.simulate.disconnectFromHub({ device_id })),
  '/devices/simulate/remove': (site) => site.simulated('remove', site.seam.devices.simulate.remove({ device_id })),
  '/devices/simulate/paid_subscription': async (site) => {
    const refused = { code: 'unsupported_action', statusCode: 400 };
    const simulate = (is_expired: boolean) => site.seam.devices.simulate.paidSubscription({ device_id, is_expired });
    await expect(simulate(false)).rejects.toMatchObject(refused);
    site.gateway.sandbox.played.add(device_id);
    await expect(simulate(true)).rejects.toMatchObject(refused);
    await simulate(false);
  },
  '/connected_accounts/simulate/disconnect': async (site) => {
    for (const { deviceId } of site.gateway.deviceList) site.gateway.sandbox.played.add(deviceId);
    const { connected_account_id } = await site.seam.devices.get({ device_id });
    await site.seam.connectedAccounts.simulate.disconnect({ connected_account_id });
    expect(new Set(site.gateway.sandbox.happened)).toEqual(new Set(['disconnect_from_hub']));
  },
  '/noise_sensors/simulate/trigger_noise_threshold': async (site) => {
    site.gateway.sandbox.played.add(sensor.device_id);
    await site.seam.noiseSensors.simulate.triggerNoiseThreshold(sensor);
    expect(site.gateway.sandbox.happened).toEqual(['noise']);
  },
  '/workspaces/reset_sandbox': async (site) => {
    await expect(site.seam.workspaces.resetSandbox()).rejects.toMatchObject({ code: 'unsupported_action' });
    for (const { deviceId } of site.gateway.deviceList) site.gateway.sandbox.played.add(deviceId);
    expect(await site.seam.workspaces.get()).toMatchObject({ is_sandbox: true });
    await site.seam.workspaces.resetSandbox();
  },

  '/devices/get': (site) => site.seam.devices.get({ device_id }),
  '/devices/list': (site) =>
    site.seam.devices.list({ device_ids: [device_id, gate.deviceId], custom_metadata_has: {} }),
  '/devices/update': (site) =>
    site.seam.devices.update({ device_id, name: 'Side door', custom_metadata: { room: '12' } }),
  '/devices/unmanaged/get': async (site) => {
    await site.setAside();
    return site.seam.devices.unmanaged.get({ device_id });
  },
  '/devices/unmanaged/list': async (site) => {
    await site.setAside();
    expect(await site.seam.devices.unmanaged.list()).toHaveLength(1);
  },
  '/devices/unmanaged/update': async (site) => {
    await site.setAside();
    await site.seam.devices.unmanaged.update({ device_id, is_managed: true });
    expect(await site.seam.devices.list()).toHaveLength(3);
  },
  '/devices/take_out_of_service': (site) =>
    site.seam.client.post('/devices/take_out_of_service', { device_id, reason: 'Rust' }),
  '/devices/put_into_service': (site) => site.seam.client.post('/devices/put_into_service', { device_id }),

  '/action_attempts/get': async (site) => {
    const { action_attempt_id } = await site.seam.locks.lockDoor({ device_id });
    return site.seam.actionAttempts.get({ action_attempt_id });
  },
  '/action_attempts/list': async (site) => {
    const { action_attempt_id } = await site.seam.locks.lockDoor({ device_id });
    expect(await site.seam.actionAttempts.list({ action_attempt_ids: [action_attempt_id] })).toHaveLength(1);
  },
  '/action_attempts/:action_attempt_id/history': async (site) => {
    const { action_attempt_id } = await site.seam.locks.lockDoor({ device_id });
    return site.seam.client.get(`/action_attempts/${action_attempt_id}/history`);
  },

  '/connected_accounts/get': async (site) => {
    const [{ connected_account_id } = { connected_account_id: '' }] = await site.seam.connectedAccounts.list();
    expect(await site.seam.devices.list({ connected_account_id })).not.toEqual([]);
    expect(await site.seam.connectedAccounts.get({ connected_account_id })).toMatchObject({ errors: [] });
  },
  '/connected_accounts/list': async (site) => {
    const named = new Set((await site.seam.devices.list()).map((device) => device.connected_account_id));
    const listed = (await site.seam.connectedAccounts.list()).map((account) => account.connected_account_id);
    expect(new Set(listed)).toEqual(named);
  },
  '/devices/list_device_providers': async (site) => {
    const named = new Set((await site.seam.devices.list()).map(({ device_provider }) => device_provider));
    expect(named.size).toBeGreaterThan(0);
    return site.seam.devices.listDeviceProviders();
  },
  '/workspaces/list': async (site) => {
    expect(await site.seam.workspaces.list()).toEqual([await site.seam.workspaces.get()]);
  },

  '/noise_sensors/list': (site) => site.seam.noiseSensors.list(),
  '/noise_sensors/levels/list': (site) => site.seam.client.get('/noise_sensors/levels/list', { params: sensor }),
  '/noise_sensors/noise_thresholds/create': (site) => site.newThreshold(),
  '/noise_sensors/noise_thresholds/get': async (site) => {
    const { noise_threshold_id } = await site.newThreshold();
    return site.seam.noiseSensors.noiseThresholds.get({ noise_threshold_id });
  },
  '/noise_sensors/noise_thresholds/list': async (site) => {
    await site.newThreshold();
    expect(await site.seam.noiseSensors.noiseThresholds.list(sensor)).toHaveLength(1);
  },
  '/noise_sensors/noise_thresholds/update': async (site) => {
    const { noise_threshold_id } = await site.newThreshold();
    await site.seam.noiseSensors.noiseThresholds.update({
      ...sensor,
      noise_threshold_id,
      noise_threshold_decibels: 70,
    });
    expect(await site.seam.noiseSensors.noiseThresholds.get({ noise_threshold_id })).toMatchObject({
      noise_threshold_decibels: 70,
    });
  },
  '/noise_sensors/noise_thresholds/delete': async (site) => {
    const { noise_threshold_id } = await site.newThreshold();
    await site.seam.noiseSensors.noiseThresholds.delete({ ...sensor, noise_threshold_id });
    expect(await site.seam.noiseSensors.noiseThresholds.list(sensor)).toEqual([]);
  },

  '/events/list': async (site) => {
    const { event_id } = site.anEvent();
    expect(await site.seam.events.list({ since: '2026-01-01T00:00:00Z', device_id })).toMatchObject([{ event_id }]);
  },
  '/events/get': (site) => site.seam.events.get(site.anEvent()),
  '/webhooks/create': (site) => site.aWebhook(),
  '/webhooks/get': async (site) => {
    const { webhook_id } = await site.aWebhook();
    return site.seam.webhooks.get({ webhook_id });
  },
  '/webhooks/list': async (site) => {
    await site.aWebhook();
    expect(await site.seam.webhooks.list()).toHaveLength(1);
  },
  '/webhooks/update': async (site) => {
    const { webhook_id } = await site.aWebhook();
    await site.seam.webhooks.update({ webhook_id, event_types: ['device.connected'] });
    expect(await site.seam.webhooks.get({ webhook_id })).toMatchObject({ event_types: ['device.connected'] });
  },
  '/webhooks/delete': async (site) => {
    const { webhook_id } = await site.aWebhook();
    await site.seam.webhooks.delete({ webhook_id });
    expect(await site.seam.webhooks.list()).toEqual([]);
  },

  '/clock/get': (site) => site.seam.client.get('/clock/get'),
  '/clock/confirm': (site) => site.seam.client.post('/clock/confirm', {}),

  '/workspaces/get': (site) => site.seam.workspaces.get(),

  '/strikeplate/gateway/get': (site) => site.seam.client.get('/strikeplate/gateway/get'),
  '/strikeplate/attempts/list': async (site) => {
    await site.seam.locks.lockDoor({ device_id });
    const { data } = await site.seam.client.post('/strikeplate/attempts/list', { device_id, doors_only: true });
    expect(data.attempts).toMatchObject([{ action_attempt: { action_type: 'LOCK_DOOR' } }]);
  },
  '/strikeplate/access_codes/list': async (site) => {
    await site.newCode({ code: '582914' });
    const { data } = await site.seam.client.post('/strikeplate/access_codes/list', {});
    expect(data.access_codes).toMatchObject([{ device_id, code: null }]);
  },
};
