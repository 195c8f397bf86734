/** Where a message that was weighed came from. */
export type MessageSource =
  /** The device said it unasked. */
  | 'told'
  /** It answered a question of the gateway's. */
  | 'answer'
  /** The device, or who carried the command, said so of the command itself. */
  | 'word'
  | 'acknowledgement'
  /** An acknowledgement or an answer did not come. */
  | 'silence'
  /** Link or middleman went away, and was back. */
  | 'gap'
  | 'return'
  /** What all of it came to. */
  | 'judgement';

/** What a message was worth to the command that was judged. */
export type MessageVerdict =
  /** It arose after the send, and shows that the device did as asked. */
  | 'proves'
  /** It shows that the device set out. */
  | 'moves'
  /** It stands as asked, and nothing tells that from before the send. */
  | 'stands'
  | 'elsewhere'
  | 'half_way'
  | 'stuck'
  /** The device says that it does not know, or does not show it. */
  | 'not_known'
  | 'refuses'
  /** Kept until it is known whether it is of before the acknowledgement. */
  | 'held'
  /** Somebody on the way remembered it: it tells of the past. */
  | 'of_the_past'
  /** It may be older than the command. */
  | 'not_counted'
  /** A word about the command, and no look at the device. */
  | 'no_observation'
  /** What was heard before it and what is heard later do not join up. */
  | 'breaks_off'
  | 'decides';

/** One message that was weighed while a command was judged. It holds no digits of codes. */
export interface WeighedMessage {
  /** `Clock.now()` when it was weighed. */
  readonly at: number;
  readonly source: MessageSource;
  /** What it speaks of: `bolt`, `relay`, `slot/5`; of a judgement, what it rests on. */
  readonly about?: string;
  /** What it says, in the driver's words. */
  readonly value?: string;
  readonly verdict: MessageVerdict;
}
