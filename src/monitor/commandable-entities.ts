import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { NoiseThresholdRecord } from '../model/records.ts';
import { opensByRelease } from './mqtt-commands.ts';
import type { TopicTree } from './topics.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What Home Assistant is to show and may command, as its MQTT integration has it. */
export interface CommandableEntity {
  readonly component: 'lock' | 'number' | 'event';
  readonly id: string;
  readonly fields: Fields;
}

/**
 * Names a command and the moment at which it is asked for, as {@link MqttCommands} wants it: Home Assistant renders it
 * when somebody presses the button (its documentation, "Using command templates with MQTT").
 */
const commandTemplate = (command: string, about: string): string =>
  `{"command":${command},${about},"id":"ha-{{ utcnow().timestamp() | int }}-{{ range(1000000000) | random }}",` +
  '"issued_at":"{{ utcnow().isoformat() }}"}';

/** A lock that can be commanded. Its messages are never retained, and never sent again by the broker's client. */
export function commandableLock(device: DeviceSnapshot, ofState: Fields, tree: TopicTree): CommandableEntity {
  const opens = opensByRelease(device.capabilities.lock);
  return {
    component: 'lock',
    id: 'control',
    fields: {
      // The device's own name: it is what the device is for.
      name: null,
      ...ofState,
      value_template: "{{ 'None' if value_json.state == 'unknown' else value_json.state }}",
      state_locked: 'locked',
      state_locking: 'locking',
      state_unlocked: 'unlocked',
      state_unlocking: 'unlocking',
      state_jammed: 'jammed',
      command_topic: tree.command,
      command_template: commandTemplate('"{{ value }}"', `"device_id":"${device.deviceId}"`),
      payload_lock: 'LOCK',
      payload_unlock: 'UNLOCK',
      ...(opens && { payload_open: 'OPEN' }),
      optimistic: false,
      retain: false,
      qos: 0,
    },
  };
}

export type NamedThreshold = Pick<NoiseThresholdRecord, 'noiseThresholdId' | 'name'>;

/** A threshold's limit, to be turned. */
export const thresholdNumber = (
  { noiseThresholdId, name }: NamedThreshold,
  ofState: Fields,
  tree: TopicTree,
): CommandableEntity => ({
  component: 'number',
  id: `threshold-${noiseThresholdId}`,
  fields: {
    name: `Limit: ${name}`,
    ...ofState,
    value_template: `{{ value_json.noise_thresholds['${noiseThresholdId}'] }}`,
    command_topic: tree.command,
    command_template: commandTemplate(
      '"SET_NOISE_THRESHOLD"',
      `"noise_threshold_id":"${noiseThresholdId}","decibels":{{ value }}`,
    ),
    device_class: 'sound_pressure',
    unit_of_measurement: 'dB',
    min: 0,
    max: 194,
    step: 0.5,
    mode: 'box',
    entity_category: 'config',
    optimistic: false,
    retain: false,
    qos: 0,
  },
});

/** Seam's events of a lock, and our own, that somebody at the door made happen. */
const ofPeople = ['lock.locked', 'lock.unlocked', 'lock.access_denied', 'strikeplate.lock.jammed'];

/**
 * Who opened, as it happens: by which means, and by which code where a keypad told. Never the digits, and no name: the
 * broker's other clients need not know who is at home.
 */
export const operations = (deviceId: string, availability: unknown, tree: TopicTree): CommandableEntity => ({
  component: 'event',
  id: 'operations',
  fields: {
    name: 'Operation',
    state_topic: tree.deviceEvents(deviceId),
    availability,
    event_types: ofPeople,
    value_template:
      `{{ {'event_type': value_json.event_type, 'method': value_json.method | default('unknown'), ` +
      `'access_code_id': value_json.access_code_id | default(none), 'slot': value_json.slot | default(none)} | tojson ` +
      `if value_json.event_type in ${JSON.stringify(ofPeople).replaceAll('"', "'")} else '' }}`,
  },
});
