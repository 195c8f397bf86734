/** How access codes are looked after: the section `access_codes` of the configuration. Times in milliseconds. */
export interface AccessCodeSettings {
  /** How long before its start a code is written to a lock that keeps no times. */
  readonly leadMs: number;
  /** The same for a lock that keeps times itself: the code is there and does not open yet. */
  readonly nativeLeadMs: number;
  /**
   * `refuse`: two codes of a lock never have the same digits (Seam's 409). `refuse_overlapping`: they may when their
   * times do not overlap.
   */
  readonly duplicates: 'refuse' | 'refuse_overlapping';
  /** Backup codes kept on each lock; 0 for none. */
  readonly backupCodes: number;
}

/** The leads are Seam's (access codes, "Code status"): 60 minutes, and 72 hours with a native schedule. */
export const usualSettings: AccessCodeSettings = {
  leadMs: 3_600_000,
  nativeLeadMs: 72 * 3_600_000,
  duplicates: 'refuse',
  backupCodes: 0,
};
