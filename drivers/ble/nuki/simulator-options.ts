import type { Clock } from '../../../src/contract/index.ts';
import type { BoltTimes } from './simulator-bolt.ts';
import type { NukiMemory } from './simulator-memory.ts';

export interface SimulatedNukiOptions {
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  /** 32 bits; the name on the air is made of it. */
  readonly nukiId?: number;
  readonly name?: string;
  /** `classic`: generations 1 to 4. `ultra`: six-digit PIN, another pairing. Default classic. */
  readonly generation?: 'classic' | 'ultra';
  readonly pin?: number;
  /** Codes the keypad holds; 0: no keypad. Default 100. */
  readonly keypadCapacity?: number;
  readonly times?: BoltTimes;
  /** It locks itself so soon whatever its settings say, in milliseconds. */
  readonly autoLockMs?: number;
  /** Its firmware has no switch for Auto Lock among its advanced settings. */
  readonly oldFirmware?: boolean;
  /** Indications are cut at so many bytes even when the MTU allows more, as older firmware does. */
  readonly cutAt?: number;
  /** False: its advertising never says that its state has changed, as was seen of one. Default true. */
  readonly announcesChanges?: boolean;
  /** Whose reading resets the bit that says so. Default a bridge's alone. */
  readonly changeBitResetBy?: 'bridge' | 'anybody' | 'nobody';
  /** Entries its log keeps. */
  readonly logCapacity?: number;
  /** Where it keeps whom it knows and its codes while its batteries are out. */
  readonly memory?: NukiMemory;
}
