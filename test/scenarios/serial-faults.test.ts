import { describe, expect, it } from 'vitest';
import type { LineFault } from '../../drivers/serial/modbus/simulated-line.ts';
import { modbusNoise } from '../../drivers/serial/modbus-noise/driver.ts';
import { SimulatedNoiseTransmitter } from '../../drivers/serial/modbus-noise/simulator.ts';
import { modbusRelay } from '../../drivers/serial/modbus-relay/driver.ts';
import { SimulatedRelayBoard } from '../../drivers/serial/modbus-relay/simulator.ts';
import { coreFixture } from '../kit/gateway/core-fixture.ts';
import { serialLine } from '../kit/locks/serial-line-fixture.ts';

const READS = [1, 2];
const WRITES = [5];
const RELEASE_MS = 5_000;
/** Read by mistake, its address register looks like a level: 24.7 dB. */
const HALL = 247;

/** The whole core over the real bus: a door behind a relay board, and a noise transmitter on the same line. */
async function building(options: { readonly echo?: boolean } = {}) {
  const fixture = await serialLine(options);
  const { clock, line, bus } = fixture;
  const board = new SimulatedRelayBoard({ clock, unit: 1 });
  const transmitter = new SimulatedNoiseTransmitter({ unit: HALL });
  board.setInput(1, true);
  line.add(board);
  line.add(transmitter);
  const settings = modbusRelay.settings.parse({
    profile: 'waveshare-8ch-io',
    channel: 1,
    lock_type: 'fail_secure',
    relay_contact: 'normally_open',
    release_s: RELEASE_MS / 1000,
    door_contact: { input: 1, closed_when: 'on' },
  });
  const { core, origin, end } = coreFixture({
    clock,
    devices: [
      { slug: 'front', driver: modbusRelay, settings, link: bus.link(1) },
      {
        slug: 'hall',
        driver: modbusNoise,
        settings: modbusNoise.settings.parse({ profile: 's300nois' }),
        link: bus.link(HALL),
      },
    ],
  });
  await core.start();
  await clock.advance(1_500);
  /** Asks for an action and waits for the end of its attempt. */
  const door = async (action: 'lock' | 'unlock') => {
    const askedAt = clock.now();
    const accepted = await clock.until(core.doors[action]('front', origin()));
    const { settlement } = await clock.until(end(accepted));
    const tookMs = clock.now() - askedAt;
    if (settlement?.status === 'success')
      return { status: 'success', confirmed: settlement.result.was_confirmed_by_device, tookMs };
    return { status: 'error', type: settlement?.error.type, message: settlement?.error.message, tookMs };
  };
  const hall = () => core.devices.get('hall');
  const front = () => core.devices.get('front');
  return { ...fixture, board, transmitter, core, origin, end, door, hall, front };
}

type Building = Awaited<ReturnType<typeof building>>;

/** The line heals, and whatever is on has ended. */
async function heal({ line, board, clock }: Building): Promise<void> {
  line.behave();
  line.plug();
  if (!line.heard.some(({ unit }) => unit === 1)) line.add(board);
  await clock.advance(RELEASE_MS + 35_000);
}

async function expectNextCommandRight(site: Building): Promise<void> {
  await heal(site);
  const before = site.board.pulseCount;
  expect(await site.door('unlock')).toMatchObject({ status: 'success', confirmed: true });
  expect(site.board.pulseCount).toBe(before + 1);
  expect(await site.door('lock')).toMatchObject({ status: 'success', confirmed: true });
  expect(site.board.isOn(1)).toBe(false);
}

interface Row {
  readonly fault: LineFault;
  readonly on: readonly number[];
  readonly times?: number;
  /** How the attempt ends. */
  readonly ends: Record<string, unknown>;
  readonly pulses: number;
}

const offline = { status: 'error', type: 'device_offline' };
const confirmed = { status: 'success', confirmed: true };

const rows: readonly (readonly [name: string, row: Row])[] = [
  // The look before the command: one damaged answer is asked again, nothing has left yet.
  [
    'a read with a wrong checksum',
    { fault: { kind: 'wrong_checksum' }, on: READS, times: 1, ends: confirmed, pulses: 1 },
  ],
  ['reads with wrong checksums for ever', { fault: { kind: 'wrong_checksum' }, on: READS, ends: offline, pulses: 0 }],
  ['reads answered by the wrong unit', { fault: { kind: 'wrong_unit', unit: 3 }, on: READS, ends: offline, pulses: 0 }],
  [
    'reads with a wrong byte count and a valid checksum',
    { fault: { kind: 'wrong_byte_count' }, on: READS, ends: offline, pulses: 0 },
  ],
  [
    'reads refused as busy once',
    { fault: { kind: 'exception', code: 6 }, on: READS, times: 1, ends: confirmed, pulses: 1 },
  ],
  [
    'reads refused for their address',
    { fault: { kind: 'exception', code: 2 }, on: READS, ends: { status: 'error', type: 'misconfigured' }, pulses: 0 },
  ],
  [
    'noise before every answer',
    { fault: { kind: 'noise_before', bytes: [0, 1, 5, 2] }, on: [...READS, ...WRITES], ends: confirmed, pulses: 1 },
  ],
  [
    'every answer in two pieces',
    { fault: { kind: 'split', afterBytes: 3, pauseMs: 15 }, on: [...READS, ...WRITES], ends: confirmed, pulses: 1 },
  ],
  // The command itself: it has left, so it is never repeated, and reads tell what became of it.
  [
    'a command with a wrong checksum in its answer',
    { fault: { kind: 'wrong_checksum' }, on: WRITES, ends: confirmed, pulses: 1 },
  ],
  [
    'a command answered by the wrong unit',
    { fault: { kind: 'wrong_unit', unit: 3 }, on: WRITES, ends: confirmed, pulses: 1 },
  ],
  [
    'a command whose answer is cut off',
    { fault: { kind: 'truncated', bytes: 5 }, on: WRITES, ends: confirmed, pulses: 1 },
  ],
  ['a command whose answer is lost', { fault: { kind: 'reply_lost' }, on: WRITES, ends: confirmed, pulses: 1 }],
  [
    'a command answered just after the timeout',
    { fault: { kind: 'late', ms: 320 }, on: WRITES, ends: confirmed, pulses: 1 },
  ],
  [
    'a command that did not arrive',
    { fault: { kind: 'request_lost' }, on: WRITES, ends: { status: 'error', type: 'state_not_reached' }, pulses: 0 },
  ],
  [
    'a command refused as busy once',
    { fault: { kind: 'exception', code: 6 }, on: WRITES, times: 1, ends: confirmed, pulses: 1 },
  ],
  [
    'a command refused as busy for ever',
    { fault: { kind: 'exception', code: 6 }, on: WRITES, ends: { status: 'error', type: 'device_busy' }, pulses: 0 },
  ],
  [
    'a command refused for its address',
    {
      fault: { kind: 'exception', code: 2 },
      on: WRITES,
      ends: { status: 'error', type: 'device_rejected' },
      pulses: 0,
    },
  ],
];

describe('UNLOCK over a faulty serial line', () => {
  it.each(rows)('%s: the attempt tells the truth, and the next command is right', async (_name, row) => {
    const site = await building();
    const { line, board, door } = site;
    line.misbehave(row.fault, { unit: 1, functionCodes: row.on, ...(row.times && { times: row.times }) });
    expect(await door('unlock')).toMatchObject(row.ends);
    expect(board.pulseCount).toBe(row.pulses);
    await expectNextCommandRight(site);
  });

  it('an absent unit: offline, nothing sent, and nothing sent once it is back', async () => {
    const site = await building();
    const { line, board, clock, door, front } = site;
    line.remove(1);
    const ended = await door('unlock');
    expect(ended).toMatchObject(offline);
    expect(ended.message).toMatch(/^Door front: Unit 1 on serial line bus1 .*Check the unit's power/);
    expect(ended.tookMs).toBeLessThan(6_000);
    line.add(board);
    await clock.advance(60_000);
    expect(board.pulseCount).toBe(0);
    expect(front()?.health).toEqual({ status: 'online' });
    await expectNextCommandRight(site);
  });

  it('a late answer to a read just after the timeout: the next read is right', async () => {
    const site = await building();
    const { line, clock, transmitter, hall, door } = site;
    const polls = { unit: HALL, times: 1 };
    transmitter.hear(50);
    line.misbehave({ kind: 'late', ms: 495 }, polls);
    await clock.advance(1_100);
    transmitter.hear(80);
    await clock.advance(2_000);
    // 50 dB came late and is not taken for the 80 dB asked for afterwards.
    expect(hall()?.noise?.level).toBe(80);
    expect(await door('unlock')).toMatchObject(confirmed);
  });

  it('an adapter that echoes, and a unit that is absent: no success', async () => {
    const site = await building({ echo: true });
    expect(await site.door('unlock')).toMatchObject(confirmed);
    await site.clock.advance(10_000);
    site.line.remove(1);
    expect(await site.door('unlock')).toMatchObject(offline);
    expect(site.board.pulseCount).toBe(1);
    site.line.add(site.board);
    await site.clock.advance(40_000);
    // It goes just as the command is sent: its echo alone is heard, which looks like the answer.
    site.line.misbehave({ kind: 'request_lost' }, { unit: 1, functionCodes: WRITES });
    expect(await site.door('unlock')).toMatchObject({ status: 'error', type: 'state_not_reached' });
    expect(site.board.pulseCount).toBe(1);
    await expectNextCommandRight(site);
  });

  it.each([
    ['every 250 ms', 250, ['success', 'device_offline', 'outcome_unknown', 'state_not_reached']],
    ['all the time', 37, ['link_unavailable', 'device_offline']],
  ])('a second master that asks %s: answers may be lost, none is wrong', async (_name, everyMs, possible) => {
    const site = await building();
    const { clock, line, board, core, door } = site;
    const levels: number[] = [];
    core.devices.onReport((_snapshot, report) => {
      if (report.kind === 'noise') levels.push(report.level);
    });
    // It asks the same units for other things, whose answers have the same shape.
    for (let at = 0; at < 60_000; at += everyMs)
      clock.setTimer(
        () => line.askAsAnotherMaster((at / everyMs) % 2 ? [HALL, 3, 0x07, 0xd0, 0, 1] : [1, 2, 0, 0, 0, 8]),
        at,
      );
    const ends: unknown[] = [];
    for (let round = 0; round < 5; round++) {
      const { status, type } = await door('unlock');
      ends.push(type ?? status);
      await clock.advance(RELEASE_MS + 1_000);
    }
    expect(ends.filter((end) => !possible.includes(String(end)))).toEqual([]);
    expect(ends).toContain(possible[0]);
    expect(levels.filter((level) => level !== 42)).toEqual([]);
    expect(board.pulseCount).toBe(ends.filter((end) => end === 'success').length);
    await clock.advance(60_000);
    await expectNextCommandRight(site);
  });

  it('twelve commands at once: one exchange at a time, and each attempt ends right', async () => {
    const { clock, core, line, origin, end, board } = await building();
    const accepted = await clock.until(
      Promise.all(Array.from({ length: 12 }, () => core.doors.unlock('front', origin()))),
    );
    const ended = await clock.until(Promise.all(accepted.map(end)));
    expect(ended.map(({ settlement }) => settlement?.status)).toEqual(Array.from({ length: 12 }, () => 'success'));
    expect(board.pulseCount).toBe(12);
    // 8 bytes and their silence lie between two requests at the least: nothing was sent into an answer.
    const gaps = line.heard.slice(1).map(({ at }, index) => at - (line.heard[index]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(19.6);
  });
});

describe('the cable is pulled', () => {
  it.each([
    ['before the command left', READS, 700, { status: 'success', confirmed: true }, 1],
    ['while the answer was on its way, for 0.7 s', WRITES, 700, { status: 'success', confirmed: true }, 1],
    [
      'while the answer was on its way, for longer than the release',
      WRITES,
      8_000,
      { status: 'error', type: 'outcome_unknown' },
      1,
    ],
  ] as const)('%s', async (_name, on, awayMs, ends, pulses) => {
    const site = await building();
    const { clock, line, board, core, door } = site;
    line.misbehave({ kind: 'unplugged' }, { unit: 1, functionCodes: on, times: 1 });
    line.onUnplugged(() => clock.setTimer(() => line.plug(), awayMs));
    expect(await door('unlock')).toMatchObject(ends);
    expect(board.pulseCount).toBe(pulses);
    await clock.advance(20_000);
    expect(board.isOn(1)).toBe(false);
    expect(core.devices.get('front')?.health).toEqual({ status: 'online' });
    await expectNextCommandRight(site);
  });

  it('for good: every attempt ends in time, and nothing is kept for later', async () => {
    const site = await building();
    site.line.unplug();
    const ended = await site.door('unlock');
    expect(ended).toMatchObject({ status: 'error', type: 'link_unavailable' });
    expect(ended.message).toContain('Serial line bus1 is not open.');
    expect(ended.tookMs).toBeLessThan(10_000);
    site.line.plug();
    await site.clock.advance(60_000);
    expect(site.board.pulseCount).toBe(0);
    await expectNextCommandRight(site);
  });
});
