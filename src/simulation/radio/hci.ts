/** Packet types of the UART transport (H4): Core Specification 5.4, Vol 4 Part A, section 2. */
export const COMMAND_PACKET = 1;
export const ACL_PACKET = 2;
export const EVENT_PACKET = 4;

/** Command opcodes (group << 10 | command): Core Specification 5.4, Vol 4 Part E, section 7. */
export const opcodes = {
  disconnect: 0x0406,
  setEventMask: 0x0c01,
  reset: 0x0c03,
  setEventFilter: 0x0c05,
  readLeHostSupport: 0x0c6c,
  writeLeHostSupport: 0x0c6d,
  readLocalVersion: 0x1001,
  readSupportedCommands: 0x1002,
  readBufferSize: 0x1005,
  readAddress: 0x1009,
  readRssi: 0x1405,
  leSetEventMask: 0x2001,
  leReadBufferSize: 0x2002,
  leReadFeatures: 0x2003,
  leSetRandomAddress: 0x2005,
  leSetAdvertisingParameters: 0x2006,
  leReadAdvertisingPower: 0x2007,
  leSetAdvertisingData: 0x2008,
  leSetScanResponse: 0x2009,
  leSetAdvertisingEnable: 0x200a,
  leSetScanParameters: 0x200b,
  leSetScanEnable: 0x200c,
  leCreateConnection: 0x200d,
  leCancelConnection: 0x200e,
  leUpdateConnection: 0x2013,
} as const;

/** Event codes: Vol 4 Part E, section 7.7. */
export const events = {
  disconnectionComplete: 0x05,
  commandComplete: 0x0e,
  commandStatus: 0x0f,
  completedPackets: 0x13,
  leMeta: 0x3e,
} as const;

/** LE Meta subevents: Vol 4 Part E, section 7.7.65. */
export const leEvents = {
  connectionComplete: 0x01,
  advertisingReport: 0x02,
  connectionUpdateComplete: 0x03,
} as const;

/** Status and reason codes: Vol 1 Part F, section 1.3. */
export const status = {
  success: 0x00,
  unknownCommand: 0x01,
  unknownConnection: 0x02,
  connectionTimeout: 0x08,
  commandDisallowed: 0x0c,
  remoteUserEnded: 0x13,
  localHostEnded: 0x16,
  failedToEstablish: 0x3e,
} as const;

export const u16 = (value: number): Buffer => Buffer.from([value & 0xff, (value >> 8) & 0xff]);

/** Six bytes, least significant first, from `c0:b1:e1:00:00:01`. */
export function parseAddress(address: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(address)) throw new Error(`not a Bluetooth address: ${address}`);
  return Buffer.from(Buffer.from(address.replaceAll(':', ''), 'hex').reverse());
}

/** Cuts the host's byte stream into packets. A byte that begins no packet of a host is skipped. */
export class HostPacketSplitter {
  #pending: Buffer = Buffer.alloc(0);

  /** Whole packets that `chunk` completed, each with its type byte. */
  push(chunk: Uint8Array): Buffer[] {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const packets: Buffer[] = [];
    for (;;) {
      const length = this.#lengthOfFirst();
      if (length === undefined || this.#pending.length < length) return packets;
      packets.push(this.#pending.subarray(0, length));
      this.#pending = this.#pending.subarray(length);
    }
  }

  #lengthOfFirst(): number | undefined {
    for (;;) {
      const type = this.#pending[0];
      if (type === undefined) return undefined;
      if (type === COMMAND_PACKET) return this.#pending.length < 4 ? undefined : 4 + this.#pending.readUInt8(3);
      if (type === ACL_PACKET) return this.#pending.length < 5 ? undefined : 5 + this.#pending.readUInt16LE(3);
      this.#pending = this.#pending.subarray(1);
    }
  }
}
