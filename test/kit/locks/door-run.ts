import type { Device } from '../../../src/contract/index.ts';
import type { CommandOptions, TestCommand } from '../../../src/driver-testing/command-context.ts';
import type { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';

/** Asks a device for a door action and waits for its end. */
export const doorRun =
  (clock: SimulatedClock, device: Device, command: (more: Partial<CommandOptions>) => TestCommand) =>
  async (action: 'lock' | 'unlock', more: Partial<CommandOptions> = {}) => {
    const test = command(more);
    const startedAt = clock.now();
    const { lock } = device;
    if (lock === undefined) throw new Error('the device has no lock');
    const end = lock[action](test.ctx).then(
      (outcome) => ({ confirmed: outcome.wasConfirmedByDevice }),
      (error: unknown) => ({ error }),
    );
    const outcome = await clock.until(end);
    test.end();
    return { ...outcome, tookMs: clock.now() - startedAt, permits: test.permits };
  };
