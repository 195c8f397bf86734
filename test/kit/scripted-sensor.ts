import { z } from 'zod';
import { type Decibels, type DeviceReport, defineDriver } from '../../src/contract/index.ts';
import { ScriptedLock } from './scripted-lock.ts';

/** A noise sensor that hears what the test tells it. */
export class ScriptedSensor {
  report: (report: DeviceReport) => void = () => {};
  readonly link = new ScriptedLock().link;
  readonly driver = defineDriver({
    id: 'mqtt/scripted-sensor',
    title: 'A sensor that hears what a test says',
    link: 'mqtt',
    settings: z.unknown(),
    describe: () => ({ deviceType: 'noise_sensor', manufacturer: 'test', model: 'scripted' }),
    limits: { door: { sendByMs: 1, deadlineMs: 2 }, code: { sendByMs: 1, deadlineMs: 2 } },
    open: async (_link, _settings, ctx) => {
      this.report = ctx.report;
      return { noise: { metric: 'LAeq' as const, expectedIntervalMs: 1_000 }, close: async () => {} };
    },
  });

  hear(level: number): void {
    this.report({ kind: 'noise', level: level as Decibels, metric: 'LAeq' });
  }
}
