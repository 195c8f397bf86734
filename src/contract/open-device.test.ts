import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ScriptedLock } from '../../test/kit/locks/scripted-lock.ts';
import { silentLog } from '../driver-testing/command-context.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { type Device, defineDriver, openDevice } from './index.ts';

describe('an open device', () => {
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
      const opened = await openDevice(driver, new ScriptedLock().link, undefined, {
        deviceId: 'told',
        name: 'Told',
        clock: new SimulatedClock(),
        random: () => 0,
        randomBytes: (length) => new Uint8Array(length),
        log: silentLog,
        report: () => undefined,
      });
      expect(opened).toEqual({ ...told, close: expect.any(Function) });
    }
  });
});

const never = new Promise<never>(() => undefined);
