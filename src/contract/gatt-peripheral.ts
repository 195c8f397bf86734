/** ATT result codes that a simulated peripheral answers with: Core Specification, Vol 3 Part F, section 3.4.1.1. */
export const attResult = { success: 0x00, invalidLength: 0x0d, unlikelyError: 0x0e } as const;

export interface GattSubscriber {
  /** The longest value one notification or indication can carry: the connection's MTU less 3. */
  readonly maxLength: number;
  /** Sends a value; indications wait for the confirmation of the one before. */
  push(value: Buffer): void;
}

/** UUIDs are written as 4 or 32 lower-case hexadecimal digits. */
export interface GattPeripheralCharacteristic {
  readonly uuid: string;
  readonly properties: readonly ('read' | 'write' | 'writeWithoutResponse' | 'notify' | 'indicate')[];
  /** Resolves with the ATT result code. What is pushed before it resolves arrives before the write's response. */
  write?(value: Buffer): Promise<number> | number;
  read?(): Buffer;
  /** A central listens from now on, or with `undefined` no more. */
  subscribed?(subscriber: GattSubscriber | undefined): void;
}

export interface GattPeripheralService {
  readonly uuid: string;
  readonly characteristics: readonly GattPeripheralCharacteristic[];
}

/** What a simulated device can ask of the radio that carries it. */
export interface PeripheralRadio {
  /** Call it when {@link GattPeripheral.advertising} has something new to say. */
  advertise(): void;
  /** Ends the connection. */
  disconnect(): void;
}

/** A Bluetooth LE device as its simulator describes it: advertising, services, one central at a time. */
export interface GattPeripheral {
  readonly services: readonly GattPeripheralService[];
  /** Advertising data and scan response, at most 31 bytes each. */
  advertising(): { readonly data: Buffer; readonly scanResponse: Buffer };
  /** Called once, before anything else. */
  powered(radio: PeripheralRadio): void;
  connected(): void;
  disconnected(): void;
}
