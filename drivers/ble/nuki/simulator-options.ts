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

/** What a lock, its radio or somebody on the air may do wrong. Each happens as often as it was ordered. */
export type NukiMisbehaviour =
  /** Ends the connection when it is asked for a challenge. */
  | 'drop_on_challenge'
  /** Stops answering when it is asked for a challenge. */
  | 'hang_on_challenge'
  /** Acts, and ends the connection before it confirmed that it was told to. */
  | 'drop_on_action'
  /** Says that it accepted, acts, and ends the connection. */
  | 'drop_after_accepted'
  /** Neither confirms, acts nor answers. */
  | 'hang_on_action'
  /** Confirms the write, and neither acts nor answers. */
  | 'ignore_action'
  /** Confirms the write, acts, and answers nothing. */
  | 'silent_on_action'
  /** Meets the write of an action with an ATT error, and does not act. */
  | 'att_error_on_action'
  /** Says that it accepted, acts, and never says that it completed. */
  | 'never_complete'
  /** Says that it completed, and did not move. */
  | 'complete_without_moving'
  /** Says that it accepted and completed, and moved nothing, reporting its old state in between. */
  | 'accept_without_moving'
  /** Pulls the latch, and says of its way there that it is unlocked. */
  | 'keep_the_way_to_itself'
  /** Gives its answer before it confirms the write. */
  | 'reply_before_response'
  /** With a challenge it says once more what it said of an earlier action: unlocked, COMPLETE. */
  | 'repeat_old_news'
  /** Told to act, it says once more what it said of an action a minute ago, unlocked and COMPLETE, and does nothing. */
  | 'repeat_old_news_late'
  /** Told to act, it says that it accepted, and first where it stood before. */
  | 'old_state_first'
  /** Told to act, it says that it accepted, and then that another command of before has failed. */
  | 'error_about_another'
  /** One bit of its next encrypted message is wrong. */
  | 'tamper_challenge'
  | 'tamper_status'
  /** Finds fault with the next nonce. */
  | 'refuse_nonce'
  /** Stores the next code and loses it again before it is read back. */
  | 'forget_code'
  /** Stores the next code without its times. */
  | 'lose_limits'
  /** Stores the next code, and ends the connection before it says so. */
  | 'drop_after_code'
  /** Says COMPLETE to the next code instead of its id. */
  | 'complete_for_code_id'
  /** Refuses the next settings. */
  | 'refuse_settings';

/** Orders, and how often each is still to be carried out. */
export class Misbehaviours {
  readonly #ordered = new Map<NukiMisbehaviour, number>();

  order(kind: NukiMisbehaviour, times = 1): void {
    this.#ordered.set(kind, times);
  }

  /** True when it is to happen now. */
  take(kind: NukiMisbehaviour): boolean {
    const left = this.#ordered.get(kind) ?? 0;
    if (left > 0) this.#ordered.set(kind, left - 1);
    return left > 0;
  }
}
