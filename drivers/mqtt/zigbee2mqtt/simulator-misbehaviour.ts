/** The ways in which simulated locks disappoint. All times are milliseconds. */
export interface LockMisbehaviour {
  /** Hears nothing: the bridge logs a timeout after 10 s. */
  readonly deaf: boolean;
  /** Answers a door command with a failure status: nothing at all appears on MQTT. */
  readonly refusesSilently: boolean;
  /** The motor stops half way. */
  readonly jams: boolean;
  /** Reports `not_fully_locked` on its way, as some locks do, although all is well. */
  readonly reportsHalfWay: boolean;
  /** Starts to move this long after it was told to. */
  readonly actsLateMs: number;
  /** Moves at once and reports this much later. */
  readonly reportsLateMs: number;
  /** Moves and never says so by itself; reads are answered. */
  readonly neverReports: boolean;
  /** Reads of the lock state are not answered. */
  readonly ignoresReads: boolean;
  /** Reports its state but sends no operation event. */
  readonly sendsNoActions: boolean;
  /** Locks itself again this long after it was unlocked; 0 does not. */
  readonly relocksAfterMs: number;
  /** Nothing is said of having been unlocked, only of what came after. */
  readonly hidesUnlock: boolean;
  /** The relock is not told either: neither state nor action. */
  readonly hidesRelock: boolean;
  /** The bridge logs this failure for a door command, whether or not the lock acted. */
  readonly commandError: { readonly afterMs: number; readonly reason: string } | undefined;
  /** The bridge logs this failure for a read. */
  readonly readError: { readonly afterMs: number; readonly reason: string } | undefined;
  /** A battery report, with the old cached keys beside it, this long after each command or read arrived. */
  readonly batteryReportsAfterMs: readonly number[];
  /** Those battery reports repeat the same figure. */
  readonly batteryReportsAlike: boolean;
  /** The bridge publishes what it remembers of the lock this often, asked or not; 0 does not. */
  readonly repeatsEveryMs: number;
  /** Its operation events are told again this long after each. */
  readonly tellsEventsAgainAfterMs: readonly number[];
  /** Says that it does not know where its bolt is (ZCL LockState 0xFF): the bridge says UNLOCK and no `lock_state`. */
  readonly knowsNoBolt: boolean;

  /** Refuses every setting. */
  readonly refusesSettings: boolean;
  /** Acknowledges a setting and keeps the old one. */
  readonly forgetsSettings: boolean;

  /** Refuses every PIN with a failure status: nothing at all appears on MQTT. */
  readonly refusesPins: boolean;
  /** Says that it took a PIN and keeps none. */
  readonly forgetsPins: boolean;
  /** The bridge believes a PIN was stored before anybody read it back. */
  readonly believesPins: boolean;
  /** Takes this long to store or drop a PIN. */
  readonly storesLateMs: number;
  /** Says that it dropped a PIN and keeps it. */
  readonly keepsClearedPins: boolean;
  /** This many reads after a delete still say `enabled`. */
  readonly enabledAfterDelete: number;
  /** Sends no programming events. */
  readonly sendsNoProgrammingEvents: boolean;
  /** Reads of a code slot are not answered. */
  readonly ignoresPinReads: boolean;
  /** The bridge has no converter for what the lock answers to a read of a code slot: nothing appears, nor does it fail. */
  readonly tellsNoCodes: boolean;
  /** What stands in the place of a PIN that is shown; a number is the PIN without its leading zeros. */
  readonly showsPinsAs: 'digits' | 'nothing' | 'stars' | 'number';
}

export const wellBehaved: LockMisbehaviour = {
  deaf: false,
  refusesSilently: false,
  jams: false,
  reportsHalfWay: false,
  actsLateMs: 0,
  reportsLateMs: 0,
  neverReports: false,
  ignoresReads: false,
  sendsNoActions: false,
  relocksAfterMs: 0,
  hidesUnlock: false,
  hidesRelock: false,
  commandError: undefined,
  readError: undefined,
  batteryReportsAfterMs: [],
  batteryReportsAlike: false,
  repeatsEveryMs: 0,
  tellsEventsAgainAfterMs: [],
  knowsNoBolt: false,
  refusesSettings: false,
  forgetsSettings: false,
  refusesPins: false,
  forgetsPins: false,
  believesPins: false,
  storesLateMs: 0,
  keepsClearedPins: false,
  enabledAfterDelete: 0,
  sendsNoProgrammingEvents: false,
  ignoresPinReads: false,
  tellsNoCodes: false,
  showsPinsAs: 'digits',
};
