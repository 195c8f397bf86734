import { appendFileSync, readFileSync } from 'node:fs';
import { getOpenapiSchema, type SeamHttp } from '@seamapi/http';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { methodsOf, type Route } from '../../src/http/route.ts';
import { streamPath } from '../../src/http/routes/event-stream.ts';
import { gatewayRoutes } from '../../src/http/routes/index.ts';
import { openPaths } from '../../src/http/routes/open.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { permissionScopes } from '../../src/model/permission.ts';
import { frontDoor, gate, hall } from '../kit/gateway/fake-devices.ts';
import { FakeGateway } from '../kit/gateway/fake-gateway.ts';
import { apiKey, keyWith } from '../kit/gateway/http-fixture.ts';
import { callFor, hasCall, officialClients, withCallsNoted } from '../kit/sdk/official-clients.ts';

/* Each route of the gateway, and the call of the official client that drives it. A route without a row fails. */

const { deviceId: device_id } = frontDoor;
const sensor = { device_id: hall.deviceId };
const night = { starts_daily_at: '22:00:00[Europe/Zurich]', ends_daily_at: '07:00:00[Europe/Zurich]' };
const stay = { starts_at: '2026-05-02T14:00:00Z', ends_at: '2026-05-05T10:00:00Z' };

let server: HttpServer;
let gateway: FakeGateway;
let endpoint: string;
let seam: SeamHttp;
/** What was answered, by route. */
let answered: Map<string, unknown[]>;
/** What was asked of it last. */
const requests = new Map<string, Record<string, unknown>>();
/** By which of the client's calls. */
let calls: ReadonlyMap<string, ReadonlySet<string>>;

const routes = (): readonly Route[] => gatewayRoutes(gateway.clock);

beforeEach(async () => {
  gateway = new FakeGateway(new SimulatedClock());
  gateway.outcome = () => ({ status: 'success', result: {} });
  server = createHttpServer({
    gateway,
    keys: { verify: (key) => (key === apiKey ? keyWith(permissionScopes) : undefined) },
    holdMs: 0,
    log: pino({ level: 'silent' }),
  });
  endpoint = await server.listen({ host: '127.0.0.1', port: 0 });
  connect(officialClients[0]);
});

afterEach(() => server.close());

function connect({ connect: client }: (typeof officialClients)[number]): void {
  ({ client: seam, calls } = withCallsNoted(client({ apiKey, endpoint })));
  answered = new Map();
  seam.client.interceptors.response.use((response) => {
    const { url = '', data, params } = response.config;
    const path = new URL(url, endpoint).pathname;
    const asked = typeof data === 'string' ? JSON.parse(data || '{}') : (params ?? {});
    requests.set(path, asked as Record<string, unknown>);
    answered.set(path, [...(answered.get(path) ?? []), response.data]);
    return response;
  });
}

const newCode = (more: object = {}) => seam.accessCodes.create({ device_id, ...more });
const newThreshold = () =>
  seam.noiseSensors.noiseThresholds.create({ ...sensor, ...night, noise_threshold_decibels: 60 });
const aSpareCode = async () => {
  const { access_code_id } = await newCode({ code: '1234', use_backup_access_code_pool: true });
  const made = gateway.accessCodes.get(access_code_id);
  if (made === undefined) throw new Error('the code should be there');
  gateway.accessCodes.backups.push({
    ...made,
    accessCodeId: 'spare',
    backup: { pulledFor: undefined },
    useBackupPool: false,
  });
  return { access_code_id };
};
const aFoundCode = (slot = 1) => {
  const digits = Buffer.from(`${slot}${slot}${slot}${slot}`);
  const createdAt = Date.UTC(2026, 3, slot);
  gateway.accessCodes.found.push({
    accessCodeId: `found-${slot}`,
    deviceId: device_id,
    slot,
    name: undefined,
    sealedCode: digits,
    createdAt,
  });
  return { access_code_id: `found-${slot}` };
};
const aPerson = () => seam.userIdentities.create({ full_name: 'Ana', user_identity_key: 'guest-7' });
const idOfPerson = async () => {
  const { user_identity_id } = await aPerson();
  return { user_identity_id };
};
const aSpace = () => seam.spaces.create({ name: 'Flat 7', space_key: 'flat-7', device_ids: [device_id] });
const aGrant = async (more: object = {}) =>
  seam.accessGrants.create({
    ...(await idOfPerson()),
    device_ids: [device_id],
    requested_access_methods: [{ mode: 'code' }],
    access_grant_key: 'booking-7',
    ...stay,
    ...more,
  });
const aMethod = async (more: object = {}) => {
  const { access_method_ids } = await aGrant(more);
  return { access_method_id: access_method_ids[0] ?? '' };
};
const anEvent = () => {
  const { eventId } = gateway.happen({ eventType: 'device.connected', deviceId: device_id });
  return { event_id: eventId };
};
const aWebhook = () => seam.webhooks.create({ url: 'https://example.com/hook', event_types: ['lock.locked'] });
const setAside = () => seam.devices.update({ device_id, is_managed: false });

/** Made to happen to a device that is played, and to none that is not. */
const simulated = async (event: string, asked: PromiseLike<unknown>): Promise<void> => {
  await expect(asked).rejects.toMatchObject({ code: 'unsupported_action', statusCode: 400 });
  gateway.sandbox.played.add(device_id);
  expect(await seam.devices.get({ device_id })).toMatchObject({ can_simulate_connection: true });
  await seam.client.post(`/devices/simulate/${event}`, { device_id });
  expect(gateway.sandbox.happened).toEqual([event]);
};

/** With a call of the client's own for each route of Seam's; through its connection for those that are ours. */
const rows: Readonly<Record<string, () => PromiseLike<unknown>>> = {
  '/locks/lock_door': () => seam.locks.lockDoor({ device_id }),
  '/locks/unlock_door': () => seam.locks.unlockDoor({ device_id }),
  '/locks/configure_auto_lock': async () => {
    const at = gateway.deviceList.findIndex(({ deviceId }) => deviceId === device_id);
    const capabilities = { ...frontDoor.capabilities, autoLock: { min: 5, max: 120 } };
    gateway.deviceList.splice(at, 1, {
      ...frontDoor,
      capabilities,
      autoLock: { enabled: true, delaySeconds: 30 },
    });
    expect(await seam.devices.get({ device_id })).toMatchObject({
      can_configure_auto_lock: true,
      properties: { auto_lock_enabled: true, auto_lock_delay_seconds: 30 },
    });
    const wanted = { device_id, auto_lock_enabled: true, auto_lock_delay_seconds: 30 };
    if (hasCall(seam, 'locks.configureAutoLock')) await seam.locks.configureAutoLock(wanted);
    else await seam.client.post('/locks/configure_auto_lock', wanted);
  },
  '/locks/get': () => seam.locks.get({ name: 'Front door' }),
  '/locks/list': () => seam.locks.list({ manufacturer: 'yale' }),

  '/locks/simulate/keypad_code_entry': () => {
    gateway.sandbox.played.add(device_id);
    return seam.locks.simulate.keypadCodeEntry({ device_id, code: '582914' });
  },
  '/locks/simulate/manual_lock_via_keypad': () => {
    gateway.sandbox.played.add(device_id);
    return seam.locks.simulate.manualLockViaKeypad({ device_id });
  },
  '/devices/simulate/connect': () => simulated('connect', seam.devices.simulate.connect({ device_id })),
  '/devices/simulate/disconnect': () => simulated('disconnect', seam.devices.simulate.disconnect({ device_id })),
  '/devices/simulate/connect_to_hub': () =>
    simulated('connect_to_hub', seam.devices.simulate.connectToHub({ device_id })),
  '/devices/simulate/disconnect_from_hub': () =>
    simulated('disconnect_from_hub', seam.devices.simulate.disconnectFromHub({ device_id })),
  '/devices/simulate/remove': () => simulated('remove', seam.devices.simulate.remove({ device_id })),
  '/devices/simulate/paid_subscription': async () => {
    const refused = { code: 'unsupported_action', statusCode: 400 };
    const simulate = (is_expired: boolean) => seam.devices.simulate.paidSubscription({ device_id, is_expired });
    await expect(simulate(false)).rejects.toMatchObject(refused);
    gateway.sandbox.played.add(device_id);
    await expect(simulate(true)).rejects.toMatchObject(refused);
    await simulate(false);
  },
  '/connected_accounts/simulate/disconnect': async () => {
    for (const { deviceId } of gateway.deviceList) gateway.sandbox.played.add(deviceId);
    const { connected_account_id } = await seam.devices.get({ device_id });
    await seam.connectedAccounts.simulate.disconnect({ connected_account_id });
    expect(new Set(gateway.sandbox.happened)).toEqual(new Set(['disconnect_from_hub']));
  },
  '/access_codes/simulate/create_unmanaged_access_code': async () => {
    gateway.sandbox.played.add(device_id);
    const made = await seam.accessCodes.simulate.createUnmanagedAccessCode({ device_id, name: 'Ben', code: '4821' });
    expect(made).toMatchObject({ name: 'Ben', code: '4821', is_managed: false });
  },
  '/noise_sensors/simulate/trigger_noise_threshold': async () => {
    gateway.sandbox.played.add(sensor.device_id);
    await seam.noiseSensors.simulate.triggerNoiseThreshold(sensor);
    expect(gateway.sandbox.happened).toEqual(['noise']);
  },
  '/workspaces/reset_sandbox': async () => {
    await expect(seam.workspaces.resetSandbox()).rejects.toMatchObject({ code: 'unsupported_action' });
    for (const { deviceId } of gateway.deviceList) gateway.sandbox.played.add(deviceId);
    expect(await seam.workspaces.get()).toMatchObject({ is_sandbox: true });
    await seam.workspaces.resetSandbox();
  },

  '/devices/get': () => seam.devices.get({ device_id }),
  '/devices/list': () => seam.devices.list({ device_ids: [device_id, gate.deviceId], custom_metadata_has: {} }),
  '/devices/update': () => seam.devices.update({ device_id, name: 'Side door', custom_metadata: { room: '12' } }),
  '/devices/unmanaged/get': async () => {
    await setAside();
    return seam.devices.unmanaged.get({ device_id });
  },
  '/devices/unmanaged/list': async () => {
    await setAside();
    expect(await seam.devices.unmanaged.list()).toHaveLength(1);
  },
  '/devices/unmanaged/update': async () => {
    await setAside();
    await seam.devices.unmanaged.update({ device_id, is_managed: true });
    expect(await seam.devices.list()).toHaveLength(3);
  },
  '/devices/take_out_of_service': () => seam.client.post('/devices/take_out_of_service', { device_id, reason: 'Rust' }),
  '/devices/put_into_service': () => seam.client.post('/devices/put_into_service', { device_id }),

  '/action_attempts/get': async () => {
    const { action_attempt_id } = await seam.locks.lockDoor({ device_id });
    return seam.actionAttempts.get({ action_attempt_id });
  },
  '/action_attempts/list': async () => {
    const { action_attempt_id } = await seam.locks.lockDoor({ device_id });
    expect(await seam.actionAttempts.list({ action_attempt_ids: [action_attempt_id] })).toHaveLength(1);
  },
  '/action_attempts/:action_attempt_id/history': async () => {
    const { action_attempt_id } = await seam.locks.lockDoor({ device_id });
    return seam.client.get(`/action_attempts/${action_attempt_id}/history`);
  },

  '/access_codes/create': () => newCode({ name: 'Ana', code: '582914', ...stay }),
  '/access_codes/create_multiple': () =>
    seam.accessCodes.createMultiple({ device_ids: [device_id], code: '582914', ...stay }),
  '/access_codes/get': async () => {
    const { access_code_id } = await newCode({ code: '582914' });
    expect(await seam.accessCodes.get({ device_id, code: '582914' })).toMatchObject({ access_code_id });
  },
  '/access_codes/list': async () => {
    await newCode();
    expect(await seam.accessCodes.list({ device_id })).toHaveLength(1);
  },
  '/access_codes/update': async () => {
    const { access_code_id } = await newCode({ code: '582914' });
    await seam.accessCodes.update({ access_code_id, code: '123456', ...stay });
    expect(await seam.accessCodes.get({ access_code_id })).toMatchObject({ code: '123456', type: 'time_bound' });
  },
  '/access_codes/update_multiple': async () => {
    await newCode({ common_code_key: 'stay 7' });
    await seam.accessCodes.updateMultiple({ common_code_key: 'stay 7', name: 'Ben' });
    expect(await seam.accessCodes.list({ device_id })).toMatchObject([{ name: 'Ben' }]);
  },
  '/access_codes/delete': async () => {
    const { access_code_id } = await newCode();
    await seam.accessCodes.delete({ access_code_id });
    expect(await seam.accessCodes.list({ device_id })).toEqual([]);
  },
  '/access_codes/generate_code': async () => {
    expect((await seam.accessCodes.generateCode({ device_id })).code).toMatch(/^\d{4,}$/);
  },
  '/access_codes/pull_backup_access_code': async () => {
    const code = await seam.accessCodes.pullBackupAccessCode(await aSpareCode());
    expect(code).toMatchObject({ pulled_backup_access_code_id: 'spare' });
  },
  '/access_codes/unmanaged/get': () => seam.accessCodes.unmanaged.get(aFoundCode()),
  '/access_codes/unmanaged/list': async () => {
    aFoundCode();
    expect(await seam.accessCodes.unmanaged.list({ device_id })).toMatchObject([{ code: '1111', is_managed: false }]);
  },
  '/access_codes/unmanaged/convert_to_managed': async () => {
    const found = aFoundCode();
    await seam.accessCodes.unmanaged.convertToManaged(found);
    expect(await seam.accessCodes.get(found)).toMatchObject({ code: '1111', is_managed: true });
  },
  '/access_codes/unmanaged/update': () => seam.accessCodes.unmanaged.update({ ...aFoundCode(), is_managed: true }),
  '/access_codes/unmanaged/delete': async () => {
    await seam.accessCodes.unmanaged.delete(aFoundCode());
    expect(await seam.accessCodes.unmanaged.list({ device_id })).toEqual([]);
  },

  '/access_codes/get_timeline': async () => {
    const { access_code_id } = await newCode({ code: '582914' });
    const { actionAttemptId } = gateway.accepted[0] ?? {};
    gateway.happen({ eventType: 'access_code.created', deviceId: device_id, accessCodeId: access_code_id });
    gateway.happen({
      eventType: 'access_code.set_on_device',
      deviceId: device_id,
      accessCodeId: access_code_id,
      actionAttemptId,
    });
    // Unpublished, so that the client asks for it only as one that may see such routes.
    const { data } = await seam.client.post('/access_codes/get_timeline', { access_code_id });
    expect(data.timeline_events).toMatchObject([
      { event_type: 'access_code.set_on_device', actor: { type: 'api_key' } },
      { event_type: 'access_code.created', actor: { type: 'system' } },
    ]);
  },
  '/access_codes/report_device_constraints': () =>
    seam.accessCodes.reportDeviceConstraints({ device_id, supported_code_lengths: [4, 6] }),

  '/connected_accounts/get': async () => {
    const [{ connected_account_id } = { connected_account_id: '' }] = await seam.connectedAccounts.list();
    expect(await seam.devices.list({ connected_account_id })).not.toEqual([]);
    expect(await seam.connectedAccounts.get({ connected_account_id })).toMatchObject({ errors: [] });
  },
  '/connected_accounts/list': async () => {
    const named = new Set((await seam.devices.list()).map((device) => device.connected_account_id));
    const listed = (await seam.connectedAccounts.list()).map((account) => account.connected_account_id);
    expect(new Set(listed)).toEqual(named);
  },
  '/devices/list_device_providers': async () => {
    const named = new Set((await seam.devices.list()).map(({ device_provider }) => device_provider));
    expect(named.size).toBeGreaterThan(0);
    return seam.devices.listDeviceProviders();
  },
  '/workspaces/list': async () => {
    expect(await seam.workspaces.list()).toEqual([await seam.workspaces.get()]);
  },

  '/user_identities/create': () => aPerson(),
  '/user_identities/get': async () => {
    const { user_identity_id } = await aPerson();
    expect(await seam.userIdentities.get({ user_identity_id })).toMatchObject({ full_name: 'Ana' });
    return seam.userIdentities.get({ user_identity_key: 'guest-7' });
  },
  '/user_identities/list': async () => {
    await aPerson();
    expect(await seam.userIdentities.list({ search: 'ana' })).toHaveLength(1);
  },
  '/user_identities/update': async () => {
    const { user_identity_id } = await aPerson();
    await seam.userIdentities.update({ user_identity_id, full_name: 'Anna', phone_number: null });
    expect(await seam.userIdentities.get({ user_identity_id })).toMatchObject({ full_name: 'Anna' });
  },
  '/user_identities/delete': async () => {
    await seam.userIdentities.delete(await idOfPerson());
    expect(await seam.userIdentities.list()).toEqual([]);
  },
  '/user_identities/grant_access_to_device': async () => {
    const { user_identity_id } = await aPerson();
    await seam.userIdentities.grantAccessToDevice({ user_identity_id, device_id });
  },
  '/user_identities/revoke_access_to_device': async () => {
    const { user_identity_id } = await aPerson();
    await seam.userIdentities.grantAccessToDevice({ user_identity_id, device_id });
    await seam.userIdentities.revokeAccessToDevice({ user_identity_id, device_id });
    expect(await seam.userIdentities.listAccessibleDevices({ user_identity_id })).toEqual([]);
  },
  '/user_identities/list_accessible_devices': async () => {
    const { user_identity_id } = await aGrant();
    expect(await seam.userIdentities.listAccessibleDevices({ user_identity_id })).toMatchObject([{ device_id }]);
  },

  '/spaces/create': () => aSpace(),
  '/spaces/get': async () => {
    const { space_id } = await aSpace();
    expect(await seam.spaces.get({ space_key: 'flat-7' })).toMatchObject({ space_id, device_count: 1 });
  },
  '/spaces/list': async () => {
    await aSpace();
    expect(await seam.spaces.list({ search: 'flat' })).toHaveLength(1);
  },
  '/spaces/update': async () => {
    const { space_id } = await aSpace();
    await seam.spaces.update({ space_id, name: 'Flat 8' });
    expect(await seam.spaces.get({ space_id })).toMatchObject({ name: 'Flat 8' });
  },
  '/spaces/delete': async () => {
    const { space_id } = await aSpace();
    await seam.spaces.delete({ space_id });
    expect(await seam.spaces.list()).toEqual([]);
  },
  '/spaces/add_devices': async () => {
    const { space_id } = await aSpace();
    await seam.spaces.addDevices({ space_id, device_ids: [gate.deviceId] });
    expect(await seam.devices.list({ space_id })).toHaveLength(2);
  },
  '/spaces/remove_devices': async () => {
    const { space_id } = await aSpace();
    await seam.spaces.removeDevices({ space_id, device_ids: [device_id] });
    expect(await seam.devices.list({ space_id })).toEqual([]);
  },
  '/spaces/get_related': async () => {
    const { space_id } = await aSpace();
    expect(await seam.spaces.getRelated({ space_ids: [space_id] })).toMatchObject({ devices: [{ device_id }] });
  },

  '/access_grants/create': () => aGrant(),
  '/access_grants/get': async () => {
    const { access_grant_id } = await aGrant();
    expect(await seam.accessGrants.get({ access_grant_id })).toMatchObject({ access_grant_key: 'booking-7' });
  },
  '/access_grants/list': async () => {
    const { user_identity_id } = await aGrant();
    expect(await seam.accessGrants.list({ user_identity_id })).toHaveLength(1);
  },
  '/access_grants/update': async () => {
    const { access_grant_id } = await aGrant();
    await seam.accessGrants.update({ access_grant_id, ends_at: '2026-05-07T10:00:00Z', name: 'Longer' });
    expect(await seam.accessGrants.get({ access_grant_id })).toMatchObject({
      ends_at: '2026-05-07T10:00:00.000Z',
      display_name: 'Longer',
    });
  },
  '/access_grants/delete': async () => {
    const { access_grant_id } = await aGrant();
    await seam.accessGrants.delete({ access_grant_id });
    await seam.accessGrants.delete({ access_grant_id });
  },
  '/access_grants/get_related': async () => {
    const { access_grant_id } = await aGrant();
    const batch = await seam.accessGrants.getRelated({ access_grant_ids: [access_grant_id] });
    expect(batch).toMatchObject({ devices: [{ device_id }], user_identities: [{ full_name: 'Ana' }] });
  },
  '/access_grants/request_access_methods': async () => {
    const { access_grant_id } = await aGrant();
    const requested_access_methods = [{ mode: 'code' as const }];
    const grant = await seam.accessGrants.requestAccessMethods({ access_grant_id, requested_access_methods });
    expect(grant.access_method_ids).toHaveLength(2);
  },
  '/access_methods/get': async () => {
    expect(await seam.accessMethods.get(await aMethod())).toMatchObject({ mode: 'code', code: expect.any(String) });
  },
  '/access_methods/list': async () => {
    const { access_grant_id } = await aGrant();
    expect(await seam.accessMethods.list({ access_grant_id })).toHaveLength(1);
  },
  '/access_methods/delete': async () => {
    const { access_method_id } = await aMethod();
    await seam.accessMethods.delete({ access_method_id });
  },
  '/access_methods/get_related': async () => {
    const { access_method_id } = await aMethod();
    const batch = await seam.accessMethods.getRelated({ access_method_ids: [access_method_id] });
    expect(batch).toMatchObject({ devices: [{ device_id }], access_grants: [{ display_name: 'Ana' }] });
  },
  '/access_methods/unlock_door': async () => {
    const { access_method_id } = await aMethod({ starts_at: undefined });
    const door = { access_method_id, acs_entrance_id: device_id };
    if (hasCall(seam, 'accessMethods.unlockDoor')) await seam.accessMethods.unlockDoor(door);
    else await seam.client.post('/access_methods/unlock_door', door);
  },

  '/noise_sensors/list': () => seam.noiseSensors.list(),
  '/noise_sensors/levels/list': () => seam.client.get('/noise_sensors/levels/list', { params: sensor }),
  '/noise_sensors/noise_thresholds/create': () => newThreshold(),
  '/noise_sensors/noise_thresholds/get': async () => {
    const { noise_threshold_id } = await newThreshold();
    return seam.noiseSensors.noiseThresholds.get({ noise_threshold_id });
  },
  '/noise_sensors/noise_thresholds/list': async () => {
    await newThreshold();
    expect(await seam.noiseSensors.noiseThresholds.list(sensor)).toHaveLength(1);
  },
  '/noise_sensors/noise_thresholds/update': async () => {
    const { noise_threshold_id } = await newThreshold();
    await seam.noiseSensors.noiseThresholds.update({ ...sensor, noise_threshold_id, noise_threshold_decibels: 70 });
    expect(await seam.noiseSensors.noiseThresholds.get({ noise_threshold_id })).toMatchObject({
      noise_threshold_decibels: 70,
    });
  },
  '/noise_sensors/noise_thresholds/delete': async () => {
    const { noise_threshold_id } = await newThreshold();
    await seam.noiseSensors.noiseThresholds.delete({ ...sensor, noise_threshold_id });
    expect(await seam.noiseSensors.noiseThresholds.list(sensor)).toEqual([]);
  },

  '/events/list': async () => {
    const { event_id } = anEvent();
    expect(await seam.events.list({ since: '2026-01-01T00:00:00Z', device_id })).toMatchObject([{ event_id }]);
  },
  '/events/get': () => seam.events.get(anEvent()),
  '/webhooks/create': () => aWebhook(),
  '/webhooks/get': async () => {
    const { webhook_id } = await aWebhook();
    return seam.webhooks.get({ webhook_id });
  },
  '/webhooks/list': async () => {
    await aWebhook();
    expect(await seam.webhooks.list()).toHaveLength(1);
  },
  '/webhooks/update': async () => {
    const { webhook_id } = await aWebhook();
    await seam.webhooks.update({ webhook_id, event_types: ['device.connected'] });
    expect(await seam.webhooks.get({ webhook_id })).toMatchObject({ event_types: ['device.connected'] });
  },
  '/webhooks/delete': async () => {
    const { webhook_id } = await aWebhook();
    await seam.webhooks.delete({ webhook_id });
    expect(await seam.webhooks.list()).toEqual([]);
  },

  '/clock/get': () => seam.client.get('/clock/get'),
  '/clock/confirm': () => seam.client.post('/clock/confirm', {}),

  '/workspaces/get': () => seam.workspaces.get(),

  '/strikeplate/gateway/get': () => seam.client.get('/strikeplate/gateway/get'),
  '/strikeplate/attempts/list': async () => {
    await seam.locks.lockDoor({ device_id });
    const { data } = await seam.client.post('/strikeplate/attempts/list', { device_id, doors_only: true });
    expect(data.attempts).toMatchObject([{ action_attempt: { action_type: 'LOCK_DOOR' } }]);
  },
  '/strikeplate/access_codes/list': async () => {
    await newCode({ code: '582914' });
    const { data } = await seam.client.post('/strikeplate/access_codes/list', {});
    expect(data.access_codes).toMatchObject([{ device_id, code: null }]);
  },
};

/** Routes that a client has no call for: ours, and what it does not know yet. They go by its connection. */
const withoutCall = (version: string): readonly string[] => [
  ...Object.keys(rows).filter((path) => /^\/(strikeplate|clock)\/|history$/.test(path)),
  '/devices/take_out_of_service',
  '/devices/put_into_service',
  '/noise_sensors/levels/list',
  '/access_codes/get_timeline',
  ...(version.startsWith('1.') ? ['/access_methods/unlock_door', '/locks/configure_auto_lock'] : []),
];

/** The client's own helper asks for one of these; it has no call for the other. */
const openRows: Readonly<Record<(typeof openPaths)[number], () => PromiseLike<unknown>>> = {
  '/health': () => seam.client.get('/health'),
  '/openapi.json': () => getOpenapiSchema(endpoint),
};

const fileText = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const parsedFile = (path: string): unknown => JSON.parse(fileText(path));

/** The table of Seam's routes in the document: a family, those that are here, and those that are not. */
function listed(document: string): { readonly here: string[]; readonly absent: string[] } {
  const named = (family: string, cell: string) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => `${family}${name}`);
  const families = [...document.matchAll(/^\| `(\/\w+\/)` \| (.*?) \| (.*?)\|$/gm)];
  const column = (at: 2 | 3) => families.flatMap((row) => named(row[1] ?? '', row[at] ?? '')).sort();
  return { here: column(2), absent: column(3) };
}

describe.each(officialClients)('the client $version', (official) => {
  beforeEach(() => connect(official));

  test.each(Object.keys(rows))('drives %s, which answers what it says', async (path) => {
    const own = callFor(path);
    if (!hasCall(seam, own)) expect(withoutCall(official.version)).toContain(path);
    await rows[path]?.();
    const route = routes().find((candidate) => candidate.path === path);
    if (route === undefined) throw new Error('there is no such route');
    const pattern = new RegExp(`^${path.replace(/:\w+/, '[^/]+')}$`);
    const answers = [...answered].flatMap(([asked, bodies]) => (pattern.test(asked) ? bodies : []));
    expect(answers.length).toBeGreaterThan(0);
    const answer = route.answer.extend({ ok: z.literal(true) });
    for (const body of answers) expect(answer.parse(body)).toEqual(body);
    if (hasCall(seam, own)) expect([...(calls.get(path) ?? [])]).toContain(own);
    const examples = process.env.STRIKEPLATE_API_EXAMPLES;
    if (examples !== undefined && official === officialClients[0]) {
      const [asked = path] = [...answered.keys()].filter((one) => pattern.test(one)).slice(-1);
      const example = [path.replace(/:(\w+)/, '{$1}'), { request: requests.get(asked), answer: answers.at(-1) }];
      appendFileSync(examples, `${JSON.stringify(example)}\n`);
    }
    const figures = process.env.STRIKEPLATE_ROUTE_FIGURES;
    if (figures !== undefined) {
      const call = hasCall(seam, own) ? own : null;
      appendFileSync(figures, `${JSON.stringify({ client: official.version, path, call })}\n`);
    }
  });
});

describe('every route', () => {
  test('has a row, and every row a route', () => {
    expect(Object.keys(rows).sort()).toEqual(
      routes()
        .map(({ path }) => path)
        .sort(),
    );
    expect(Object.keys(openRows)).toEqual([...openPaths]);
  });

  test('that Seam has is listed in docs/http-api.md, which lists no other as being here', () => {
    const { answers } = parsedFile('../kit/sdk/seam-schemas.json') as { answers: object };
    const { here, absent } = listed(fileText('../../docs/http-api.md'));
    const ours = routes().map(({ path }) => path);
    expect(here).toEqual(ours.filter((path) => path in answers).sort());
    expect(absent.filter((path) => ours.includes(path))).toEqual([]);
    expect(absent.length).toBeGreaterThan(20);
  });

  test('beside them is the stream of events, which the client has no call for', async () => {
    const hangUp = new AbortController();
    const headers = { authorization: `Bearer ${apiKey}` };
    const answer = await fetch(`${endpoint}${streamPath}`, { headers, signal: hangUp.signal });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    hangUp.abort();
  });

  test.each(Object.entries(openRows))('%s needs no key', async (_path, call) => {
    await call();
  });

  test('is described under every method it answers to', async () => {
    const description = (await getOpenapiSchema(endpoint)) as { paths: Record<string, object> };
    for (const { path, kind } of routes())
      expect([path, Object.keys(description.paths[path.replace(/:(\w+)/, '{$1}')] ?? {}).sort()]).toEqual([
        path,
        methodsOf[kind].map((method) => method.toLowerCase()).sort(),
      ]);
  });
});

/** The part of the client's paginator that is used here. */
interface Paginator<Cursor> {
  firstPage(): Promise<[readonly unknown[], { readonly hasNextPage: boolean; readonly nextPageCursor: Cursor }]>;
  nextPage(
    cursor: Cursor,
  ): Promise<[readonly unknown[], { readonly hasNextPage: boolean; readonly nextPageCursor: Cursor }]>;
}

describe('the client’s paginator', () => {
  /** Each list that the client can page through, with at least three objects. */
  const lists: Readonly<
    Record<string, () => Promise<{ readonly pages: (readonly unknown[])[]; readonly whole: unknown[] }>>
  > = {
    'devices.list': async () => ({
      pages: await pagesOf(seam.createPaginator(seam.devices.list({ limit: 1, custom_metadata_has: {} }))),
      whole: await seam.devices.list(),
    }),
    'devices.unmanaged.list': async () => {
      for (const device of gateway.devices.list())
        await seam.devices.update({ device_id: device.deviceId, is_managed: false });
      return {
        pages: await pagesOf(seam.createPaginator(seam.devices.unmanaged.list({ limit: 1 }))),
        whole: await seam.devices.unmanaged.list(),
      };
    },
    'accessCodes.list': async () => {
      for (const code of ['1111', '2222', '3333']) await newCode({ code });
      return {
        pages: await pagesOf(seam.createPaginator(seam.accessCodes.list({ device_id, limit: 1 }))),
        whole: await seam.accessCodes.list({ device_id }),
      };
    },
    'accessCodes.unmanaged.list': async () => {
      for (const slot of [1, 2, 3]) aFoundCode(slot);
      return {
        pages: await pagesOf(seam.createPaginator(seam.accessCodes.unmanaged.list({ device_id, limit: 1 }))),
        whole: await seam.accessCodes.unmanaged.list({ device_id }),
      };
    },
    'actionAttempts.list': async () => {
      for (let time = 0; time < 3; time++) await seam.locks.lockDoor({ device_id });
      return {
        pages: await pagesOf(seam.createPaginator(seam.actionAttempts.list({ device_id, limit: 1 }))),
        whole: await seam.actionAttempts.list({ device_id }),
      };
    },
  };

  async function pagesOf<Cursor>(paginator: Paginator<Cursor>): Promise<(readonly unknown[])[]> {
    const pages: (readonly unknown[])[] = [];
    let [page, pagination] = await paginator.firstPage();
    pages.push(page);
    while (pagination.hasNextPage) {
      [page, pagination] = await paginator.nextPage(pagination.nextPageCursor);
      pages.push(page);
    }
    expect(pagination).toMatchObject({ nextPageCursor: null, nextPageUrl: null });
    return pages;
  }

  test.each(Object.entries(lists))('walks through %s to the null cursor', async (_name, list) => {
    const { pages, whole } = await list();
    expect(whole).toHaveLength(3);
    expect(pages.map((page) => page.length)).toEqual([1, 1, 1]);
    expect(pages.flat()).toEqual(whole);
  });

  test('is told when a cursor comes with other parameters', async () => {
    const [, { nextPageCursor }] = await seam.createPaginator(seam.devices.list({ limit: 1 })).firstPage();
    const other = seam.createPaginator(seam.devices.list({ limit: 2 }));
    await expect(other.nextPage(nextPageCursor)).rejects.toMatchObject({
      code: 'mismatched_page_parameters',
      statusCode: 400,
    });
  });
});
