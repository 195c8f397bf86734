import type { BleLink, MqttLink, SerialLink } from './links.ts';
import type { ZwaveLink } from './zwave-link.ts';

/** Every kind of link a driver can ask for. */
export interface LinkKinds {
  readonly mqtt: MqttLink;
  readonly serial: SerialLink;
  readonly ble: BleLink;
  readonly zwave: ZwaveLink;
}

export type LinkKind = keyof LinkKinds;
