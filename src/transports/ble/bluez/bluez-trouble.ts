/**
 * Why BlueZ cannot be used: `library` the package that speaks D-Bus is missing, `bus` there is no system bus or it lets
 * nobody in, `daemon` bluetoothd does not run, `silent` it does not answer, `no_adapter` it has lost the adapter.
 */
export type BluezTroubleKind = 'library' | 'bus' | 'daemon' | 'silent' | 'no_adapter';

const said: Readonly<Record<BluezTroubleKind, string>> = {
  library: 'the package that speaks D-Bus cannot be loaded',
  bus: 'there is no way to D-Bus’s system bus',
  daemon: 'bluetoothd does not run',
  silent: 'bluetoothd does not answer',
  no_adapter: 'bluetoothd has no such adapter',
};

export class BluezTrouble extends Error {
  override readonly name = 'BluezTrouble';
  readonly kind: BluezTroubleKind;

  constructor(kind: BluezTroubleKind, cause?: unknown) {
    const why =
      cause === undefined ? '' : ` (${cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)})`;
    super(`${said[kind]}${why}`, { cause });
    this.kind = kind;
  }
}

/** The device answered, and its answer was no: an ATT error, which BlueZ passes on and the raw stack swallows. */
export class DeviceRefusal extends Error {
  override readonly name = 'DeviceRefusal';
}

/** What a person can do about it. */
export function bluezHint(error: unknown): string {
  if (!(error instanceof BluezTrouble))
    return `BlueZ cannot be used: ${error instanceof Error ? error.message : String(error)}.`;
  switch (error.kind) {
    case 'library':
      return (
        'An adapter with `dbus` needs the package @jellybrick/dbus-next, which cannot be loaded. Install it where the ' +
        'gateway is installed: npm install --no-save @jellybrick/dbus-next@0.11.3'
      );
    case 'bus':
      return (
        `BlueZ cannot be reached: ${error.message}. Check that D-Bus runs (\`systemctl status dbus\`) and that the ` +
        'service’s user may speak with bluetoothd: on some systems that takes the group bluetooth.'
      );
    case 'daemon':
      return 'BlueZ does not run. Start it: systemctl enable --now bluetooth';
    default:
      return 'bluetoothd does not answer. Restart it: systemctl restart bluetooth';
  }
}
