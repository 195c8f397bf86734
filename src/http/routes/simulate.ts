import { z } from 'zod';
import { GatewayError, Secret } from '../../contract/index.ts';
import type { SimulatedEvent } from '../../model/sandbox.ts';
import { actionAttemptSchema } from '../../wire/action-attempt.ts';
import { unmanagedAccessCodeSchema } from '../../wire/unmanaged-access-code.ts';
import { oneLine } from '../plain-parameters.ts';
import { changeRoute, commandRoute, type Route } from '../route.ts';
import { syncParameter } from './action-attempts.ts';
import { devicesOfAccount } from './connected-accounts.ts';
import { findDevice } from './device-lookup.ts';

const device = { device_id: z.string() };
const nothing = { answer: () => ({}) };

const paidSubscriptionRoute = changeRoute('create', {
  path: '/devices/simulate/paid_subscription',
  summary: 'Says that a simulated device needs no subscription: one that is expired is refused',
  scopes: ['control'],
  params: z.strictObject({ ...device, is_expired: z.boolean() }),
  answer: () => z.object({}),
  change: async ({ device_id, is_expired }, _origin, { gateway }) => {
    const { name, deviceId } = findDevice(gateway, { device_id });
    const isSimulated = gateway.sandbox.eventsOf(deviceId) !== undefined;
    if (isSimulated && !is_expired) return nothing;
    throw new GatewayError(
      'unsupported_action',
      `${name} is reached without its maker's cloud, so it has no subscription that could ${isSimulated ? 'end' : 'be simulated'}.`,
    );
  },
});

const disconnectAccountRoute = changeRoute('create', {
  path: '/connected_accounts/simulate/disconnect',
  summary: 'Take the bridges of a link away whose devices are all simulated',
  scopes: ['control'],
  whole: true,
  params: z.strictObject({ connected_account_id: z.string() }),
  answer: () => z.object({}),
  change: async ({ connected_account_id }, _origin, { gateway }) => {
    const devices = devicesOfAccount(gateway, connected_account_id);
    if (devices.length === 0)
      throw new GatewayError(
        'connected_account_not_found',
        'There is no such connected account at this gateway. List them with /connected_accounts/list.',
      );
    const events = devices.map((deviceId) => gateway.sandbox.eventsOf(deviceId));
    // All or none: half a link is no link.
    const refused = devices.find((_, at) => events[at]?.has('disconnect_from_hub') !== true);
    if (refused !== undefined) gateway.sandbox.simulate(refused, 'disconnect_from_hub');
    for (const deviceId of devices) gateway.sandbox.simulate(deviceId, 'disconnect_from_hub');
    return nothing;
  },
});

const keypadCodeEntryRoute = commandRoute('create', {
  path: '/locks/simulate/keypad_code_entry',
  summary: 'Let somebody type a code at a simulated keypad',
  scopes: ['control'],
  params: z.strictObject({ ...device, code: z.string().regex(/^\d{1,16}$/, 'Give digits'), ...syncParameter }),
  answer: () => z.object({ action_attempt: actionAttemptSchema() }),
  accept: async ({ device_id, code }, origin, { gateway }) =>
    gateway.sandbox.typeCode(findDevice(gateway, { device_id }).deviceId, new Secret(code), origin),
  respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
});

const manualLockRoute = commandRoute('create', {
  path: '/locks/simulate/manual_lock_via_keypad',
  summary: 'Let somebody lock a simulated lock at its keypad',
  scopes: ['control'],
  params: z.strictObject({ ...device, ...syncParameter }),
  answer: () => z.object({ action_attempt: actionAttemptSchema() }),
  accept: async ({ device_id }, origin, { gateway }) =>
    gateway.sandbox.lockAtKeypad(findDevice(gateway, { device_id }).deviceId, origin),
  respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
});

const createUnmanagedAccessCodeRoute = changeRoute('create', {
  path: '/access_codes/simulate/create_unmanaged_access_code',
  summary: 'Let somebody put a code in at a simulated lock; answered once the gateway has found it there',
  scopes: ['codes'],
  params: z.strictObject({ ...device, name: oneLine, code: z.string().regex(/^\d{4,8}$/, 'Give 4 to 8 digits') }),
  answer: () => z.object({ access_code: unmanagedAccessCodeSchema() }),
  change: async ({ device_id, code, name }, _origin, caller) => {
    const { deviceId } = findDevice(caller.gateway, { device_id });
    const found = await caller.gateway.sandbox.programCode(deviceId, new Secret(code), name);
    return { answer: () => ({ access_code: caller.answers.unmanagedAccessCode(found, caller) }) };
  },
});

const triggerNoiseThresholdRoute = changeRoute('create', {
  path: '/noise_sensors/simulate/trigger_noise_threshold',
  summary: 'Make noise at a simulated sensor: enough, and for long enough, for its highest threshold',
  scopes: ['control'],
  params: z.strictObject(device),
  answer: () => z.object({}),
  change: async ({ device_id }, _origin, { gateway }) => {
    gateway.sandbox.triggerNoise(findDevice(gateway, { device_id }).deviceId);
    return nothing;
  },
});

const resetSandboxWorkspaceRoute = commandRoute('create', {
  path: '/workspaces/reset_sandbox',
  summary: 'Empty a gateway whose devices are all simulated: codes, grants, people, spaces, thresholds',
  scopes: ['codes'],
  whole: true,
  params: z.strictObject({ ...syncParameter }),
  answer: () => z.object({ action_attempt: actionAttemptSchema() }),
  accept: (_params, origin, { gateway }) => gateway.sandbox.reset(origin),
  respond: (attempt, caller) => ({ action_attempt: caller.answers.attempt(attempt, caller) }),
});

/**
 * Seam's simulate routes: what they make happen is played by the simulator, and heard by the gateway as from a real
 * device. On a real one they are refused.
 */
export function simulateRoutes(): Route[] {
  return [
    happening('connect', 'Let a simulated device come back'),
    happening('disconnect', 'Take a simulated device away'),
    happening('connect_to_hub', 'Let the bridge of a simulated device come back, with all that are behind it'),
    happening('disconnect_from_hub', 'Take the bridge of a simulated device away, with all that are behind it'),
    happening(
      'remove',
      'Remove a simulated device from its bridge, or the gateway from the lock; connect brings it back',
    ),
    paidSubscriptionRoute,
    disconnectAccountRoute,
    keypadCodeEntryRoute,
    manualLockRoute,
    createUnmanagedAccessCodeRoute,
    triggerNoiseThresholdRoute,
    resetSandboxWorkspaceRoute,
  ];
}

const happening = (event: SimulatedEvent, summary: string): Route =>
  changeRoute('create', {
    path: `/devices/simulate/${event}`,
    summary,
    scopes: ['control'],
    // A bridge has other devices behind it.
    whole: event === 'connect_to_hub' || event === 'disconnect_from_hub',
    params: z.strictObject(device),
    answer: () => z.object({}),
    change: async ({ device_id }, _origin, { gateway }) => {
      gateway.sandbox.simulate(findDevice(gateway, { device_id }).deviceId, event);
      return nothing;
    },
  });
