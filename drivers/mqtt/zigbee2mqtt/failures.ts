import { type Delivery, GatewayError } from '../../../src/contract/index.ts';
import type { ComplaintReason } from './bridge-complaint.ts';
import type { BindingProblem } from './device-binding.ts';
import type { Interruption } from './device-feed.ts';

/** What a failure says of the device it met. */
export interface NamedDevice {
  /** As people know it. */
  readonly name: string;
  readonly friendlyName: string;
  readonly baseTopic: string;
}

/** Why nothing can be asked of the device now. */
export function unreachable(device: NamedDevice, interruption: Interruption, delivery: Delivery): GatewayError {
  switch (interruption) {
    case 'link':
      return new GatewayError(
        'link_unavailable',
        `${device.name} cannot be reached: the MQTT broker is not connected. Check that the broker runs.`,
        { delivery },
      );
    case 'bridge':
      return new GatewayError(
        'link_unavailable',
        `${device.name} cannot be reached: Zigbee2MQTT under "${device.baseTopic}" says that it is offline. Start it.`,
        { delivery },
      );
  }
}

/** The device that the settings name is not there, or is another one. */
export const notOurs = (device: NamedDevice, problem: BindingProblem): GatewayError =>
  new GatewayError('misconfigured', `${device.name} is not commanded: ${whyNotOurs(device, problem)}`, {
    delivery: 'not_sent',
  });

/** Why, and what to do about it, in sentences. */
export function whyNotOurs({ name, friendlyName }: NamedDevice, problem: BindingProblem): string {
  switch (problem.kind) {
    case 'unknown':
      return `Zigbee2MQTT knows no device "${friendlyName}". Correct friendly_name in the settings of ${name}, or rename the device in Zigbee2MQTT.`;
    case 'removed':
      return (
        `Zigbee2MQTT no longer has the device "${friendlyName}"${addressed(problem.ieeeAddress)}: it was removed or ` +
        'has left. Pair it again.'
      );
    case 'replaced':
      return (
        `the name "${friendlyName}" now belongs to another device (${problem.by}) than before (${problem.ieeeAddress}). ` +
        `Give it back in Zigbee2MQTT, or, if ${name} was exchanged on purpose, restart the gateway (and correct ` +
        'ieee_address in its settings, where it is set).'
      );
    case 'disabled':
      return `the device "${friendlyName}" is disabled in Zigbee2MQTT. Enable it there.`;
    case 'unsupported':
      return `Zigbee2MQTT does not support the model of "${friendlyName}". Update Zigbee2MQTT, or add a converter for it.`;
    case 'no_json':
      return (
        `Zigbee2MQTT publishes no JSON, so nothing can be heard of the device. Set ${problem.option} in its ` +
        'configuration to json or attribute_and_json.'
      );
  }
}

const addressed = (ieeeAddress: string | undefined): string => (ieeeAddress === undefined ? '' : ` (${ieeeAddress})`);

/** The bridge named the device in its error log. */
export function complained(device: NamedDevice, reason: ComplaintReason, delivery: Delivery): GatewayError {
  switch (reason) {
    case 'unknown_device':
      return new GatewayError(
        'misconfigured',
        `Zigbee2MQTT knows no device "${device.friendlyName}". Correct friendly_name in the settings of ` +
          `${device.name}, or rename the device in Zigbee2MQTT.`,
        { delivery },
      );
    case 'no_converter':
      return new GatewayError(
        'misconfigured',
        `Zigbee2MQTT cannot do this on ${device.name}: its converter for this model does not offer it. If it was a ` +
          'PIN, take pin_slots out of its settings.',
        { delivery },
      );
    case 'slot_out_of_range':
      return new GatewayError(
        'misconfigured',
        `${device.name} has fewer code slots than pin_slots in its settings says. Lower pin_slots.count.`,
        { delivery },
      );
    case 'refused':
      return new GatewayError(
        'device_rejected',
        `${device.name} refused what Zigbee2MQTT sent it: the log of Zigbee2MQTT has the lock’s status. Look at the lock: ` +
          'it may be blocked, in a mode of its own, or low on power.',
        { delivery },
      );
    case 'not_delivered':
    case 'no_answer':
      return new GatewayError(
        'device_offline',
        `Zigbee2MQTT got no answer from ${device.name}. Check its battery, and that a Zigbee router is near.`,
        { delivery },
      );
    case 'other':
      return new GatewayError(
        'device_offline',
        `Zigbee2MQTT says that it failed to reach ${device.name}, and why in its log. Check its battery, and that a Zigbee ` +
          'router is near.',
        { delivery },
      );
  }
}

/** The device said nothing, as its bridge expected. */
export const unreached = ({ name }: NamedDevice, delivery: Delivery): GatewayError =>
  new GatewayError(
    'device_offline',
    `Zigbee2MQTT has not heard from ${name} for long, and it did not answer now. Check its battery, and that a Zigbee ` +
      'router is near.',
    { delivery },
  );

export const tellsOfNone = ({ name }: NamedDevice): GatewayError =>
  new GatewayError(
    'misconfigured',
    `${name} takes codes and tells of none: what it holds cannot be read. If a newer Zigbee2MQTT can, set ` +
      'pin_confirmation to read in its settings.',
    { delivery: 'not_sent' },
  );

/** @param status as the bridge told it */
export const slotUntold = ({ name }: NamedDevice, slot: number, status: string | undefined): GatewayError =>
  new GatewayError(
    'misconfigured',
    status === 'not_supported'
      ? `${name} says that it has no code slot ${slot}. Take pin_slots out of its settings, or correct them.`
      : `${name} answers for its code slot ${slot}, and not in a way that says what it holds, so nothing is written there. ` +
          'Update Zigbee2MQTT, or set pin_confirmation to none in its settings to write without reading.',
    { delivery: 'not_sent' },
  );
