import { opcodes, status, u16 } from './hci.ts';

/** How a controller answers a command. */
export interface Answer {
  /** `complete`: Command Complete with a result. `status`: Command Status, with events to follow. */
  readonly kind: 'complete' | 'status';
  readonly code: number;
  readonly result: Buffer;
  /** What happens once the answer has left. */
  readonly afterwards?: () => void;
}

const NO_BYTES = Buffer.alloc(0);
const HCI_4_0 = Buffer.from([6, 0, 0, 6, 0xff, 0xff, 0, 0]);

export const complete = (result: Buffer = NO_BYTES, code: number = status.success): Answer => ({
  kind: 'complete',
  code,
  result,
});

export const refused = (code: number): Answer => complete(NO_BYTES, code);

export const pending = (afterwards: () => void): Answer => ({
  kind: 'status',
  code: status.success,
  result: NO_BYTES,
  afterwards,
});

export const notStarted = (code: number): Answer => ({ kind: 'status', code, result: NO_BYTES });

/** Commands whose answer depends on nothing that happens: who the controller is and what it has. */
export function answerInformation(
  opcode: number,
  about: { readonly address: Buffer; readonly aclBuffers: { readonly length: number; readonly count: number } },
): Answer | undefined {
  switch (opcode) {
    case opcodes.setEventMask:
    case opcodes.setEventFilter:
    case opcodes.writeLeHostSupport:
    case opcodes.leSetEventMask:
      return complete();
    case opcodes.readLocalVersion:
      return complete(HCI_4_0);
    case opcodes.readSupportedCommands:
      return complete(Buffer.alloc(64));
    case opcodes.readBufferSize:
      return complete(Buffer.from([0xfb, 0, 0, 10, 0, 0, 0]));
    case opcodes.readAddress:
      return complete(about.address);
    case opcodes.readLeHostSupport:
      return complete(Buffer.from([1, 0]));
    case opcodes.leReadBufferSize:
      return complete(Buffer.concat([u16(about.aclBuffers.length), Buffer.from([about.aclBuffers.count])]));
    case opcodes.leReadFeatures:
      // No feature bit: hosts keep to the legacy commands.
      return complete(Buffer.alloc(8));
    case opcodes.leReadAdvertisingPower:
      return complete(Buffer.from([0]));
    default:
      return undefined;
  }
}
