import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ScriptedLock } from '../../test/kit/locks/scripted-lock.ts';
import { silentLog } from '../driver-testing/command-context.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { type Device, defineDriver, openDevice } from './index.ts';

describe('an open device', () => {
  test('is of one shape with every other, whatever it can do, and so is what its driver is given', async () => {
    const given: unknown[] = [];
    const able: Omit<Device, 'close'>[] = [
      {},
      { serialNumber: '1' },
      { noise: { metric: 'dBA', expectedIntervalMs: 1 } },
    ];
    const opened = await Promise.all(
      able.map((device) => {
        const driver = defineDriver({
          id: 'mqtt/told',
          title: 'One that can do something',
          link: 'mqtt',
          settings: z.unknown(),
          describe: () => ({ deviceType: 'told', manufacturer: 'test', model: 'test' }),
          open: async (_link, _settings, ctx) => {
            given.push(ctx);
            return { ...device, close: async () => undefined };
          },
        });
        return openDevice(driver, new ScriptedLock().link, undefined, terms);
      }),
    );
    for (const objects of [opened, given]) for (const one of objects) expect(haveSameShape(one, objects[0])).toBe(true);
    expect(haveSameShape(opened[0], given[0])).toBe(false);
  });

  test('has everything that its driver said, whether it is a value or an object of a class', async () => {
    const told: Required<Omit<Device, 'close'>> = {
      lock: { observes: 'nothing', lock: () => never, unlock: () => never },
      accessCodes: {
        observes: 'nothing',
        rules: { lengths: [4], digits: '0', slots: 'device', nativeSchedule: false, readCost: 'cheap' },
        set: () => never,
        clear: () => never,
      },
      autoLock: { delays: undefined, configure: () => never, read: () => never },
      noise: { metric: 'dBA', expectedIntervalMs: 1 },
      serialNumber: '0815',
      isBehindBridge: true,
    };
    class Opened {}
    for (const [name, value] of Object.entries(told))
      Object.defineProperty(Opened.prototype, name, { get: () => value });
    for (const device of [told, new Opened()]) {
      const driver = defineDriver({
        id: 'mqtt/told',
        title: 'One that says everything',
        link: 'mqtt',
        settings: z.unknown(),
        describe: () => ({ deviceType: 'told', manufacturer: 'test', model: 'test' }),
        open: async () => Object.assign(device, { close: async () => undefined }),
      });
      const opened = await openDevice(driver, new ScriptedLock().link, undefined, terms);
      expect(opened).toEqual({ ...told, close: expect.any(Function) });
    }
  });
});

const terms: Parameters<typeof openDevice>[3] = {
  deviceId: 'told',
  name: 'Told',
  clock: new SimulatedClock(),
  random: () => 0,
  randomBytes: (length) => new Uint8Array(length),
  log: silentLog,
  report: () => undefined,
};

/** Whether the engine has one hidden class for both. */
function haveSameShape(one: unknown, other: unknown): boolean {
  setFlagsFromString('--allow-natives-syntax');
  return runInThisContext('(one, other) => %HaveSameMap(one, other)')(one, other);
}

const never = new Promise<never>(() => undefined);
