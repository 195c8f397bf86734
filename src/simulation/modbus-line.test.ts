import { expect, it } from 'vitest';
import { modbusNoise } from '../../drivers/serial/modbus-noise/driver.ts';
import { modbusRelay } from '../../drivers/serial/modbus-relay/driver.ts';
import { type DeviceReport, openDevice } from '../contract/index.ts';
import { silentLog, testCommand } from '../driver-testing/command-context.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { SerialBus, SimulatedLines } from '../transports/serial/index.ts';
import { simulators } from './index.ts';
import { placesOf } from './places.ts';
import { startSimulation } from './simulator.ts';

const line = { baudRate: 9600, parity: 'none', stopBits: 1 } as const;
const config = { mqtt: [], ble: [], zwave: [], serial: [{ name: 'bus', path: undefined, ...line }] };

const building = {
  simulator: 'serial/modbus-line',
  link: { kind: 'serial', name: 'bus' },
  settings: {
    echo: true,
    units: [
      { kind: 'relay_board', unit: 1, dialect: 'waveshare', inputs: 8, doors: [{ relay: 1, input: 1, visitor_s: 2 }] },
      { kind: 'noise', unit: 2, level_db: 45, function_code: 3, register: 0 },
    ],
  },
} as const;

it('a simulated line is found by the bus, and its door is opened by those who come', async () => {
  const clock = new SimulatedClock();
  const random = () => 0.5;
  const lines = new SimulatedLines();
  const bus = new SerialBus({
    name: 'bus',
    carrier: lines.carrier('bus', line, clock),
    line,
    clock,
    random,
    log: silentLog,
  });
  bus.start();
  await clock.advance(1100);
  expect(bus.state).toMatchObject({ status: 'down', reason: 'port_missing' });
  expect(bus.state).toMatchObject({ hint: expect.stringContaining('Nothing plays on the simulated line bus') });

  const ctx = { clock, random, log: silentLog };
  const running = await startSimulation([building], simulators, placesOf(config, { lines }), ctx);
  const reports: DeviceReport[] = [];
  const open = {
    deviceId: 'id',
    name: 'Yard door',
    clock,
    random,
    randomBytes: () => new Uint8Array(),
    log: silentLog,
    report: (report: DeviceReport) => reports.push(report),
  };
  const door = await openDevice(
    modbusRelay,
    bus.link(1),
    modbusRelay.settings.parse({
      profile: 'waveshare-8ch-io',
      channel: 1,
      lock_type: 'fail_secure',
      relay_contact: 'normally_open',
      door_contact: { input: 1, closed_when: 'on' },
    }),
    open,
  );
  const room = await openDevice(modbusNoise, bus.link(2), modbusNoise.settings.parse({ profile: 's300nois' }), open);
  await clock.advance(2000);
  const unlocked = await clock.until(door.lock?.unlock(testCommand({ clock }).ctx) ?? Promise.reject());
  expect(unlocked).toEqual({ wasConfirmedByDevice: true });
  await clock.advance(10_000);
  const told = reports.flatMap((report) => {
    if (report.kind === 'door') return [report.contact];
    return report.kind === 'lock_state' ? [report.state] : [];
  });
  expect(told).toEqual(['closed', 'locked', 'unlocked', 'open', 'closed', 'locked']);
  expect(reports.filter((report) => report.kind === 'noise' && report.level === 45).length).toBeGreaterThan(8);
  await Promise.all([door.close(), room.close(), bus.close(), running.close()]);
  // An answer may still be on the wire.
  await clock.advance(100);
  expect(clock.armedTimers).toBe(0);
});

it('a line with a port can only be played at its far end', async () => {
  const ctx = { clock: new SimulatedClock(), random: () => 0.5, log: silentLog };
  const port = { mqtt: [], ble: [], zwave: [], serial: [{ name: 'bus', path: '/dev/ttyUSB0', ...line }] };
  await expect(
    startSimulation([building], simulators, placesOf(port, { lines: new SimulatedLines() }), ctx),
  ).rejects.toThrow('strikeplate simulate --serial bus=PORT');
  const farEnds = new Map([['bus', '/dev/serial/by-id/nobody']]);
  await expect(startSimulation([building], simulators, placesOf(port, { farEnds }), ctx)).rejects.toThrow(
    'There is no serial port /dev/serial/by-id/nobody',
  );
});
