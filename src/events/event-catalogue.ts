import type { EventType } from '../model/event-types.ts';

/** Every event this gateway can tell of, with when it does. docs/events.md says the same, and is tested against it. */
export const eventTypes: Readonly<Record<EventType, string>> = {
  'lock.locked': 'The bolt was locked.',
  'lock.unlocked': 'The bolt was unlocked.',
  'lock.access_denied': 'The lock let somebody not in.',
  'access_code.created': 'An access code was asked for.',
  'access_code.changed': 'An access code was changed.',
  'access_code.name_changed': 'An access code got another name.',
  'access_code.code_changed': 'An access code got other digits.',
  'access_code.time_frame_changed': 'An access code got other times.',
  'access_code.mutations_requested': 'A change of an access code was asked for.',
  'access_code.scheduled_on_device': 'The lock holds the code and will take it from its start on.',
  'access_code.set_on_device': 'The code was seen on the lock and opens it.',
  'access_code.removed_from_device': 'The code was seen to be gone from the lock.',
  'access_code.delay_in_setting_on_device': 'Writing a code takes longer than it should.',
  'access_code.failed_to_set_on_device': 'A code could not be written.',
  'access_code.delay_in_removing_from_device': 'Removing a code takes longer than it should.',
  'access_code.failed_to_remove_from_device': 'A code could not be removed.',
  'access_code.deleted': 'An access code is gone for good.',
  'access_code.modified_external_to_seam': 'A code of ours was changed at the lock itself.',
  'access_code.deleted_external_to_seam': 'A code of ours was deleted at the lock itself.',
  'access_code.backup_access_code_pulled': 'A spare code took the place of one that could not be written.',
  'access_code.unmanaged.created': 'A code that is not ours was found on the lock.',
  'access_code.unmanaged.removed': 'A code that was not ours is gone from the lock.',
  'access_code.unmanaged.converted_to_managed': 'A code found on the lock is managed from now on.',
  'access_code.unmanaged.failed_to_convert_to_managed': 'A code found on the lock could not be taken over.',
  'action_attempt.lock_door.succeeded': 'An attempt to lock a door ended well.',
  'action_attempt.lock_door.failed': 'An attempt to lock a door ended with an error.',
  'action_attempt.unlock_door.succeeded': 'An attempt to unlock a door ended well.',
  'action_attempt.unlock_door.failed': 'An attempt to unlock a door ended with an error.',
  'device.connected': 'The device can be reached, for the first time or again.',
  'device.disconnected': 'The device has not been reachable for ten seconds.',
  'device.added': 'The device is in the configuration and was not before.',
  'device.removed': 'The device is not in the configuration any more.',
  'device.tampered': 'The device says that somebody tampers with it.',
  'device.low_battery': 'The battery became low.',
  'device.battery_status_changed': 'The battery is in another of its four states.',
  'device.name_changed': 'The device has another name.',
  'strikeplate.device.taken_out_of_service': 'Commands to the device are refused from now on.',
  'strikeplate.device.put_into_service': 'The device takes commands again.',
  'noise_sensor.noise_threshold_triggered': 'A threshold has been exceeded for as long as it asks.',
  'strikeplate.lock.jammed': 'The bolt is stuck.',
  'strikeplate.door.forced': 'The door opened while it stood locked and nobody had released it.',
  'strikeplate.door.held_open': 'The door has stood open for longer than it may.',
  'strikeplate.door.closed_again': 'A door that was held open is closed.',
  'strikeplate.lock.operations_missed': 'More happened at the lock than it can tell of.',
  'strikeplate.lock.code_slot_changed': 'A slot was changed at the lock itself.',
  'strikeplate.gateway.limit_reached': 'More came from one side than is taken: the rest is refused or left out.',
  'strikeplate.noise_sensor.noise_threshold_ended': 'The noise that was told of is over.',
};

/** Families that have all their names above; of these no other is known. */
const ourFamilies = ['lock', 'access_code', 'action_attempt', 'device', 'noise_sensor', 'strikeplate'];

/** Seam's names in these families for what does not happen at a gateway. They may be asked for, and never come. */
const neverHere: ReadonlySet<string> = new Set([
  'access_code.issued',
  'access_code.delay_in_issuing',
  'access_code.failed_to_issue',
  'access_code.failed_to_update',
  'access_code.failed_to_remove',
  'action_attempt.simulate_keypad_code_entry.succeeded',
  'action_attempt.simulate_keypad_code_entry.failed',
  'action_attempt.simulate_manual_lock_via_keypad.succeeded',
  'action_attempt.simulate_manual_lock_via_keypad.failed',
  'device.deleted',
  'device.connection_became_flaky',
  'device.connection_stabilized',
  'device.accessory_keypad_connected',
  'device.accessory_keypad_disconnected',
  'device.doorbell_rang',
  'device.third_party_integration_detected',
  'device.third_party_integration_no_longer_detected',
  'device.salto.privacy_mode_activated',
  'device.salto.privacy_mode_deactivated',
  'device.error.subscription_required',
  'device.error.subscription_required.resolved',
  'device.converted_to_unmanaged',
  'device.unmanaged.converted_to_managed',
  'device.unmanaged.connected',
  'device.unmanaged.disconnected',
]);

/**
 * Whether an event type may be asked for: ours, or one of Seam's whose family has no place here (cloud accounts,
 * thermostats), so that an application's list for both need not be cut.
 */
export function isKnownEventType(type: string): boolean {
  if (Object.hasOwn(eventTypes, type) || neverHere.has(type)) return true;
  const family = type.split('.', 1)[0] ?? '';
  return !ourFamilies.includes(family) && /^[a-z][a-z_]*(\.[a-z_]+)+$/.test(type);
}
