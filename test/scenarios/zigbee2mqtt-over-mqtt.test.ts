import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { zigbee2mqtt } from '../../drivers/mqtt/zigbee2mqtt/driver.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { type DeviceReport, openDevice, Secret } from '../../src/contract/index.ts';
import { testCommand } from '../../src/driver-testing/command-context.ts';
import { MqttTransport } from '../../src/transports/mqtt/index.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

const log = pino({ level: 'silent' });
const clock = systemClock;

/** The driver on the real transport, a real broker, and the simulated bridge on its own connection. */
async function building() {
  const network = await ZigbeeBuilding.open();
  onTestFinished(() => network.close());
  const { bridge, url } = network;
  const lock = bridge.addLock({ friendlyName: 'Front Door', motorMs: 20, radioMs: 10 });
  bridge.start();
  const transport = new MqttTransport({ name: 'main', url, clientId: 'test', clock, random: () => 0, log });
  transport.start();
  onTestFinished(() => transport.close());
  const reports: DeviceReport[] = [];
  let online: () => void = () => undefined;
  const isOnline = new Promise<void>((resolve) => {
    online = resolve;
  });
  const device = await openDevice(
    zigbee2mqtt,
    transport.link('Front door'),
    zigbee2mqtt.settings.parse({ friendly_name: 'Front Door', pin_slots: { count: 10 } }),
    {
      deviceId: 'front',
      name: 'Front door',
      clock,
      random: () => 0,
      randomBytes: (length) => new Uint8Array(length),
      log,
      report: (report) => {
        reports.push(report);
        if (report.kind === 'health' && report.health.status === 'online') online();
      },
    },
  );
  onTestFinished(() => device.close());
  await isOnline;
  return { lock, device, reports, transport };
}

it('a door and a code over a real broker', async () => {
  const { device, lock } = await building();
  const { ctx, end } = testCommand({ clock, sendByMs: 45_000, deadlineMs: 60_000 });
  onTestFinished(end);
  const door = async (action: 'lock' | 'unlock') => {
    const command = testCommand({ clock });
    onTestFinished(command.end);
    return device.lock?.[action](command.ctx);
  };
  expect(await door('unlock')).toEqual({ wasConfirmedByDevice: true });
  expect(lock.bolt).toBe('unlocked');
  expect(await door('lock')).toEqual({ wasConfirmedByDevice: true });
  expect(lock.movements.map(({ cause }) => cause)).toEqual(['rf', 'rf']);

  const code = { slot: 2, label: 'x', code: new Secret('0472') };
  expect(await device.accessCodes?.set(ctx, code)).toMatchObject({ slot: 2, occupied: true });
  expect(lock.keypad.codes.get(2)).toBe('0472');
  await device.accessCodes?.clear(ctx, 2);
  expect(lock.keypad.codes.size).toBe(0);
});
