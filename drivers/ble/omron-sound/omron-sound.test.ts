import { afterEach, describe, expect, it } from 'vitest';
import {
  type Decibels,
  type Device,
  type DeviceReport,
  type GatewayError,
  openDevice,
} from '../../../src/contract/index.ts';
import { testCommand } from '../../../src/driver-testing/command-context.ts';
import { type RadioFixture, radioFixture } from '../../../test/kit/radio/radio-fixture.ts';
import { readBroadcastNoise, readLatest, readSoundSettings, withUpperLimit } from './codec.ts';
import { omronSound, settings } from './driver.ts';
import { SimulatedOmron } from './simulator.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

describe('the sensor’s bytes', () => {
  it('are read as the manual has them', () => {
    expect(readLatest(hex('05660894110a00010097270c1200000000860b'))).toEqual({
      noise: 46.2,
      batteryMillivolts: 2_950,
    });
    expect(readSoundSettings(hex('00d007d007d007d007581ba00f0601'))).toEqual({
      upperLimitEnabled: false,
      upperLimit: 70,
    });
  });

  it('65.00 dB is set as the sheet has it, and everything else stays', () => {
    const factory = hex('00d007d007d007d007581ba00f0601');
    expect(withUpperLimit(factory, 65).toString('hex')).toBe('10d007d007d007d0076419a00f0601');
    expect(withUpperLimit(hex('3fd007d007d007d0076419a00f0601'), undefined).readUInt8(0)).toBe(0x2f);
  });

  it('of another length or maker are not taken', () => {
    expect(() => readLatest(Buffer.alloc(18))).toThrow('18 bytes');
    expect(() => readSoundSettings(Buffer.alloc(3))).toThrow('3 bytes');
    expect(readBroadcastNoise(Buffer.alloc(22))).toBeUndefined();
    expect(readBroadcastNoise(hex('d502'))).toBeUndefined();
  });
});

describe('the sensor on the air', () => {
  let radio: RadioFixture;
  let sensor: SimulatedOmron;
  let device: Device;
  let reports: DeviceReport[];
  let address: string;
  let level: number;

  async function build(chosen: Partial<ReturnType<typeof settings.parse>> = {}) {
    radio = await radioFixture();
    level = 41.5;
    sensor = new SimulatedOmron({ level: () => level, broadcasts: chosen.levels === 'broadcast' });
    ({ address } = await radio.serve(sensor));
    await radio.up();
    reports = [];
    device = await openDevice(
      omronSound,
      radio.adapter.link({ address, addressType: 'public' }, 'Hall'),
      settings.parse({ interval_s: 10, ...chosen }),
      {
        ...{ deviceId: 'hall', name: 'Hall', clock: radio.clock, random: radio.random, log: radio.log },
        randomBytes: (length) => new Uint8Array(length),
        report: (report) => reports.push(report),
      },
    );
  }

  afterEach(async () => {
    await device.close();
    await radio.close();
  });

  const levels = () => reports.flatMap((report) => (report.kind === 'noise' ? [report.level] : []));
  const healths = () => reports.flatMap(({ ...report }) => (report.kind === 'health' ? [report.health.status] : []));

  async function threshold(limit: number | undefined) {
    const command = testCommand({ clock: radio.clock, sendByMs: 45_000, deadlineMs: 60_000 });
    const { noise } = device;
    const done =
      limit === undefined
        ? noise?.clearThreshold?.(command.ctx)
        : noise?.setThreshold?.(command.ctx, { level: limit as Decibels });
    const result = await radio.clock.until(Promise.resolve(done).catch((error: unknown) => error as GatewayError));
    command.end();
    return { result, permits: command.permits };
  }

  it('tells its level in time, and its battery', async () => {
    await build();
    await radio.clock.advance(12_000);
    level = 66.25;
    sensor.batteryLow = true;
    await radio.clock.advance(20_000);
    expect(levels()).toEqual([41.5, 66.25, 66.25]);
    expect(reports.findLast(({ kind }) => kind === 'battery')).toEqual({
      kind: 'battery',
      level: undefined,
      low: true,
    });
    expect(device.noise?.metric).toBe('dB');
    expect(radio.air.openLinks).toEqual([]);
  });

  it('that broadcasts is heard without a connection', async () => {
    await build({ levels: 'broadcast' });
    await radio.clock.advance(8_000);
    level = 71;
    sensor.update();
    await radio.clock.advance(8_000);
    expect(levels()).toContain(41.5);
    expect(levels().at(-1)).toBe(71);
    expect(radio.air.linksMade).toBe(0);
  });

  it.each(['read', 'broadcast'] as const)('that tells a measurement again has measured it once (%s)', async (way) => {
    await build({ levels: way });
    await radio.clock.advance(12_000);
    sensor.rest();
    const before = levels().length;
    await radio.clock.advance(120_000);
    expect(levels().length - before).toBeLessThanOrEqual(1);
    expect(reports.findLast(({ kind }) => kind === 'health')).toMatchObject({
      health: { status: 'offline', reason: 'not_answering', hint: expect.stringContaining('interval_s') },
    });
    sensor.measureAgain();
    level = 52;
    sensor.update();
    await radio.clock.advance(30_000);
    expect(levels().at(-1)).toBe(52);
    expect(healths().at(-1)).toBe('online');
  });

  it.each([0, -327.68, 327.67, 12])('whose level is none (%f dB) has told none', async (none) => {
    await build();
    await radio.clock.advance(12_000);
    const before = levels().length;
    level = none;
    await radio.clock.advance(60_000);
    expect(levels()).toHaveLength(before);
    expect(healths().at(-1)).toBe('offline');
  });

  it('a limit between its steps is held as near as it can', async () => {
    await build();
    expect((await threshold(55.555)).result).toBeUndefined();
    expect(sensor.upperLimit).toBeCloseTo(55.56, 2);
    // As it is already: nothing is sent.
    expect(await threshold(55.556)).toMatchObject({ result: undefined, permits: [] });
  });

  it('that is lost once the limit has left is read until it can be', async () => {
    await build();
    await radio.clock.advance(12_000);
    sensor.afterWrite = () => radio.air.find(address)?.mute(true);
    radio.clock.setTimer(() => radio.air.find(address)?.mute(false), 15_000);
    expect((await threshold(65)).result).toBeUndefined();
    sensor.afterWrite = () => radio.air.find(address)?.mute(true);
    expect((await threshold(55)).result).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
    radio.air.find(address)?.mute(false);
  });

  it('takes a threshold, and keeps it through a second one and its end', async () => {
    await build();
    expect((await threshold(65)).result).toBeUndefined();
    expect(sensor.upperLimit).toBe(65);
    expect((await threshold(55.5)).result).toBeUndefined();
    expect(sensor.upperLimit).toBe(55.5);
    expect((await threshold(undefined)).result).toBeUndefined();
    expect(sensor.upperLimit).toBeUndefined();
    const again = await threshold(undefined);
    expect(again).toMatchObject({ result: undefined, permits: [] });
  });

  it('that keeps another limit than it confirmed is not believed', async () => {
    await build();
    sensor.stubborn = true;
    expect((await threshold(65)).result).toMatchObject({ type: 'state_not_reached', delivery: 'maybe_sent' });
  });

  it('is not sent a limit it does not take', async () => {
    await build();
    const { result, permits } = await threshold(90);
    expect(result).toMatchObject({ type: 'device_rejected', delivery: 'not_sent' });
    expect(permits).toEqual([]);
  });

  it('out of range and back, adapter lost and found', async () => {
    await build();
    await radio.clock.advance(12_000);
    radio.air.find(address)?.mute(true);
    await radio.clock.advance(60_000);
    radio.air.find(address)?.mute(false);
    await radio.clock.advance(15_000);
    radio.bay.pullOut(0);
    await radio.clock.advance(3_000);
    radio.bay.plugIn('c0:b1:e1:ff:00:01');
    await radio.clock.advance(15_000);
    expect(healths().filter((status, at, all) => status !== all[at - 1])).toEqual([
      ...['online', 'offline', 'online', 'offline', 'online'],
    ]);
  });

  it('says nothing more once it was closed', async () => {
    await build();
    await radio.clock.advance(12_000);
    await device.close();
    await device.close();
    const before = reports.length;
    await radio.clock.advance(60_000);
    expect(reports).toHaveLength(before);
  });

  it('is recognised by its names', () => {
    const heard = { address: 'x', addressType: 'public' as const, rssi: 0, manufacturerData: undefined };
    const named = (localName: string) =>
      omronSound.recognise?.({ ...heard, localName, serviceUuids: [], serviceData: [] });
    expect(named('EnvSensor-BL01')?.what).toContain('2JCIE-BL01');
    expect(named('Environment')).toBeUndefined();
  });
});
