import type { CommandOptions } from '../../../src/driver-testing/index.ts';
import { openLock, type Subjects, settle } from './announced-suite.ts';

export interface AnnouncedFixtureOptions extends Subjects {
  /** Default 2000: everybody has found each other, and the lock has told its state. */
  readonly settleMs?: 0 | 2_000;
}

/** A simulated lock that announces itself, and the driver that works it, on one simulated clock. */
export async function announcedLock({ settleMs = 2_000, ...subjects }: AnnouncedFixtureOptions = {}) {
  const opened = await openLock(subjects);
  const { clock, device, command, reports } = opened;
  const door = async (action: 'lock' | 'unlock', more: Partial<CommandOptions> = {}) => {
    const test = command(more);
    const capability = device.lock;
    if (capability === undefined) throw new Error('the device has no lock');
    const end = capability[action](test.ctx).then(
      (outcome) => ({ confirmed: outcome.wasConfirmedByDevice }),
      (error: unknown) => ({ error }),
    );
    const outcome: { readonly confirmed?: boolean; readonly error?: unknown } = await clock.until(end);
    test.end();
    return outcome;
  };
  if (settleMs > 0) await settle(opened);
  const health = () => reports.flatMap((report) => (report.kind === 'health' ? [report.health] : [])).at(-1);
  return { ...opened, door, health };
}
