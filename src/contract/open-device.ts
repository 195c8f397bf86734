import type { Device } from './device.ts';
import type { DriverDefinition, OpenContext } from './driver.ts';
import { GatewayError } from './errors.ts';
import type { LinkKind, LinkKinds } from './link-kinds.ts';

/**
 * Opens a device as the gateway does. `closing` aborts immediately before the driver's own `close` is called, which
 * happens once however often the device is closed, or when opening it failed.
 * @param settings validated by the driver's own schema
 * @throws what the driver throws
 */
export async function openDevice(
  driver: DriverDefinition,
  link: LinkKinds[LinkKind],
  settings: unknown,
  ctx: Omit<OpenContext, 'closing'>,
): Promise<Device> {
  const closing = new AbortController();
  const end = () =>
    closing.abort(new GatewayError('device_not_ready', `${ctx.name} is being closed. Try again in a moment.`));
  let device: Device;
  try {
    device = await driver.open(link, settings, { ...ctx, closing: closing.signal });
  } catch (error) {
    end();
    throw error;
  }
  let closed: Promise<void> | undefined;
  const { lock, accessCodes, autoLock, noise, serialNumber, isBehindBridge } = device;
  return {
    ...(lock && { lock }),
    ...(accessCodes && { accessCodes }),
    ...(autoLock && { autoLock }),
    ...(noise && { noise }),
    ...(serialNumber !== undefined && { serialNumber }),
    ...(isBehindBridge && { isBehindBridge }),
    close: () => {
      end();
      closed ??= device.close();
      return closed;
    },
  };
}
