/** Functions of the serial API that the library's mock controller leaves out (Z-Wave host API specification, CC:INS13954). */
const functions = {
  applicationUpdate: 0x49,
  assignReturnRoute: 0x46,
  deleteReturnRoute: 0x47,
  neighborUpdate: 0x48,
  addNode: 0x4a,
  removeNode: 0x4b,
  removeFailed: 0x61,
  isFailed: 0x62,
  replaceFailed: 0x63,
} as const;

/** What a stick says that has them: for its list of functions. */
export const managementFunctions: readonly number[] = Object.values(functions);

const REQUEST = 0x00;
const RESPONSE = 0x01;
const START = 0x01;
const ACK = 0x06;
/** Low four bits of the mode byte of "Add node" and "Remove node". */
const mode = { stop: 0x05, smartStartDsk: 0x08, smartStartListen: 0x09 } as const;
/** Of "Add node" and "Remove node". */
const status = { ready: 1, found: 2, working: 3, protocolDone: 5, done: 6, failed: 7 } as const;
const SMART_START_HOME_ID = 0x85;

/** Of a device that waits to join. */
export interface WaitingDevice {
  readonly node: number;
  readonly generic: number;
  readonly specific: number;
  readonly classes: readonly number[];
  /** The first sixteen bytes of its public key. */
  readonly dsk: Uint8Array;
  /** Puts it into the network. */
  join(): void;
}

export interface ManagementPorts {
  /** Bytes to the host. */
  say(bytes: Uint8Array): void;
  /** Whether it does not answer any more. */
  isFailed(node: number): boolean;
  remove(node: number): void;
}

/** Plays what a stick does about its network, byte by byte: who joins, leaves and is looked for. */
export class SimulatedManagement {
  readonly #ports: ManagementPorts;
  /** What it does about each function: one behaviour each, so that a test can put another in its place. */
  readonly behaviours = new Map<number, (first: number, second: number, body: readonly number[]) => void>([
    [functions.addNode, (control, callback, body) => this.#addNode(control, callback, body)],
    [functions.removeNode, (control, callback) => this.#removeNode(control, callback)],
    [functions.isFailed, (node) => this.#respond(functions.isFailed, [this.#ports.isFailed(node) ? 1 : 0])],
    [functions.removeFailed, (node, callback) => this.#removeFailed(node, callback)],
    [functions.replaceFailed, (node, callback) => this.#replace(node, callback)],
    [functions.neighborUpdate, (node, callback) => this.#findNeighbours(node, callback)],
    [functions.deleteReturnRoute, (_, callback) => this.#changeRoute(functions.deleteReturnRoute, callback)],
    [functions.assignReturnRoute, (_, __, body) => this.#changeRoute(functions.assignReturnRoute, body[2] ?? 0)],
  ]);
  /** Of whose buttons somebody presses the one for exclusion. */
  leaving: number | 'stranger' | undefined;
  /** Joins in the place of a node that failed. */
  replacement: WaitingDevice | undefined;
  /** Announces itself as soon as the stick listens: once, as real ones do within a minute. */
  #powered: WaitingDevice | undefined;
  #announced = false;
  #isListening = false;
  /** Under which number the host is told of who joins. */
  #adding: number | undefined;
  #pressed: WaitingDevice | undefined;
  #joining: WaitingDevice | undefined;
  /** Nodes that were sent to look for their neighbours. */
  readonly looked: number[] = [];
  #removing: number | undefined;

  constructor(ports: ManagementPorts) {
    this.#ports = ports;
  }

  /** @returns whether it was for this part of the stick */
  hear(frame: Uint8Array): boolean {
    const [start, , type, fn, ...payload] = frame;
    if (start !== START || type !== REQUEST || fn === undefined) return false;
    const behaviour = this.behaviours.get(fn);
    const body = payload.slice(0, -1);
    const [first = 0, second = 0] = body;
    behaviour?.(first, second, body);
    return behaviour !== undefined;
  }

  #removeFailed(node: number, callback: number): void {
    const fn = functions.removeFailed;
    const isFailed = this.#ports.isFailed(node);
    this.#respond(fn, [isFailed ? 0 : 0x08]);
    if (!isFailed) return;
    this.#ports.remove(node);
    this.#call(fn, [callback, 1]);
  }

  #findNeighbours(node: number, callback: number): void {
    this.looked.push(node);
    this.#acknowledge();
    this.#call(functions.neighborUpdate, [callback, 0x21]);
    this.#call(functions.neighborUpdate, [callback, 0x22]);
  }

  /** Return routes are only said to be changed. */
  #changeRoute(fn: number, callback: number): void {
    this.#respond(fn, [1]);
    this.#call(fn, [callback, 0]);
  }

  #addNode(control: number, callback: number, body: readonly number[]): void {
    const fn = functions.addNode;
    this.#acknowledge();
    this.#isListening = false;
    switch (control & 0x0f) {
      case mode.smartStartListen:
        this.#isListening = true;
        this.#announce();
        break;
      case mode.smartStartDsk: {
        const asked = Buffer.from(body.slice(2, 6));
        const device = this.#powered;
        if (device === undefined || !asked.equals(homeIdOf(device.dsk)))
          this.#call(fn, [callback, status.failed, 0, 0]);
        else {
          this.#powered = undefined;
          this.#adding = callback;
          this.#call(fn, [callback, status.ready, 0, 0]);
          this.#take(device);
        }
        break;
      }
      case mode.stop:
        this.#adding = undefined;
        if (callback !== 0) this.#call(fn, [callback, status.done, this.#joining?.node ?? 0, 0]);
        this.#joining = undefined;
        break;
      default: {
        this.#adding = callback;
        this.#call(fn, [callback, status.ready, 0, 0]);
        const device = this.#pressed;
        if (device !== undefined) this.#take(device);
      }
    }
  }

  /** Somebody presses the button for inclusion. */
  pressToJoin(device: WaitingDevice): void {
    if (this.#adding === undefined) this.#pressed = device;
    else this.#take(device);
  }

  #take(device: WaitingDevice): void {
    const fn = functions.addNode;
    const callback = this.#adding ?? 0;
    const { node, generic, specific, classes } = device;
    this.#pressed = undefined;
    this.#joining = device;
    this.#call(fn, [callback, status.found, 0, 0]);
    this.#call(fn, [callback, status.working, node, classes.length + 3, 0x04, generic, specific, ...classes]);
    device.join();
    this.#call(fn, [callback, status.protocolDone, 0, 0]);
  }

  /** A device with power and without a network says so over the air. */
  #announce(): void {
    const device = this.#powered;
    if (device === undefined || this.#announced || !this.#isListening) return;
    this.#announced = true;
    const { generic, specific, classes, dsk } = device;
    const info = [classes.length, 0x04, generic, specific, ...classes];
    this.#call(functions.applicationUpdate, [SMART_START_HOME_ID, 0, 0, ...homeIdOf(dsk), ...info]);
  }

  /** Somebody gives it power. */
  powerUp(device: WaitingDevice): void {
    this.#powered = device;
    this.#announced = false;
    this.#announce();
  }

  #removeNode(control: number, callback: number): void {
    const fn = functions.removeNode;
    this.#acknowledge();
    if ((control & 0x0f) === mode.stop) {
      this.#removing = undefined;
      if (callback !== 0) this.#call(fn, [callback, status.done, 0, 0]);
      return;
    }
    this.#removing = callback;
    this.#call(fn, [callback, status.ready, 0, 0]);
    this.#leave();
  }

  /** Somebody presses the button for exclusion. */
  press(node: number | 'stranger'): void {
    this.leaving = node;
    this.#leave();
  }

  #leave(): void {
    const { leaving } = this;
    const callback = this.#removing;
    if (leaving === undefined || callback === undefined) return;
    this.leaving = undefined;
    const node = leaving === 'stranger' ? 0 : leaving;
    const fn = functions.removeNode;
    this.#call(fn, [callback, status.found, 0, 0]);
    this.#call(fn, [callback, status.working, node, 0]);
    if (node !== 0) this.#ports.remove(node);
    this.#call(fn, [callback, status.done, node, 0]);
  }

  #replace(node: number, callback: number): void {
    const fn = functions.replaceFailed;
    if (!this.#ports.isFailed(node)) {
      this.#respond(fn, [0x08]);
      return;
    }
    this.#respond(fn, [0]);
    this.#call(fn, [callback, 3]);
    const device = this.replacement;
    if (device === undefined) return;
    this.replacement = undefined;
    this.#ports.remove(node);
    device.join();
    this.#call(fn, [callback, 4]);
  }

  #acknowledge(): void {
    this.#ports.say(Uint8Array.of(ACK));
  }

  #respond(fn: number, payload: readonly number[]): void {
    this.#acknowledge();
    this.#say(RESPONSE, fn, payload);
  }

  #call(fn: number, payload: readonly number[]): void {
    this.#say(REQUEST, fn, payload);
  }

  #say(type: number, fn: number, payload: readonly number[]): void {
    const body = [payload.length + 3, type, fn, ...payload];
    const checksum = body.reduce((sum, byte) => sum ^ byte, 0xff);
    this.#ports.say(Uint8Array.from([START, ...body, checksum]));
  }
}

/** The home id of a device that is in no network yet: bytes 9 to 12 of its DSK, its two highest bits set and its lowest not. */
function homeIdOf(dsk: Uint8Array): Buffer {
  const id = Buffer.from(dsk.slice(8, 12));
  id.writeUInt32BE(((id.readUInt32BE() | 0xc0000000) & ~1) >>> 0);
  return id;
}
