import type { CommandOptions } from './command-context.ts';
import type { DriverHarness, DriverSuite } from './driver-harness.ts';
import { withinBounds } from './simulated-clock.ts';

/** How a door command ended: a success that was confirmed, one that was not, or its error. */
export type DoorEnd = 'confirmed' | 'done' | { readonly error: unknown };

/** One door command as the core gives it, and its end. It begins at once; the test moves the clock. */
export async function askDoor(
  h: DriverHarness,
  { door }: Pick<DriverSuite, 'door'>,
  action: 'lock' | 'unlock',
  more: Partial<CommandOptions> = {},
): Promise<DoorEnd> {
  const command = h.command({ ...door, ...more });
  const work = h.device.lock?.[action](command.ctx) ?? Promise.reject(new Error('the device has no lock'));
  const end = await h.clock.until(
    withinBounds(h.clock, work).then(
      ({ wasConfirmedByDevice }): DoorEnd => (wasConfirmedByDevice ? 'confirmed' : 'done'),
      (error: unknown): DoorEnd => ({ error }),
    ),
  );
  command.end();
  return end;
}
