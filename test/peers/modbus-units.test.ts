import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBits, readRegisters } from '../../drivers/serial/modbus/requests.ts';
import { modbusNoise } from '../../drivers/serial/modbus-noise/driver.ts';
import { modbusRelay } from '../../drivers/serial/modbus-relay/driver.ts';
import { scanSerial, thisMachine } from '../../src/cli/scan-serial.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { type Device, type DeviceReport, type LockOutcome, openDevice } from '../../src/contract/index.ts';
import { silentLog, testCommand } from '../../src/driver-testing/command-context.ts';
import { SerialBus, ttyCarrier } from '../../src/transports/serial/index.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { ModbusUnits, modbusPeers } from './kit/modbus-peers.ts';
import { socatProgram, TtyPair } from './kit/tty-pair.ts';

const line = { baudRate: 9600, parity: 'none', stopBits: 1 } as const;
const clock = systemClock;
/** For an answer that comes for certain, however busy this machine is. */
const PATIENT_MS = 60_000;

describe.each(modbusPeers)('$name over a tty', (peer) => {
  describe.skipIf(!peer.possible || socatProgram === undefined)('', () => {
    let ttys: TtyPair;
    let units: ModbusUnits;
    let bus: SerialBus;
    const devices: Device[] = [];
    const reports: DeviceReport[] = [];

    beforeEach(async () => {
      ttys = await TtyPair.open();
      units = new ModbusUnits(peer);
      await units.start(ttys.far, line.baudRate);
      units.setInput(1, true);
      const options = { name: 'bus1', line, clock, random: Math.random, log: silentLog };
      bus = new SerialBus({ ...options, carrier: ttyCarrier(ttys.near, line) });
      bus.start();
    });
    afterEach(async () => {
      for (const device of devices.splice(0)) await device.close();
      reports.length = 0;
      await bus.close();
      await units.close();
      await ttys.close();
    });

    const context = (name: string) => ({
      deviceId: name,
      name,
      clock,
      random: Math.random,
      randomBytes: (length: number) => new Uint8Array(length),
      log: pino({ level: 'silent' }),
      report: (report: DeviceReport) => reports.push(report),
    });

    async function openDoor(releaseS: number): Promise<(action: 'lock' | 'unlock') => Promise<LockOutcome>> {
      const settings = modbusRelay.settings.parse({
        profile: 'waveshare-8ch-io',
        channel: 1,
        lock_type: 'fail_secure',
        relay_contact: 'normally_open',
        release_s: releaseS,
        door_contact: { input: 1, closed_when: 'on' },
      });
      const door = await openDevice(modbusRelay, bus.link(1), settings, context('Front door'));
      devices.push(door);
      await seen({ kind: 'health', health: { status: 'online' } });
      return async (action) => {
        const { ctx, end } = testCommand({ clock });
        try {
          return (await door.lock?.[action](ctx)) ?? Promise.reject(new Error('no lock'));
        } finally {
          end();
        }
      };
    }

    /** Resolves as soon as the report has been made. */
    async function seen(expected: object): Promise<void> {
      const asText = JSON.stringify(expected);
      while (!reports.some((report) => JSON.stringify(report) === asText))
        await new Promise((resolve) => setTimeout(resolve, 10));
    }

    it('releases a door by a pulse that the board ends, and secures one before its end', async () => {
      const door = await openDoor(1);
      expect(await door('unlock')).toEqual({ wasConfirmedByDevice: true });
      await units.untilRelay(1, false);
      const [on, off] = units.relays;
      expect(units.pulses).toEqual([1000]);
      expect((off?.at ?? 0) - (on?.at ?? 0)).toBeGreaterThan(900);
      await door('unlock');
      expect(await door('lock')).toEqual({ wasConfirmedByDevice: true });
      expect(units.isOn(1)).toBe(false);
    });

    it('tells the door contact apart from the relay', async () => {
      const door = await openDoor(1);
      units.setInput(1, false);
      await seen({ kind: 'door', contact: 'open' });
      await expect(door('lock')).rejects.toMatchObject({ type: 'door_not_closed' });
    });

    it('is read as a noise transmitter', async () => {
      const settings = modbusNoise.settings.parse({ profile: 's300nois' });
      devices.push(await openDevice(modbusNoise, bus.link(peer.noiseUnit), settings, context('Hall')));
      await seen({ kind: 'noise', level: 42, metric: 'dB' });
      units.setLevel(71.5);
      await seen({ kind: 'noise', level: 71.5, metric: 'dB' });
    });

    it('answers twelve questions at once, each with its own answer', async () => {
      await openDoor(1);
      const { signal } = new AbortController();
      const ask = (address: number) =>
        bus.link(1).query(readBits({ unit: 1, functionCode: 1, address, count: 1, replyTimeoutMs: PATIENT_MS }), {
          priority: 'poll',
          signal: AbortSignal.any([signal]),
        });
      const answers = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(ask));
      expect(answers.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => ({ ok: true, value: [false] })));
      // Neither board has a ninth relay.
      expect(answers.slice(8)).toEqual(Array.from({ length: 4 }, () => ({ ok: false, exception: 2 })));
    });

    it('that is absent costs its timeout and nothing else', async () => {
      const door = await openDoor(1);
      const request = readRegisters({ unit: 9, functionCode: 3, address: 0, count: 1, replyTimeoutMs: 100 });
      const { signal } = new AbortController();
      await expect(bus.link(9).query(request, { priority: 'poll', signal })).rejects.toMatchObject({
        type: 'device_offline',
        message: expect.stringContaining('nothing was heard'),
      });
      // libmodbus takes whatever follows a question to another unit for that unit's answer and hears nothing of it;
      // nothing was sent then, and the core tries again.
      const again = () => door('unlock');
      const unlocked = await door('unlock').catch((error) => (error.delivery === 'not_sent' ? again() : error));
      expect(unlocked).toEqual({ wasConfirmedByDevice: true });
      expect(units.pulses).toEqual([1000]);
    });

    it('has its adapter pulled in the middle of an unlock, and put back', async () => {
      // A read that was lost with the adapter may still be answered 4 s later; its like is believed after that alone.
      const door = await openDoor(7);
      const unlocking = door('unlock');
      await units.untilRelay(1, true);
      await ttys.unplug();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await ttys.plug();
      expect(await unlocking).toEqual({ wasConfirmedByDevice: true });
      expect(units.pulses).toEqual([7000]);
      expect(bus.reconnects).toBe(1);
      await units.untilRelay(1, false);
      expect(await door('unlock')).toEqual({ wasConfirmedByDevice: true });
    });

    it('is not shared with a second gateway', async () => {
      await openDoor(1);
      await expect(
        ttyCarrier(ttys.near, line).open({ bytes: () => undefined, lost: () => undefined }),
      ).rejects.toMatchObject({ fault: 'port_busy', message: expect.stringContaining('fuser -v') });
    });

    it('is found by a scan', async () => {
      await bus.close();
      const terminal = new RecordedTerminal('/');
      const { signal } = new AbortController();
      const options = { baud: [9600], units: [1, 2, 3], parity: 'none' } as const;
      expect(await scanSerial(terminal, thisMachine, [ttys.near], options, signal)).toBe(0);
      expect(terminal.output).toContain('# unit 1 at 9600 baud: a relay board with 8 relays and 8 inputs');
      expect(terminal.output).toContain(`path: ${ttys.near}, baud_rate: 9600`);
      if (peer.noiseUnit === 2)
        expect(terminal.output).toContain('# unit 2 at 9600 baud: register 0 holds 420: 42.0 dB');
    });

    it('is asked as fast as the wire would allow, and not faster', async () => {
      const door = await openDoor(0.5);
      const { signal } = new AbortController();
      const read = readRegisters({
        unit: peer.noiseUnit,
        functionCode: 3,
        address: 0,
        count: 1,
        replyTimeoutMs: PATIENT_MS,
      });
      const reads: number[] = [];
      const beganAll = performance.now();
      for (let round = 0; round < 300; round++) {
        const began = performance.now();
        await bus.link(peer.noiseUnit).query(read, { priority: 'door', signal });
        reads.push(performance.now() - began);
      }
      const perRead = (performance.now() - beganAll) / reads.length;
      const unlocks: number[] = [];
      for (let round = 0; round < 20; round++) {
        const began = performance.now();
        await door('unlock');
        unlocks.push(performance.now() - began);
      }
      // The silence of 9600 baud is kept, although a tty would do without.
      expect(perRead).toBeGreaterThan(4);
      console.log(`${peer.name}: read ${spread(reads)} ms, unlock seen ${spread(unlocks)} ms`);
    });
  });
});

function spread(samples: readonly number[]): string {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`;
}
