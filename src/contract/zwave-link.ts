import type { Link, SendPermit, Unsubscribe } from './links.ts';
import type { Secret } from './secret.ts';

/** Whether a node can be spoken to, as the stick knows it. `missing`: the network has no such node. */
export type ZwaveNodeStatus = 'missing' | 'interviewing' | 'asleep' | 'dead' | 'ready';

/**
 * Where the bolt is, by the modes of Door Lock CC (CC:0062):
 *
 * - `secured`: 0xff.
 * - `unsecured`: 0x00; 0x20, where the outer handle opens; and both with a timeout, 0x01 and 0x21, as a lock with
 *   auto-lock reports after it was unlocked.
 * - `inside_only`: 0x10 and 0x11, where only the inner handle opens. Neither locked nor open to whoever comes.
 * - `between`: 0xfe, neither fully retracted nor fully thrown.
 * - `unknown`: no mode, or one that the standard does not have.
 */
export type ZwaveBolt = 'secured' | 'unsecured' | 'inside_only' | 'between' | 'unknown';

/** What a node can do, known once it was interviewed. */
export interface ZwaveFeatures {
  /** By which command class it is locked: Door Lock, or the older Lock. */
  readonly lock: 'door_lock' | 'lock' | undefined;
  /** How it keeps codes: with User Credential a code belongs to a user, who is made first and removed with it. */
  readonly codes:
    | {
        readonly kept: 'user_code' | 'user_credential';
        readonly slots: number;
        /** In digits. */
        readonly minLength: number;
        readonly maxLength: number;
      }
    | undefined;
  readonly loudness: boolean;
  /** It says that it locks itself when it is told to: Door Lock 4, "auto-relock". */
  readonly autoRelock?: boolean;
  /** Maker, product type and product as the node tells them, `003b:0001:0469`; undefined where it does not. */
  readonly product?: string;
}

export interface ZwaveCode {
  /** `user_only`: a user without a code has the place. `unknown`: the lock does not have the place, or does not tell. */
  readonly place: 'free' | 'occupied' | 'user_only' | 'unknown';
  /** Where the lock shows it: many show stars, or nothing. */
  readonly code?: Secret;
  /** The user's name, where the lock keeps one. */
  readonly label?: string;
}

/** Questions that cannot act, each with its answer. */
export interface ZwaveQuestions {
  readonly bolt: { readonly ask: Record<never, never>; readonly answer: { readonly bolt: ZwaveBolt } };
  readonly code: { readonly ask: { readonly slot: number }; readonly answer: ZwaveCode };
  readonly battery: { readonly ask: Record<never, never>; readonly answer: { readonly percent: number } };
  /** After how many seconds it locks itself; 0 for never. */
  readonly auto_relock: { readonly ask: Record<never, never>; readonly answer: { readonly seconds: number } };
  readonly loudness: { readonly ask: Record<never, never>; readonly answer: ZwaveLoudness };
}

export interface ZwaveLoudness {
  readonly level: number;
  /** CC:0031, sensor type 0x1e: scale 0 is dB, scale 1 dB(A). */
  readonly scale: 'dB' | 'dBA';
}

/** Commands that can act. */
export type ZwaveCommand =
  | { readonly do: 'lock' | 'unlock' }
  /** The rest of its Door Lock configuration stays as it is. 0 for never. */
  | { readonly do: 'set_auto_relock'; readonly seconds: number }
  /** Only with User Credential: an active user with this name, in this place. */
  | { readonly do: 'add_user'; readonly slot: number; readonly label: string }
  | { readonly do: 'set_code'; readonly slot: number; readonly code: Secret }
  /** The code, and with User Credential its user. */
  | { readonly do: 'clear_code'; readonly slot: number };

/**
 * What the node said to a command. Nothing of it is an observation.
 *
 * - `unsupervised`: it was acknowledged on the air; the node has no way to say more.
 * - `working`: it says that it is at it, for `remainingMs` more where it knows.
 * - `done`: it says that it carried the command out.
 * - `occupied`, `duplicate`, `against_rules`: why a code was not taken, where the node tells.
 * - `failed`: it says that it did not carry the command out.
 */
export interface ZwaveVerdict {
  readonly said: 'unsupervised' | 'working' | 'done' | 'occupied' | 'duplicate' | 'against_rules' | 'failed';
  readonly remainingMs?: number;
}

/**
 * What a node tells without being asked. Some say it again seconds later, with fresh sequence numbers, so that the radio
 * cannot tell: whatever stands here may be of before. The answer to a question of ours is no report.
 */
export type ZwaveReport =
  /** By the class that moves the bolt. What `operated` says of it stands there alone. */
  | { readonly report: 'bolt'; readonly bolt: ZwaveBolt }
  | { readonly report: 'door'; readonly contact: 'open' | 'closed' }
  | { readonly report: 'jammed' }
  /** Somebody operated the lock; `slot` is the code's, where the lock tells one that it has. */
  | {
      readonly report: 'operated';
      readonly operation: 'locked' | 'unlocked';
      readonly by: 'manual' | 'keypad' | 'radio' | 'automatic';
      readonly slot?: number;
    }
  | { readonly report: 'access_denied'; readonly slot?: number }
  /** A code came or went at the lock; `slot` is undefined where it does not tell which. */
  | { readonly report: 'code_changed'; readonly slot: number | undefined; readonly occupied: boolean }
  | { readonly report: 'all_codes_deleted' }
  | { readonly report: 'duplicate_code' }
  | { readonly report: 'battery'; readonly percent: number; readonly low: boolean }
  | ({ readonly report: 'loudness' } & ZwaveLoudness)
  | { readonly report: 'tamper' };

export interface ZwaveQueryOptions {
  /** Who goes first where several wait for the stick. */
  readonly priority: 'door' | 'code' | 'poll';
  readonly signal: AbortSignal;
}

/**
 * A node of a Z-Wave network, behind a stick that it shares with others. Its `state` is the stick's. The link owns the
 * protocol up to the command classes; what an answer is worth, and when to ask again, is the driver's.
 */
export interface ZwaveLink extends Link {
  readonly kind: 'zwave';
  /** 1 to 232, or 256 to 4000 for Long Range. */
  readonly node: number;
  readonly nodeStatus: ZwaveNodeStatus;
  /** Called on every change of `nodeStatus` or `features`. */
  onNodeChange(listener: () => void): Unsubscribe;
  readonly features: ZwaveFeatures | undefined;
  onReport(listener: (report: ZwaveReport) => void): Unsubscribe;
  /**
   * A slot that held this code when it was last heard of: a hint for where to look, since it may be long ago. Undefined
   * when none is known, or the lock does not show its codes.
   */
  knownSlotOf(code: Secret): number | undefined;
  /**
   * Finds out whether the node answers at all, before anything is sent that could act, and wakes one that listens
   * only now and then (FLiRS). A node that was given up gets one ping, and counts again when it answers.
   * @throws GatewayError `link_unavailable`, `device_not_ready`, `device_offline`, `misconfigured`, all `not_sent`
   */
  reach(options: ZwaveQueryOptions): Promise<void>;
  /**
   * Asks the node now; never answers from a cache.
   * @throws GatewayError as {@link reach}; `device_offline` when no answer came in time; `authentication_failed`; the
   * signal's reason
   */
  query<Q extends keyof ZwaveQuestions>(
    question: Q,
    ask: ZwaveQuestions[Q]['ask'],
    options: ZwaveQueryOptions,
  ): Promise<ZwaveQuestions[Q]['answer']>;
  /**
   * Sends a command that can act, once, and resolves with what the node said to it. One that waits behind others when
   * the permit's `sendBy` passes is dropped.
   * @throws GatewayError as {@link reach} and what the permit says, `not_sent`; `authentication_failed`, `refused`;
   * `outcome_unknown`, `maybe_sent`, when it left and nothing came back: the caller may still observe
   */
  command(permit: SendPermit, command: ZwaveCommand, signal: AbortSignal): Promise<ZwaveVerdict>;
}
