import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { IdleMemory, tellLackOfRoom } from './housekeeping.ts';

const MIB = 1 << 20;

function site() {
  const clock = new SimulatedClock();
  const process = { heap: 60 * MIB, lives: 30 * MIB, collected: [] as number[] };
  const listeners = new Set<() => void>();
  const idle = new IdleMemory({
    clock,
    log: pino({ level: 'silent' }),
    memory: {
      limitBytes: 400 * MIB,
      heapBytes: () => process.heap,
      collect: async () => {
        process.collected.push(clock.now());
        process.heap = process.lives;
      },
    },
    onAttempt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const attempt = () => {
    for (const tell of listeners) tell();
  };
  return { clock, process, idle, attempt, listeners };
}

describe('what a start and a rush of commands took of memory', () => {
  it('is given back once the doors are quiet, and never while something is asked of one', async () => {
    const { clock, process, idle, attempt } = site();
    idle.start();
    for (let each = 0; each < 10; each++) {
      await clock.advance(1_500);
      attempt();
    }
    expect(process.collected).toEqual([]);
    await clock.advance(2_000);
    expect(process.collected).toHaveLength(1);
  });

  it('is left alone where it is little, and for ten minutes after each command', async () => {
    const { clock, process, idle, attempt } = site();
    idle.start();
    await clock.advance(5_000);
    expect(process.collected).toHaveLength(1);
    process.heap = 40 * MIB;
    attempt();
    await clock.advance(3_600_000);
    expect(process.collected).toHaveLength(1);
    process.heap = 60 * MIB;
    for (let each = 0; each < 6; each++) {
      attempt();
      await clock.advance(599_000);
    }
    expect(process.collected).toHaveLength(1);
    await clock.advance(1_000);
    expect(process.collected).toHaveLength(2);
    await clock.advance(3_600_000);
    expect(process.collected).toHaveLength(2);
  });

  it('is left alone where much lives, and a collection would take long', async () => {
    const { clock, process, idle, attempt } = site();
    idle.start();
    process.lives = 90 * MIB;
    process.heap = 96 * MIB;
    await clock.advance(5_000);
    expect(process.collected).toHaveLength(1);
    for (const [heap, times] of [
      [132 * MIB, 1],
      [138 * MIB, 2],
    ] as const) {
      process.heap = heap;
      attempt();
      await clock.advance(600_000);
      expect(process.collected).toHaveLength(times);
    }
  });

  it('stays as it is after the end', async () => {
    const { clock, process, idle, listeners } = site();
    idle.start();
    idle.close();
    await clock.advance(600_000);
    expect(process.collected).toEqual([]);
    expect(listeners.size).toBe(0);
  });

  it('is kept where doors would wait long for it', async () => {
    const { clock, process, idle } = site();
    process.heap = 161 * MIB;
    idle.start();
    await clock.advance(5_000);
    expect(process.collected).toEqual([]);
  });

  it.each([
    [100, 384, false],
    [4_000, 384, false],
    [10_000, 384, true],
    [10_000, 768, false],
  ])('is told to be too little: %i devices, %i MiB: %s', (devices, mib, isTold) => {
    const told: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => told.push(line) });
    tellLackOfRoom(log, mib * MIB, devices);
    expect(told.some((line) => line.includes('many-doors.conf'))).toBe(isTold);
  });
});
