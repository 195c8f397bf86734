import { z } from 'zod';
import { type CommandContext, type Decibels, type DeviceReport, defineDriver } from '../../../src/contract/index.ts';
import { ScriptedLock } from '../locks/scripted-lock.ts';

/** A noise sensor that hears what the test tells it. */
export class ScriptedSensor {
  readonly intervalMs: number;
  report: (report: DeviceReport) => void = () => {};
  /** Present when the sensor keeps a limit of its own: what it does when it is given one, or undefined to clear it. */
  limit: ((level: number | undefined, ctx: CommandContext) => Promise<void>) | undefined;
  readonly link = new ScriptedLock().link;
  readonly driver = defineDriver({
    id: 'mqtt/scripted-sensor',
    title: 'A sensor that hears what a test says',
    link: 'mqtt',
    settings: z.unknown(),
    describe: () => ({ deviceType: 'noise_sensor', manufacturer: 'test', model: 'scripted' }),
    limits: { door: { sendByMs: 1, deadlineMs: 2 }, code: { sendByMs: 5_000, deadlineMs: 10_000 } },
    open: async (_link, _settings, ctx) => {
      this.report = ctx.report;
      const { limit } = this;
      return {
        noise: {
          metric: 'LAeq' as const,
          expectedIntervalMs: this.intervalMs,
          ...(limit && {
            setThreshold: (command, { level }) => limit(level, command),
            clearThreshold: (command) => limit(undefined, command),
          }),
        },
        close: async () => {},
      };
    },
  });

  /** @param intervalMs how often it usually speaks */
  constructor(intervalMs = 1_000) {
    this.intervalMs = intervalMs;
  }

  hear(level: number): void {
    this.report({ kind: 'noise', level: level as Decibels, metric: 'LAeq' });
  }
}
