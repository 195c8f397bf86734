import { z } from 'zod';
import { type ConnectOptions, connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { findDevice } from './find-device.ts';
import { json, type Terminal } from './terminal.ts';
import { deviceAnswer } from './wire.ts';

const one = z.object({ device: deviceAnswer });

/** Takes a device out of service, or puts it back. */
export async function setService(
  terminal: Terminal,
  direction: 'out' | 'in',
  wanted: string,
  options: ConnectOptions & { readonly json?: boolean; readonly reason?: string },
): Promise<ExitCode> {
  const api = connect(terminal, options);
  const { device_id } = await findDevice(api, wanted);
  const path = direction === 'out' ? '/devices/take_out_of_service' : '/devices/put_into_service';
  const body = { device_id, ...(options.reason !== undefined && { reason: options.reason }) };
  const { device } = await api.post(path, body, one);
  if (options.json) terminal.out(json(device));
  else if (direction === 'out')
    terminal.out(`${device.display_name} is out of service: commands are refused, its state is still read.`);
  else terminal.out(`${device.display_name} is in service: commands are taken again.`);
  return exitCodes.ok;
}
