import { describe, expect, it } from 'vitest';
import { openFault, ttyCarrier } from './machine-ports.ts';

const line = { baudRate: 9600, parity: 'none', stopBits: 1 } as const;
const nothing = { bytes: () => undefined, lost: () => undefined };

describe('opening a tty', () => {
  it('says that a port is not there, and where to look', async () => {
    const opening = ttyCarrier('/dev/serial/by-id/usb-nobody', line).open(nothing);
    await expect(opening).rejects.toMatchObject({
      fault: 'port_missing',
      message: expect.stringContaining('ls -l /dev/serial/by-id'),
    });
  });

  it('says that a path is no serial port', async () => {
    await expect(ttyCarrier('/dev/null', line).open(nothing)).rejects.toMatchObject({ fault: 'port_unusable' });
    await expect(ttyCarrier('/', line).open(nothing)).rejects.toMatchObject({
      fault: 'port_unusable',
      message: expect.stringContaining('/ cannot be used'),
    });
  });

  // Texts as serialport 13.0.0 gives them on Linux.
  it.each([
    ['Error Resource temporarily unavailable Cannot lock port', 'port_busy', 'fuser -v /dev/ttyUSB0'],
    ['Error: Device or resource busy, cannot open /dev/ttyUSB0', 'port_busy', 'fuser -v /dev/ttyUSB0'],
    ['Error: Permission denied, cannot open /dev/ttyUSB0', 'port_forbidden', 'dialout'],
    ['Error: No such device, cannot open /dev/ttyUSB0', 'port_missing', 'plugged in'],
    ['Error: Input/output error, cannot open /dev/ttyUSB0', 'port_unusable', 'Input/output error'],
  ])('understands "%s"', (text, fault, advice) => {
    const error = openFault('/dev/ttyUSB0', new Error(text));
    expect(error.fault).toBe(fault);
    expect(error.message).toContain('/dev/ttyUSB0');
    expect(error.message).toContain(advice);
  });
});
