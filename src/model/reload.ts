/** What reading the configuration anew changed. Devices by their short ids, links as `mqtt/main`. */
export interface ReloadReport {
  /** Of the file, hexadecimal. */
  readonly configSha256: string;
  readonly devices: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  readonly links: readonly string[];
  readonly isMonitorChanged: boolean;
  /** Sections that differ from those the gateway was started with, and that only a restart takes over. */
  readonly needsRestart: readonly string[];
}
