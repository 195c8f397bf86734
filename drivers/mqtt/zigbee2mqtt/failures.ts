import { type Delivery, GatewayError } from '../../../src/contract/index.ts';
import type { ComplaintReason } from './bridge-complaint.ts';
import type { Interruption } from './device-feed.ts';

/** What a failure says of the device it met. */
export interface Named {
  /** As people know it. */
  readonly name: string;
  readonly friendlyName: string;
  readonly baseTopic: string;
}

/** Why nothing can be asked of the device now. */
export function unreachable(device: Named, interruption: Interruption, delivery: Delivery): GatewayError {
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
    case 'device':
      return new GatewayError(
        'device_offline',
        `Zigbee2MQTT cannot reach ${device.name}. Check its battery, and that a Zigbee router is near.`,
        { delivery },
      );
  }
}

/** The bridge named the device in its error log. */
export function complained(device: Named, reason: ComplaintReason, delivery: Delivery): GatewayError {
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
    case 'not_delivered':
    case 'no_answer':
    case 'other':
      return new GatewayError(
        'device_offline',
        `Zigbee2MQTT got no answer from ${device.name}. Check its battery, and that a Zigbee router is near.`,
        { delivery },
      );
  }
}

/** The bridge sent nothing to the device: its settings are wrong. */
export const isMisconfiguration = (reason: ComplaintReason): boolean =>
  reason === 'unknown_device' || reason === 'no_converter' || reason === 'slot_out_of_range';
