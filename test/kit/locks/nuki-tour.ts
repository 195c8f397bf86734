import { expect } from 'vitest';
import { nuki } from '../../../drivers/ble/nuki/driver.ts';
import { settings } from '../../../drivers/ble/nuki/settings.ts';
import type { SimulatedNuki } from '../../../drivers/ble/nuki/simulator.ts';
import { type BleLink, type Clock, type DeviceReport, openDevice, Secret, sleep } from '../../../src/contract/index.ts';
import { silentLog, testCommand } from '../../../src/driver-testing/command-context.ts';

/** Where the tour takes place. */
export interface TourWorld {
  readonly clock: Clock;
  readonly link: BleLink;
  readonly lock: SimulatedNuki;
  readonly randomBytes: (length: number) => Uint8Array;
  /** How long a connection goes on after its session, in milliseconds: what the lock does then is told to nobody. */
  readonly lingersMs?: number;
  /** Lets time pass until the promise settles. */
  until<T>(promise: Promise<T>): Promise<T>;
}

/**
 * Everything a Nuki lock is for, once: pairing, unlocking, locking, a code with times, weekdays and hours, listing and
 * deleting it, battery, and who opened.
 */
export async function nukiTour({ clock, link, lock, randomBytes, lingersMs = 0, until }: TourWorld): Promise<void> {
  lock.holdButton();
  const credentials = await until(
    nuki.pairing?.pair(link, {
      ...{ clock, randomBytes, log: silentLog, signal: new AbortController().signal, ownName: 'Strikeplate tour' },
      answers: new Map([
        ['pin', new Secret('1234')],
        // An app is told of a first change alone until a bridge has read it, and waits for its turn with the others.
        ['authorize_as', new Secret('bridge')],
      ]),
    }) ?? Promise.reject(new Error('no pairing')),
  );
  expect(lock.authorizations).toMatchObject([{ name: 'Strikeplate tour' }]);

  const reports: DeviceReport[] = [];
  const device = await openDevice(nuki, link, settings.parse({ keypad: true }), {
    ...{ deviceId: 'front', name: 'Front door', clock, random: () => 0, randomBytes, log: silentLog, credentials },
    report: (report) => reports.push(report),
  });
  try {
    // It reads the lock's log by itself at first: what was before is no news, and must not be what comes below.
    while (reports.length === 0) await until(sleep(clock, 500));
    const run = async <T>(work: (ctx: ReturnType<typeof testCommand>['ctx']) => Promise<T> | undefined): Promise<T> => {
      const command = testCommand({ clock, sendByMs: 45_000, deadlineMs: 60_000 });
      try {
        return await until(work(command.ctx) ?? Promise.reject(new Error('the device cannot')));
      } finally {
        command.end();
      }
    };
    const { lock: door, accessCodes: codes } = device;
    expect(await run((ctx) => door?.unlock(ctx))).toEqual({ wasConfirmedByDevice: true });
    expect(await run((ctx) => door?.lock(ctx))).toEqual({ wasConfirmedByDevice: true });
    expect(lock.turns.map(({ to }) => to)).toEqual(['unlocked', 'locked']);

    const startsAt = Math.floor(clock.wallTime() / 1_000) * 1_000;
    const schedule = {
      startsAt,
      endsAt: startsAt + 3 * 86_400_000,
      weekly: { days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, untilMinute: 24 * 60 - 1 },
    };
    const write = { slot: undefined, label: 'sp-tour', code: new Secret('589472'), schedule };
    const { slot } = await run((ctx) => codes?.set(ctx, write));
    expect(lock.keypad.codes).toMatchObject([{ name: 'sp-tour', limits: { from: startsAt, weekdays: 0x7f } }]);
    expect(await run((ctx) => codes?.list?.(ctx))).toMatchObject([{ slot, label: 'sp-tour' }]);

    await until(sleep(clock, lingersMs));
    expect(lock.typeCode(589_472)).toBe(true);
    const heard = () =>
      reports.some((report) => report.kind === 'lock_operated' && report.method === 'keycode' && report.slot === slot);
    while (!heard()) await until(sleep(clock, 500));

    await run((ctx) => codes?.clear(ctx, slot));
    expect(lock.keypad.codes).toEqual([]);
    expect(reports).toContainEqual({ kind: 'battery', level: 0.8, low: false });
  } finally {
    await device.close();
  }
}
