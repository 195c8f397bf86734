import { expect } from 'vitest';
import type { Device, DeviceReport } from '../contract/index.ts';
import type { TestClock } from './driver-harness.ts';
import { type Runner, vitestRunner } from './runner.ts';

/** One noise sensor with its driver and simulator, fresh for each test. It is online, in a quiet room. */
export interface SensorHarness {
  readonly clock: TestClock;
  readonly device: Device;
  readonly reports: readonly DeviceReport[];
  /** It is so loud now, in decibels. */
  measure(level: number): void;
  /** The way between driver and hardware. */
  readonly way: { cut(): void; restore(): void };
  /** Ends the simulator. What is then still armed or attached was left by the driver. */
  stopHardware(): Promise<void>;
  /** Timers, listeners, subscriptions. */
  leftovers(): number;
}

export interface SensorSuite {
  readonly title: string;
  /** @param when `opened`: at the very moment that `open` resolved; otherwise once everybody has found each other. */
  make(when?: 'opened'): Promise<SensorHarness>;
}

/** What every driver of a noise sensor owes the core, checked with its own simulator. */
export function describeSensor(suite: SensorSuite, { describe, it, beforeEach }: Runner = vitestRunner): void {
  describe(`${suite.title}: the sensor contract`, () => {
    let h: SensorHarness;
    beforeEach(async () => {
      h = await suite.make();
    });

    const levels = () => h.reports.flatMap((report) => (report.kind === 'noise' ? [report.level] : []));
    const health = () => h.reports.findLast((report) => report.kind === 'health')?.health;
    const interval = () => h.device.noise?.expectedIntervalMs ?? Number.NaN;

    /** It measures this, until the driver has had two usual intervals to tell it. */
    async function measured(level: number): Promise<void> {
      h.measure(level);
      await h.clock.advance(2 * interval());
    }

    it('says what it measures in, and can nothing else', () => {
      expect(h.device.noise?.metric).toMatch(/./);
      expect(interval()).toBeGreaterThan(0);
      expect(h.device.lock).toBeUndefined();
      expect(h.device.accessCodes).toBeUndefined();
    });

    it('tells each level as a number in its own metric, and is online', async () => {
      for (const level of [38.5, 83.2, 41]) {
        await measured(level);
        expect(levels().at(-1)).toBeCloseTo(level, 1);
      }
      for (const report of h.reports) if (report.kind === 'noise') expect(report.metric).toBe(h.device.noise?.metric);
      expect(health()).toEqual({ status: 'online' });
    });

    it('makes no level up while nothing reaches it, and says that it is offline and what to do', async () => {
      await measured(50);
      h.way.cut();
      await h.clock.advance(10);
      const count = levels().length;
      await measured(90);
      await h.clock.advance(60_000);
      expect(levels()).toHaveLength(count);
      expect(health()).toMatchObject({ status: 'offline', hint: expect.stringMatching(/\.$/) });
    });

    it('comes back with what is measured then', async () => {
      h.way.cut();
      await h.clock.advance(60_000);
      h.measure(77.7);
      h.way.restore();
      await h.clock.advance(60_000);
      await measured(77.7);
      expect(health()).toEqual({ status: 'online' });
      expect(levels().at(-1)).toBeCloseTo(77.7, 1);
    });

    it('tells nothing after its end, which may come twice, and leaves nothing behind', async () => {
      await measured(50);
      await h.device.close();
      await h.device.close();
      const count = h.reports.length;
      await measured(90);
      expect(h.reports).toHaveLength(count);
      await h.stopHardware();
      expect(h.leftovers()).toBe(0);
    });

    it('may end as soon as it was opened, and while nothing reaches it', async () => {
      h = await suite.make('opened');
      await h.device.close();
      await h.stopHardware();
      expect(h.leftovers()).toBe(0);
      h = await suite.make();
      h.way.cut();
      await h.clock.advance(1_000);
      await h.device.close();
      await h.stopHardware();
      expect(h.leftovers()).toBe(0);
    });
  });
}
