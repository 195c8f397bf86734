import { MultilevelSensorCCReport, Security2CC } from '@zwave-js/cc';
import { CommandClasses, SecurityClass } from '@zwave-js/core';
import { Faucet, SerialAPIParser, type ZWaveSerialFrame, ZWaveSerialFrameType } from '@zwave-js/serial';
import { createAndOpenMockedZWaveSerialPort } from '@zwave-js/serial/mock';
import {
  createMockZWaveRequestFrame,
  getDefaultMockControllerCapabilities,
  MockController,
  MockNode,
} from '@zwave-js/testing';
import { createDefaultMockControllerBehaviors, createDefaultMockNodeBehaviors } from 'zwave-js/Testing';
import type { Clock } from '../../../src/contract/index.ts';
import { lockClasses } from './simulator-classes.ts';
import { SimulatedLock } from './simulator-lock.ts';
import { managementFunctions, SimulatedManagement, type WaitingDevice } from './simulator-management.ts';
import type { SimulatedLockSettings, SimulatedNetworkSettings, SimulatedSensorSettings } from './simulator-settings.ts';

/** CC:0031, sensor type "loudness", scale dB(A). */
const LOUDNESS = 0x1e;
const DBA = 1;
/** What a frame takes on the air, in milliseconds. */
const FRAME_MS = 10;

export interface SimulatedNetworkOptions {
  readonly settings: SimulatedNetworkSettings;
  /** As the nodes were included with. */
  readonly keys: {
    readonly S0_Legacy: Uint8Array<ArrayBuffer>;
    readonly S2_Unauthenticated: Uint8Array<ArrayBuffer>;
    readonly S2_Authenticated: Uint8Array<ArrayBuffer>;
    readonly S2_AccessControl: Uint8Array<ArrayBuffer>;
  };
  readonly clock: Clock;
}

/** A device fresh from its box. */
export interface UnpackedLock {
  readonly device: WaitingDevice;
  readonly lock: SimulatedLock;
  readonly dsk: string;
  /** The first group of its DSK. */
  readonly pin: string;
}

/**
 * A stick and its nodes, made of the mock controller and nodes that zwave-js ships for its own tests, which answer a
 * real serial API. Faults, battery and the truth about the bolts are ours. It runs on the real clock: the library's
 * does.
 */
export class SimulatedZwaveNetwork {
  readonly #controller: MockController;
  readonly #locks = new Map<number, SimulatedLock>();
  readonly #levels = new Map<number, number>();
  readonly #listeners = new Set<(bytes: Buffer) => void>();
  /** What the stick does about who is in its network. */
  readonly management: SimulatedManagement;
  readonly #fromHost: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  private constructor(controller: MockController, fromHost: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>) {
    this.#controller = controller;
    this.#fromHost = fromHost;
    this.management = new SimulatedManagement({
      say: (bytes) => this.#say(bytes),
      isFailed: (node) => !controller.nodes.has(node) || this.#locks.get(node)?.faults.deaf === true,
      remove: (node) => {
        const gone = controller.nodes.get(node);
        if (gone !== undefined) controller.removeNode(gone);
        this.#locks.delete(node);
      },
    });
  }

  static async create({ settings, keys, clock }: SimulatedNetworkOptions): Promise<SimulatedZwaveNetwork> {
    const { serial, port: mockPort } = await createAndOpenMockedZWaveSerialPort();
    const { S2_AccessControl, S2_Authenticated, S2_Unauthenticated, S0_Legacy } = keys;
    const controller = await MockController.create({
      mockPort,
      serial,
      homeId: Number.parseInt(settings.home_id, 16),
      ownNodeId: 1,
      securityKeys: { S2_AccessControl, S2_Authenticated, S2_Unauthenticated, S0_Legacy },
      capabilities: {
        supportedFunctionTypes: [
          ...new Set([...getDefaultMockControllerCapabilities().supportedFunctionTypes, ...managementFunctions]),
        ],
      },
    });
    controller.defineBehavior(...createDefaultMockControllerBehaviors());
    // A stick goes on when the gateway is gone in the middle of something; the library's would end the process.
    const hear = controller.expectHostACK.bind(controller);
    controller.expectHostACK = (timeout, message) => hear(timeout, message).catch(() => undefined);
    // A tty keeps no frames apart: bytes are cut into frames before the controller gets them.
    const parser = new SerialAPIParser();
    const network = new SimulatedZwaveNetwork(controller, parser.writable.getWriter() as never);
    void parser.readable
      .pipeTo(
        new WritableStream<ZWaveSerialFrame>({
          write: async (frame) => {
            const bytes = bytesOf(frame);
            if (bytes && !network.management.hear(bytes)) await serial.writeAsync(bytes);
          },
        }),
      )
      .catch(() => undefined);
    new Faucet(serial.readable).connect(
      new WritableStream<ZWaveSerialFrame>({
        write: (frame) => {
          const bytes = bytesOf(frame);
          if (bytes) network.#say(bytes);
        },
      }),
    );
    for (const node of settings.nodes) {
      if (node.kind === 'lock') await network.#addLock(node, clock);
      else await network.#addSensor(node);
    }
    return network;
  }

  lock(node: number): SimulatedLock {
    const lock = this.#locks.get(node);
    if (lock === undefined) throw new Error(`node ${node} is no simulated lock`);
    return lock;
  }

  /** A lock that is in no network yet, with what is printed on it. */
  async unpack(settings: SimulatedLockSettings, clock: Clock): Promise<UnpackedLock> {
    const { mock, lock } = await this.#makeLock(settings, clock);
    const { publicKey } = mock.ecdhKeyPair;
    const key = Buffer.from(publicKey.slice(0, 16));
    const groups = Array.from({ length: 8 }, (_, at) => String(key.readUInt16BE(at * 2)).padStart(5, '0'));
    const { genericDeviceClass: generic, specificDeviceClass: specific } = mock.capabilities;
    const classes = [...mock.implementedCCs].filter(([, { isSupported }]) => isSupported).map(([cc]) => cc);
    const join = () => {
      this.#controller.addNode(mock);
      this.#locks.set(mock.id, lock);
    };
    const device = { node: mock.id, generic, specific, classes, dsk: key, join };
    return { device, lock, dsk: groups.join('-'), pin: groups[0] ?? '' };
  }

  #say(bytes: Uint8Array): void {
    for (const listener of this.#listeners) listener(Buffer.from(bytes));
  }

  /** Bytes from the gateway have arrived at the stick. */
  receive(bytes: Buffer): void {
    void this.#fromHost.write(Uint8Array.from(bytes)).catch(() => undefined);
  }

  /** Bytes from the stick. Returns how to stop listening. */
  onBytes(listener: (bytes: Buffer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A sensor hears something, and tells. */
  async sound(node: number, level: number): Promise<void> {
    this.#levels.set(node, level);
    const cc = new MultilevelSensorCCReport({ nodeId: 1, type: LOUDNESS, scale: DBA, value: level });
    await this.#controller.nodes.get(node)?.sendToController(createMockZWaveRequestFrame(cc, { ackRequested: false }));
  }

  close(): void {
    this.#listeners.clear();
    this.#controller.destroy();
  }

  async #addLock(settings: SimulatedLockSettings, clock: Clock): Promise<void> {
    const { mock, lock } = await this.#makeLock(settings, clock);
    this.#controller.addNode(mock);
    this.#locks.set(mock.id, lock);
  }

  async #makeLock(settings: SimulatedLockSettings, clock: Clock) {
    const { node: id, listens, secure } = settings;
    const mock = await this.#make(id, lockClasses(settings), { generic: 0x40, specific: 0x03, listens, secure });
    const lock = new SimulatedLock(mock, settings, clock);
    const hear = mock.onControllerFrame.bind(mock);
    mock.onControllerFrame = async (frame) => {
      if (!lock.faults.deaf && listens !== 'when_it_wakes') await hear(frame);
    };
    return { mock, lock };
  }

  async #addSensor({ node: id, level, battery: _ }: SimulatedSensorSettings): Promise<void> {
    this.#levels.set(id, level);
    const sensors = { [LOUDNESS]: { supportedScales: [DBA] } };
    const classes = [
      { ccId: CommandClasses['Multilevel Sensor'], version: 11, sensors, getValue: () => this.#levels.get(id) },
    ];
    const as = { generic: 0x21, specific: 0x01, listens: 'always', secure: false } as const;
    this.#controller.addNode(await this.#make(id, classes, as));
  }

  async #make(
    id: number,
    own: readonly object[],
    as: {
      readonly generic: number;
      readonly specific: number;
      readonly listens: 'always' | 'often' | 'when_it_wakes';
      readonly secure: boolean;
    },
  ): Promise<MockNode> {
    const common = [
      { ccId: CommandClasses.Version, version: 3 },
      { ccId: CommandClasses['Manufacturer Specific'], version: 2 },
      { ccId: CommandClasses['Z-Wave Plus Info'], version: 2 },
    ];
    const mock = await MockNode.create({
      id,
      controller: this.#controller,
      capabilities: {
        isListening: as.listens === 'always',
        isFrequentListening: as.listens === 'often' ? '1000ms' : false,
        supportsSecurity: as.secure,
        supportsBeaming: true,
        txDelay: FRAME_MS,
        genericDeviceClass: as.generic,
        specificDeviceClass: as.specific,
        ...(as.secure && { securityClasses: new Set([SecurityClass.S2_AccessControl]) }),
        commandClasses: [...common, ...own] as never,
      },
    });
    mock.defineBehavior(...createDefaultMockNodeBehaviors());
    if (as.secure) encrypt(mock);
    return mock;
  }
}

/** A node that was included securely never talks in the clear; the library's User Credential behaviour would. */
function encrypt(mock: MockNode): void {
  const say = mock.sendToController.bind(mock);
  mock.sendToController = async (frame) => {
    const { payload } = frame as { readonly payload?: { readonly ccId?: number } };
    const isOpen = payload?.ccId !== undefined && payload.ccId !== CommandClasses['Security 2'];
    if (!isOpen || !mock.implementedCCs.get(payload.ccId as CommandClasses)?.secure) return say(frame);
    const wrapped = Security2CC.encapsulate(payload as never, mock.id, mock.securityManagers);
    return say({ ...(frame as object), payload: wrapped } as never);
  };
}

function bytesOf({ type, data }: ZWaveSerialFrame): Uint8Array<ArrayBuffer> | undefined {
  if (type !== ZWaveSerialFrameType.SerialAPI) return undefined;
  return typeof data === 'number' ? Uint8Array.from([data]) : (data as Uint8Array<ArrayBuffer>);
}
