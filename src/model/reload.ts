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

/** An entry of `devices`, as the file has it. */
export type DeviceEntry = Readonly<Record<string, unknown>>;

/** One change of the list of devices. Devices are named by their short ids. */
export type DeviceEdit =
  | { readonly kind: 'add'; readonly entry: DeviceEntry }
  /** @param changes a JSON merge patch (RFC 7396): null takes a setting away */
  | { readonly kind: 'change'; readonly id: string; readonly changes: DeviceEntry }
  | { readonly kind: 'remove'; readonly id: string };
