import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { drivers } from '../../drivers/index.ts';
import { SimulatedLine } from '../../drivers/serial/modbus/simulated-line.ts';
import { SimulatedNoiseTransmitter } from '../../drivers/serial/modbus-noise/simulator.ts';
import { SimulatedRelayBoard } from '../../drivers/serial/modbus-relay/simulator.ts';
import { cliBox } from '../../test/kit/command-line/cli-fixture.ts';
import { configFolder } from '../../test/kit/command-line/config-folder.ts';
import { RecordedTerminal } from '../../test/kit/command-line/recorded-terminal.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { inProcessCarrier } from '../transports/serial/in-process-carrier.ts';
import type { PortDescription } from '../transports/serial/index.ts';
import { type SerialMachine, scanSerial } from './scan-serial.ts';

const ftdi: PortDescription = {
  path: '/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10K-if00-port0',
  device: '/dev/ttyUSB0',
  manufacturer: 'FTDI',
  usbId: '0403:6001',
  serialNumber: 'A10K',
};

function machine(ports: readonly PortDescription[] = [ftdi], baudRate = 9600) {
  const clock = new SimulatedClock();
  const line = new SimulatedLine({ clock, baudRate });
  const nobody = new SimulatedLine({ clock, baudRate });
  const simulated: SerialMachine = {
    clock,
    random: () => 0,
    listPorts: async () => ports,
    // At another speed than their own, units hear noise and keep silent.
    carrier: (path, settings) =>
      inProcessCarrier(path, settings.baudRate === baudRate ? line : nobody, settings, clock),
  };
  const terminal = new RecordedTerminal('/');
  const scan = (names: readonly string[], more: object = {}) =>
    clock.until(
      scanSerial(
        terminal,
        simulated,
        names,
        { baud: [9600, 4800], units: [1, 2, 3, 4], parity: 'none', ...more },
        new AbortController().signal,
      ),
    );
  return { clock, line, terminal, scan };
}

describe('strikeplate scan serial', () => {
  it('lists ports with the names that stay', async () => {
    const { terminal, scan } = machine();
    expect(await scan([])).toBe(0);
    expect(terminal.output).toBe(`${ftdi.path}\n  /dev/ttyUSB0, 0403:6001, FTDI, A10K`);
    expect(terminal.errors).toContain(`strikeplate scan serial ${ftdi.path}`);
    expect(await machine([]).scan([])).toBe(6);
  });

  it('finds units, and prints lines that check-config completes', async () => {
    const { clock, line, terminal, scan } = machine();
    line.add(new SimulatedRelayBoard({ clock, unit: 1 }));
    line.add(new SimulatedRelayBoard({ clock, unit: 3, inputs: 0 }));
    line.add(new SimulatedNoiseTransmitter({ unit: 4, level: 51.2 }));
    expect(await scan(['/dev/ttyUSB0'])).toBe(0);
    expect(terminal.outLines.filter((text) => text.startsWith('#'))).toEqual([
      '# unit 1 at 9600 baud: a relay board with 8 relays and 8 inputs',
      '# unit 3 at 9600 baud: a relay board with 8 relays',
      '# unit 4 at 9600 baud: register 0 holds 512: 51.2 dB, if it is a noise transmitter',
    ]);
    expect(parse(terminal.output)).toMatchObject({ serial: { bus1: { path: '/dev/ttyUSB0', baud_rate: 9600 } } });

    const { problemsOf } = configFolder();
    const gateway = 'gateway: { id: lobby, name: Lobby, time_zone: Europe/Zurich }\n';
    const asked = await problemsOf(`${gateway}${terminal.output}\n`, { drivers });
    expect(asked.map((problem) => problem.replace(/^\S+ /, ''))).toEqual([
      'devices.0.settings.lock_type: must be one of fail_secure, fail_safe.',
      'devices.0.settings.relay_contact: must be one of normally_open, normally_closed.',
      'devices.1.settings.lock_type: must be one of fail_secure, fail_safe.',
      'devices.1.settings.relay_contact: must be one of normally_open, normally_closed.',
    ]);
    const filled = terminal.output
      .replaceAll('lock_type: ', 'lock_type: fail_secure ')
      .replaceAll('relay_contact: ', 'relay_contact: normally_open ');
    const { load } = configFolder();
    const { devices } = await load(`${gateway}${filled}\n`, { drivers });
    expect(devices.map(({ link }) => link)).toMatchObject([{ unit: 1 }, { unit: 3 }, { unit: 4 }]);
  });

  it('tries every baud rate, and tells it', async () => {
    const { line, terminal, scan } = machine([ftdi], 4800);
    line.add(new SimulatedNoiseTransmitter({ unit: 2, register: 7 }));
    expect(await scan(['/dev/ttyUSB0'], { json: true })).toBe(0);
    expect(JSON.parse(terminal.output)).toEqual([
      {
        port: '/dev/ttyUSB0',
        units: [{ unit: 2, baud_rate: 4800, parity: 'none', kind: 'unknown', inputs: false, register: null }],
      },
    ]);
    expect(terminal.errLines).toEqual([
      '/dev/ttyUSB0: asking 4 addresses at 9600 baud',
      '/dev/ttyUSB0: asking 4 addresses at 4800 baud',
    ]);
  });

  it('only reads', async () => {
    const { clock, line, scan } = machine();
    line.add(new SimulatedRelayBoard({ clock, unit: 1 }));
    await scan(['/dev/ttyUSB0']);
    expect(new Set(line.heard.map(({ functionCode }) => functionCode))).toEqual(new Set([1, 2, 3]));
  });

  it('says when nothing answers, and when the port is not there', async () => {
    const { line, terminal, scan } = machine();
    expect(await scan(['/dev/ttyUSB0'])).toBe(6);
    expect(terminal.errors).toContain('nothing answers');
    line.unplug();
    await expect(scan(['/dev/ttyUSB0'], { baud: [9600] })).rejects.toThrow('There is no serial port /dev/ttyUSB0');
  });

  it('understands its command line', async () => {
    const { run } = cliBox();
    expect(await run('scan', 'serial', '/dev/nobody', '--units', '1-3,7', '--baud', '9600')).toMatchObject({
      code: 1,
      err: expect.stringContaining('asking 4 addresses at 9600 baud\nThere is no serial port /dev/nobody.'),
    });
    for (const wrong of ['0', '5-3', '248', 'x'])
      expect(await run('scan', 'serial', '/dev/nobody', '--units', wrong)).toMatchObject({ code: 2 });
    expect((await run('scan', 'serial', '/dev/nobody', '--baud', '9600-19200')).code).toBe(2);
  });
});
