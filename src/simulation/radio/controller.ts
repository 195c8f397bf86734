import type { Clock } from '../../contract/index.ts';
import type { AirLink, LinkHost, LinkParameters } from './air-link.ts';
import { Advertiser } from './air-link.ts';
import { type Answer, answerInformation, complete, notStarted, pending, refused } from './command-answers.ts';
import {
  ACL_PACKET,
  COMMAND_PACKET,
  EVENT_PACKET,
  events,
  HostPacketSplitter,
  leEvents,
  opcodes,
  parseAddress,
  status,
  u16,
} from './hci.ts';

const SCAN_RESPONSE = 4;

export interface AddressOnAir {
  /** 0 public, 1 random. */
  readonly type: number;
  readonly bytes: Buffer;
}

interface Initiating {
  readonly peer: AddressOnAir;
  readonly parameters: LinkParameters;
}

/** What a controller needs of the air around it. */
export interface Medium {
  /** Data packets a host may have outstanding, and the octets of each: LE Read Buffer Size. */
  readonly aclBuffers: { readonly length: number; readonly count: number };
  /** Milliseconds between advertising events; undefined: as the host asks. */
  readonly advertisingIntervalMs: number | undefined;
  /** dBm */
  readonly rssi: number;
  random(): number;
  /** One advertising event of a controller. */
  advertise(from: Controller): void;
  /** What LE Create Connection is answered with; 0 normally. */
  admitConnection(): number;
}

/**
 * One Bluetooth LE controller on the emulated air, speaking HCI with its host: legacy advertising and scanning,
 * connections, data with flow control. Not emulated: extended advertising, longer data packets, privacy, encryption.
 */
export class Controller implements LinkHost {
  readonly address: string;
  readonly #medium: Medium;
  readonly #publicAddress: Buffer;
  readonly #splitter = new HostPacketSplitter();
  readonly #advertiser: Advertiser;
  readonly #links = new Map<number, AirLink>();
  readonly #seen = new Set<string>();
  #toHost: (packet: Buffer) => void = () => undefined;
  #unplugged: () => void = () => undefined;
  #present = true;
  /** While its host hangs: what each side has for the other. */
  #frozen: { readonly toHost: Buffer[]; readonly fromHost: Uint8Array[] } | undefined;
  #muted = false;
  #nextHandle = 0x40;
  #randomAddress: Buffer = Buffer.alloc(6);
  #scanning = false;
  #scanActively = true;
  #filterDuplicates = true;
  #initiating: Initiating | undefined;

  constructor(address: string, medium: Medium, clock: Clock) {
    this.address = address.toLowerCase();
    this.#publicAddress = parseAddress(address);
    this.#medium = medium;
    this.#advertiser = new Advertiser({
      clock,
      random: () => medium.random(),
      intervalMs: medium.advertisingIntervalMs,
      event: () => {
        if (!this.#muted) medium.advertise(this);
      },
    });
  }

  // ---- the host's side

  /** Where packets to the host go, each whole and with its type byte. */
  connectHost(toHost: (packet: Buffer) => void, unplugged: () => void): void {
    this.#toHost = toHost;
    this.#unplugged = unplugged;
  }

  /** Bytes from the host, in any chunks. */
  receive(chunk: Uint8Array): void {
    if (!this.#present) return;
    if (this.#frozen !== undefined) {
      this.#frozen.fromHost.push(chunk);
      return;
    }
    for (const packet of this.#splitter.push(chunk)) {
      if (packet[0] === COMMAND_PACKET) this.#command(packet.readUInt16LE(1), packet.subarray(4));
      else this.#data(packet);
    }
  }

  // ---- the air's side

  get links(): readonly AirLink[] {
    return [...this.#links.values()];
  }

  get isAdvertising(): boolean {
    return this.#advertiser.running;
  }

  get isScanning(): boolean {
    return this.#scanning;
  }

  get addressOnAir(): AddressOnAir {
    const type = this.#advertiser.ownAddressType;
    return { type, bytes: type === 0 ? this.#publicAddress : this.#randomAddress };
  }

  /** Takes the controller away, as pulling a dongle does: links fall silent, the host sees its device gone. */
  unplug(): void {
    if (!this.#present) return;
    this.#present = false;
    this.#advertiser.stop();
    for (const link of this.links) link.fade();
    this.#links.clear();
    this.#unplugged();
  }

  /** Advertising is heard by nobody while muted. */
  mute(muted: boolean): void {
    this.#muted = muted;
  }

  /**
   * The host hangs while its radio lives: links stay up, packets are acknowledged on the air and kept. Thawed, it
   * works through all of it.
   */
  freezeHost(frozen: boolean): void {
    if (frozen) {
      this.#frozen ??= { toHost: [], fromHost: [] };
      return;
    }
    const kept = this.#frozen;
    this.#frozen = undefined;
    for (const packet of kept?.toHost ?? []) this.#send(packet);
    for (const chunk of kept?.fromHost ?? []) this.receive(chunk);
  }

  /** Whether this controller is trying to connect to `peer`. */
  wants(peer: AddressOnAir): boolean {
    const wanted = this.#initiating?.peer;
    return wanted !== undefined && wanted.type === peer.type && wanted.bytes.equals(peer.bytes);
  }

  takeInitiating(): LinkParameters | undefined {
    const parameters = this.#initiating?.parameters;
    this.#initiating = undefined;
    return parameters;
  }

  /** Hears one advertising event of `from` if it scans. */
  hear(from: Controller): void {
    if (!this.#scanning) return;
    const { type, bytes } = from.addressOnAir;
    const key = bytes.toString('hex');
    if (this.#filterDuplicates && this.#seen.has(key)) return;
    this.#seen.add(key);
    const report = (kind: number, data: Buffer) => {
      const head = Buffer.from([1, kind, type]);
      const rssi = Buffer.from([this.#medium.rssi & 0xff]);
      this.#leEvent(leEvents.advertisingReport, head, bytes, Buffer.from([data.length]), data, rssi);
    };
    const advertiser = from.#advertiser;
    report(advertiser.type, advertiser.data);
    if (this.#scanActively && advertiser.scannable) report(SCAN_RESPONSE, advertiser.scanResponse);
  }

  reserveHandle(): number {
    return this.#nextHandle++;
  }

  linkOpened(handle: number, link: AirLink, role: 'central' | 'peripheral', peer: AddressOnAir): void {
    if (role === 'peripheral') this.#advertiser.stop();
    this.#links.set(handle, link);
    const { intervalMs, latency, supervisionMs } = link.parameters;
    this.#leEvent(
      leEvents.connectionComplete,
      Buffer.from([status.success]),
      u16(handle),
      Buffer.from([role === 'central' ? 0 : 1, peer.type]),
      peer.bytes,
      u16(intervalMs / 1.25),
      u16(latency),
      u16(supervisionMs / 10),
      Buffer.from([0]),
    );
  }

  linkClosed(handle: number, reason: number): void {
    if (!this.#links.delete(handle)) return;
    this.#event(events.disconnectionComplete, Buffer.from([status.success]), u16(handle), Buffer.from([reason]));
  }

  // ---- commands

  #command(opcode: number, parameters: Buffer): void {
    const answer =
      answerInformation(opcode, { address: this.#publicAddress, aclBuffers: this.#medium.aclBuffers }) ??
      this.#advertiser.answer(opcode, parameters) ??
      this.#answer(opcode, parameters);
    if (answer.kind === 'complete') {
      const head = Buffer.concat([Buffer.from([1]), u16(opcode), Buffer.from([answer.code])]);
      this.#event(events.commandComplete, head, answer.result);
    } else this.#event(events.commandStatus, Buffer.from([answer.code, 1]), u16(opcode));
    answer.afterwards?.();
  }

  #answer(opcode: number, parameters: Buffer): Answer {
    switch (opcode) {
      case opcodes.reset:
        this.reset();
        return complete();
      case opcodes.leSetRandomAddress:
        this.#randomAddress = Buffer.from(parameters.subarray(0, 6));
        return complete();
      case opcodes.leSetScanParameters:
        if (this.#scanning) return refused(status.commandDisallowed);
        this.#scanActively = parameters.readUInt8(0) === 1;
        return complete();
      case opcodes.leSetScanEnable:
        this.#scanning = parameters.readUInt8(0) === 1;
        this.#filterDuplicates = parameters.readUInt8(1) === 1;
        this.#seen.clear();
        return complete();
      case opcodes.leCreateConnection:
        return this.#createConnection(parameters);
      case opcodes.leCancelConnection:
        return this.#cancelConnection();
      case opcodes.readRssi: {
        const known = this.#links.has(parameters.readUInt16LE(0));
        const result = Buffer.concat([parameters.subarray(0, 2), Buffer.from([this.#medium.rssi & 0xff])]);
        return complete(result, known ? status.success : status.unknownConnection);
      }
      case opcodes.disconnect:
        return this.#onLink(parameters, (link) => {
          const reason = parameters.readUInt8(2);
          if (link.silent) link.close(status.connectionTimeout, status.connectionTimeout);
          else if (link.central.host === this) link.close(status.localHostEnded, reason);
          else link.close(reason, status.localHostEnded);
        });
      case opcodes.leUpdateConnection:
        return this.#onLink(parameters, (link) => {
          link.update({
            intervalMs: parameters.readUInt16LE(4) * 1.25,
            latency: parameters.readUInt16LE(6),
            supervisionMs: parameters.readUInt16LE(8) * 10,
          });
          const done = [Buffer.from([status.success]), parameters.subarray(0, 2), parameters.subarray(4, 10)];
          this.#leEvent(leEvents.connectionUpdateComplete, ...done);
        });
      default:
        return refused(status.unknownCommand);
    }
  }

  #onLink(parameters: Buffer, act: (link: AirLink) => void): Answer {
    const link = this.#links.get(parameters.readUInt16LE(0));
    return link === undefined ? notStarted(status.unknownConnection) : pending(() => act(link));
  }

  #createConnection(parameters: Buffer): Answer {
    // Many controllers refuse to initiate while they scan; the emulated one is of that kind.
    if (this.#initiating !== undefined || this.#scanning) return notStarted(status.commandDisallowed);
    const refusal = this.#medium.admitConnection();
    if (refusal !== status.success) return notStarted(refusal);
    return pending(() => {
      this.#initiating = {
        peer: { type: parameters.readUInt8(5), bytes: Buffer.from(parameters.subarray(6, 12)) },
        // The controller may choose any interval the host allows; most take the longest.
        parameters: {
          intervalMs: parameters.readUInt16LE(15) * 1.25,
          latency: parameters.readUInt16LE(17),
          supervisionMs: parameters.readUInt16LE(19) * 10,
        },
      };
    });
  }

  #cancelConnection(): Answer {
    const peer = this.#initiating?.peer;
    if (peer === undefined) return refused(status.commandDisallowed);
    this.#initiating = undefined;
    const head = Buffer.from([status.unknownConnection, 0, 0, 0, peer.type]);
    return {
      ...complete(),
      afterwards: () => this.#leEvent(leEvents.connectionComplete, head, peer.bytes, Buffer.alloc(7)),
    };
  }

  /** Ends links, advertising and scanning, as HCI Reset does. */
  reset(): void {
    for (const link of this.links) link.close(status.connectionTimeout, status.connectionTimeout);
    this.#links.clear();
    this.#advertiser.reset();
    this.#scanning = false;
    this.#initiating = undefined;
    this.#seen.clear();
  }

  // ---- data

  #data(packet: Buffer): void {
    const handleAndFlags = packet.readUInt16LE(1);
    const link = this.#links.get(handleAndFlags & 0x0fff);
    if (link === undefined) return;
    // The host marks a first packet 0b00, the peer's host is told 0b10: Vol 4 Part E, section 5.4.2.
    const boundary = ((handleAndFlags >> 12) & 0b11) === 0b01 ? 0b01 : 0b10;
    const own = link.endOf(this);
    const far = own === link.central ? link.peripheral : link.central;
    link.carry(this, () => {
      this.#event(events.completedPackets, Buffer.from([1]), u16(own.handle), u16(1));
      if (far.host instanceof Controller) far.host.#deliver(far.handle, boundary, packet.subarray(3));
    });
  }

  #deliver(handle: number, boundary: number, lengthAndData: Buffer): void {
    this.#send(Buffer.concat([Buffer.from([ACL_PACKET]), u16(handle | (boundary << 12)), lengthAndData]));
  }

  // ---- events

  #send(packet: Buffer): void {
    if (!this.#present) return;
    if (this.#frozen !== undefined) this.#frozen.toHost.push(packet);
    else this.#toHost(packet);
  }

  #event(code: number, ...parts: Buffer[]): void {
    const parameters = Buffer.concat(parts);
    this.#send(Buffer.concat([Buffer.from([EVENT_PACKET, code, parameters.length]), parameters]));
  }

  #leEvent(subevent: number, ...parts: Buffer[]): void {
    this.#event(events.leMeta, Buffer.from([subevent]), ...parts);
  }
}
