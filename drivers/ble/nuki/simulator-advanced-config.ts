import { ByteReader, ByteWriter } from './simulator-bytes.ts';

/**
 * A lock's advanced settings (Bluetooth API, "Advanced Config"): told and set as a whole. What is set begins after the
 * angle that the lock measured itself. Older firmware ends before the switch for Auto Lock.
 */
export class SimulatedAdvancedConfig {
  readonly #hasSwitch: boolean;
  #settings: Buffer;
  /** How often it was set. */
  writes = 0;
  /** It says that it took what it is told, and keeps the old. */
  forgets = false;

  constructor(hasSwitch: boolean) {
    this.#hasSwitch = hasSwitch;
    const settings = new ByteWriter()
      // Four angles, lock 'n' go after 20 s, what its button does.
      .u16(0)
      .u16(3)
      .u16(0)
      .u16(357)
      .u8(20, 1, 6)
      // A detached cylinder, alkaline batteries that it recognises, 3 s of unlatching.
      .u8(0, 0, 1, 3)
      // Auto Lock after five minutes; no night mode.
      .u16(300)
      .u8(0, 0, 22, 0, 6, 0, 0, 0, 0);
    if (hasSwitch) settings.u8(0, 0, 1);
    this.#settings = settings.build();
  }

  told(): Buffer {
    return new ByteWriter().u16(450).bytes(this.#settings).build();
  }

  /** @returns false when it is of another length */
  set(fields: ByteReader): boolean {
    if (fields.left !== this.#settings.length) return false;
    this.writes += 1;
    const settings = fields.bytes(fields.left);
    if (!this.forgets) this.#settings = settings;
    return true;
  }

  get autoLock(): { readonly enabled: boolean; readonly afterS: number } {
    const fields = new ByteReader(this.#settings);
    fields.bytes(15);
    const afterS = fields.u16();
    fields.bytes(9);
    return { afterS, enabled: this.#hasSwitch && fields.u8() === 1 };
  }

  /** After how long the bolt locks itself; undefined where it does not. */
  get autoLockMs(): number | undefined {
    const { enabled, afterS } = this.autoLock;
    return enabled ? afterS * 1_000 : undefined;
  }

  /** Somebody sets it with the vendor's app. */
  setAutoLock(enabled: boolean, afterS: number): void {
    const { length } = this.#settings;
    const before = this.#settings;
    this.#settings = new ByteWriter()
      .bytes(before.subarray(0, 15))
      .u16(afterS)
      .bytes(before.subarray(17, 26))
      .u8(enabled ? 1 : 0)
      .bytes(before.subarray(27))
      .build()
      .subarray(0, length);
  }

  /** All but the auto-lock: nobody has a reason to change it. */
  get rest(): string {
    const bytes = Buffer.from(this.#settings);
    bytes.fill(0, 15, 17);
    bytes.fill(0, 26, 27);
    return bytes.toString('hex');
  }
}
