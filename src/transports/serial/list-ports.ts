/** A serial port of this machine. */
export interface PortDescription {
  /** The name that stays when it is plugged in elsewhere, where it has one. */
  readonly path: string;
  /** `/dev/ttyUSB0`, the name of today. */
  readonly device: string;
  readonly manufacturer: string | undefined;
  /** `0403:6001` */
  readonly usbId: string | undefined;
  readonly serialNumber: string | undefined;
}

/** Sockets on the board that the kernel always names, whether or not there is anything behind them. */
const builtIn = /^\/dev\/ttyS\d+$/;

/**
 * The ports that udev knows, without built-in ones.
 * @throws Error when udev cannot be asked
 */
export async function listPorts(): Promise<readonly PortDescription[]> {
  const { SerialPort } = await import('serialport');
  const ports = await SerialPort.list();
  return ports
    .filter(({ path }) => !builtIn.test(path))
    .map(({ path, pnpId, manufacturer, vendorId, productId, serialNumber }) => ({
      path: pnpId === undefined ? path : `/dev/serial/by-id/${pnpId}`,
      device: path,
      manufacturer,
      usbId: vendorId && productId ? `${vendorId}:${productId}` : undefined,
      serialNumber,
    }))
    .sort((a, b) => a.device.localeCompare(b.device));
}
