import { expect } from 'vitest';
import { gate } from '../kit/gateway/fake-devices.ts';
import { hasCall } from '../kit/sdk/official-clients.ts';
import { device_id, type SeamSite, stay } from '../kit/sdk/seam-site.ts';

/** Codes, grants, people and spaces: with a call of the client's own for each route of Seam's; through its connection for those that are ours. */
export const accessCalls: Readonly<Record<string, (site: SeamSite) => PromiseLike<unknown>>> = {
  '/access_codes/simulate/create_unmanaged_access_code': async (site) => {
    site.gateway.sandbox.played.add(device_id);
    const made = await site.seam.accessCodes.simulate.createUnmanagedAccessCode({
      device_id,
      name: 'Ben',
      code: '4821',
    });
    expect(made).toMatchObject({ name: 'Ben', code: '4821', is_managed: false });
  },
  '/access_codes/create': (site) => site.newCode({ name: 'Ana', code: '582914', ...stay }),
  '/access_codes/create_multiple': (site) =>
    site.seam.accessCodes.createMultiple({ device_ids: [device_id], code: '582914', ...stay }),
  '/access_codes/get': async (site) => {
    const { access_code_id } = await site.newCode({ code: '582914' });
    expect(await site.seam.accessCodes.get({ device_id, code: '582914' })).toMatchObject({ access_code_id });
  },
  '/access_codes/list': async (site) => {
    await site.newCode();
    expect(await site.seam.accessCodes.list({ device_id })).toHaveLength(1);
  },
  '/access_codes/update': async (site) => {
    const { access_code_id } = await site.newCode({ code: '582914' });
    await site.seam.accessCodes.update({ access_code_id, code: '123456', ...stay });
    expect(await site.seam.accessCodes.get({ access_code_id })).toMatchObject({ code: '123456', type: 'time_bound' });
  },
  '/access_codes/update_multiple': async (site) => {
    await site.newCode({ common_code_key: 'stay 7' });
    await site.seam.accessCodes.updateMultiple({ common_code_key: 'stay 7', name: 'Ben' });
    expect(await site.seam.accessCodes.list({ device_id })).toMatchObject([{ name: 'Ben' }]);
  },
  '/access_codes/delete': async (site) => {
    const { access_code_id } = await site.newCode();
    await site.seam.accessCodes.delete({ access_code_id });
    expect(await site.seam.accessCodes.list({ device_id })).toEqual([]);
  },
  '/access_codes/generate_code': async (site) => {
    expect((await site.seam.accessCodes.generateCode({ device_id })).code).toMatch(/^\d{4,}$/);
  },
  '/access_codes/pull_backup_access_code': async (site) => {
    const code = await site.seam.accessCodes.pullBackupAccessCode(await site.aBackupCode());
    expect(code).toMatchObject({ pulled_backup_access_code_id: 'spare' });
  },
  '/access_codes/unmanaged/get': (site) => site.seam.accessCodes.unmanaged.get(site.aFoundCode()),
  '/access_codes/unmanaged/list': async (site) => {
    site.aFoundCode();
    expect(await site.seam.accessCodes.unmanaged.list({ device_id })).toMatchObject([
      { code: '1111', is_managed: false },
    ]);
  },
  '/access_codes/unmanaged/convert_to_managed': async (site) => {
    const found = site.aFoundCode();
    await site.seam.accessCodes.unmanaged.convertToManaged(found);
    expect(await site.seam.accessCodes.get(found)).toMatchObject({ code: '1111', is_managed: true });
  },
  '/access_codes/unmanaged/update': (site) =>
    site.seam.accessCodes.unmanaged.update({ ...site.aFoundCode(), is_managed: true }),
  '/access_codes/unmanaged/delete': async (site) => {
    await site.seam.accessCodes.unmanaged.delete(site.aFoundCode());
    expect(await site.seam.accessCodes.unmanaged.list({ device_id })).toEqual([]);
  },

  '/access_codes/get_timeline': async (site) => {
    const { access_code_id } = await site.newCode({ code: '582914' });
    const { actionAttemptId } = site.gateway.accepted[0] ?? {};
    site.gateway.happen({ eventType: 'access_code.created', deviceId: device_id, accessCodeId: access_code_id });
    site.gateway.happen({
      eventType: 'access_code.set_on_device',
      deviceId: device_id,
      accessCodeId: access_code_id,
      actionAttemptId,
    });
    // Unpublished, so that the client asks for it only as one that may see such routes.
    const { data } = await site.seam.client.post('/access_codes/get_timeline', { access_code_id });
    expect(data.timeline_events).toMatchObject([
      { event_type: 'access_code.set_on_device', actor: { type: 'api_key' } },
      { event_type: 'access_code.created', actor: { type: 'system' } },
    ]);
  },
  '/access_codes/report_device_constraints': (site) =>
    site.seam.accessCodes.reportDeviceConstraints({ device_id, supported_code_lengths: [4, 6] }),

  '/user_identities/create': (site) => site.aPerson(),
  '/user_identities/get': async (site) => {
    const { user_identity_id } = await site.aPerson();
    expect(await site.seam.userIdentities.get({ user_identity_id })).toMatchObject({ full_name: 'Ana' });
    return site.seam.userIdentities.get({ user_identity_key: 'guest-7' });
  },
  '/user_identities/list': async (site) => {
    await site.aPerson();
    expect(await site.seam.userIdentities.list({ search: 'ana' })).toHaveLength(1);
  },
  '/user_identities/update': async (site) => {
    const { user_identity_id } = await site.aPerson();
    await site.seam.userIdentities.update({ user_identity_id, full_name: 'Anna', phone_number: null });
    expect(await site.seam.userIdentities.get({ user_identity_id })).toMatchObject({ full_name: 'Anna' });
  },
  '/user_identities/delete': async (site) => {
    await site.seam.userIdentities.delete(await site.idOfPerson());
    expect(await site.seam.userIdentities.list()).toEqual([]);
  },
  '/user_identities/grant_access_to_device': async (site) => {
    const { user_identity_id } = await site.aPerson();
    await site.seam.userIdentities.grantAccessToDevice({ user_identity_id, device_id });
  },
  '/user_identities/revoke_access_to_device': async (site) => {
    const { user_identity_id } = await site.aPerson();
    await site.seam.userIdentities.grantAccessToDevice({ user_identity_id, device_id });
    await site.seam.userIdentities.revokeAccessToDevice({ user_identity_id, device_id });
    expect(await site.seam.userIdentities.listAccessibleDevices({ user_identity_id })).toEqual([]);
  },
  '/user_identities/list_accessible_devices': async (site) => {
    const { user_identity_id } = await site.aGrant();
    expect(await site.seam.userIdentities.listAccessibleDevices({ user_identity_id })).toMatchObject([{ device_id }]);
  },

  '/spaces/create': (site) => site.aSpace(),
  '/spaces/get': async (site) => {
    const { space_id } = await site.aSpace();
    expect(await site.seam.spaces.get({ space_key: 'flat-7' })).toMatchObject({ space_id, device_count: 1 });
  },
  '/spaces/list': async (site) => {
    await site.aSpace();
    expect(await site.seam.spaces.list({ search: 'flat' })).toHaveLength(1);
  },
  '/spaces/update': async (site) => {
    const { space_id } = await site.aSpace();
    await site.seam.spaces.update({ space_id, name: 'Flat 8' });
    expect(await site.seam.spaces.get({ space_id })).toMatchObject({ name: 'Flat 8' });
  },
  '/spaces/delete': async (site) => {
    const { space_id } = await site.aSpace();
    await site.seam.spaces.delete({ space_id });
    expect(await site.seam.spaces.list()).toEqual([]);
  },
  '/spaces/add_devices': async (site) => {
    const { space_id } = await site.aSpace();
    await site.seam.spaces.addDevices({ space_id, device_ids: [gate.deviceId] });
    expect(await site.seam.devices.list({ space_id })).toHaveLength(2);
  },
  '/spaces/remove_devices': async (site) => {
    const { space_id } = await site.aSpace();
    await site.seam.spaces.removeDevices({ space_id, device_ids: [device_id] });
    expect(await site.seam.devices.list({ space_id })).toEqual([]);
  },
  '/spaces/get_related': async (site) => {
    const { space_id } = await site.aSpace();
    expect(await site.seam.spaces.getRelated({ space_ids: [space_id] })).toMatchObject({ devices: [{ device_id }] });
  },

  '/access_grants/create': (site) => site.aGrant(),
  '/access_grants/get': async (site) => {
    const { access_grant_id } = await site.aGrant();
    expect(await site.seam.accessGrants.get({ access_grant_id })).toMatchObject({ access_grant_key: 'booking-7' });
  },
  '/access_grants/list': async (site) => {
    const { user_identity_id } = await site.aGrant();
    expect(await site.seam.accessGrants.list({ user_identity_id })).toHaveLength(1);
  },
  '/access_grants/update': async (site) => {
    const { access_grant_id } = await site.aGrant();
    await site.seam.accessGrants.update({ access_grant_id, ends_at: '2026-05-07T10:00:00Z', name: 'Longer' });
    expect(await site.seam.accessGrants.get({ access_grant_id })).toMatchObject({
      ends_at: '2026-05-07T10:00:00.000Z',
      display_name: 'Longer',
    });
  },
  '/access_grants/delete': async (site) => {
    const { access_grant_id } = await site.aGrant();
    await site.seam.accessGrants.delete({ access_grant_id });
    await site.seam.accessGrants.delete({ access_grant_id });
  },
  '/access_grants/get_related': async (site) => {
    const { access_grant_id } = await site.aGrant();
    const batch = await site.seam.accessGrants.getRelated({ access_grant_ids: [access_grant_id] });
    expect(batch).toMatchObject({ devices: [{ device_id }], user_identities: [{ full_name: 'Ana' }] });
  },
  '/access_grants/request_access_methods': async (site) => {
    const { access_grant_id } = await site.aGrant();
    const requested_access_methods = [{ mode: 'code' as const }];
    const grant = await site.seam.accessGrants.requestAccessMethods({ access_grant_id, requested_access_methods });
    expect(grant.access_method_ids).toHaveLength(2);
  },
  '/access_methods/get': async (site) => {
    expect(await site.seam.accessMethods.get(await site.aMethod())).toMatchObject({
      mode: 'code',
      code: expect.any(String),
    });
  },
  '/access_methods/list': async (site) => {
    const { access_grant_id } = await site.aGrant();
    expect(await site.seam.accessMethods.list({ access_grant_id })).toHaveLength(1);
  },
  '/access_methods/delete': async (site) => {
    const { access_method_id } = await site.aMethod();
    await site.seam.accessMethods.delete({ access_method_id });
  },
  '/access_methods/get_related': async (site) => {
    const { access_method_id } = await site.aMethod();
    const batch = await site.seam.accessMethods.getRelated({ access_method_ids: [access_method_id] });
    expect(batch).toMatchObject({ devices: [{ device_id }], access_grants: [{ display_name: 'Ana' }] });
  },
  '/access_methods/unlock_door': async (site) => {
    const { access_method_id } = await site.aMethod({ starts_at: undefined });
    const door = { access_method_id, acs_entrance_id: device_id };
    if (hasCall(site.seam, 'accessMethods.unlockDoor')) await site.seam.accessMethods.unlockDoor(door);
    else await site.seam.client.post('/access_methods/unlock_door', door);
  },
};
