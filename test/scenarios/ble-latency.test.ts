import { expect, it, onTestFinished } from 'vitest';
import type { AirOptions } from '../../src/simulation/radio/air.ts';
import { nukiBuilding } from '../kit/locks/nuki-building.ts';

/*
 * What a door command takes on a link whose connection events are 15 ms apart, in connection events: no machine's load
 * changes that. An answer leaves one event after what it answers, so a round trip takes two.
 *
 * The protocol's own minimum is 16: the MTU, two subscriptions, the challenge, the action with its ACCEPTED, and three
 * indications (moving, moved, COMPLETE), each of which waits for the confirmation of the one before.
 */

const INTERVAL_MS = 15;
const MINIMUM = 16;
/** noble reads what a characteristic's subscription is before it writes it: one round trip for each of the two. */
const OF_NOBLE = 4;

const controllers: readonly (readonly [string, AirOptions['aclBuffers'], number])[] = [
  ['the smallest buffers there are: two messages wait for room', { length: 27, count: 4 }, MINIMUM + OF_NOBLE + 2],
  ['buffers that hold a message', { length: 251, count: 8 }, MINIMUM + OF_NOBLE],
];

it.each(controllers)('connection events of a door command with %s', async (_what, aclBuffers, expected) => {
  const building = await nukiBuilding({
    lock: { times: { startMs: 0, moveMs: 0 } },
    air: { pacing: 'events', advertisingIntervalMs: 20, ...(aclBuffers && { aclBuffers }) },
    adapter: { timings: { intervalMs: [INTERVAL_MS, INTERVAL_MS] } },
  });
  onTestFinished(() => building.close());
  const { air, clock } = building;
  // The services are remembered from the read that every lock gets when its device is opened.
  for (const action of ['unlock', 'lock', 'unlock', 'lock'] as const) {
    let over = false;
    const ending = building.command(action).finally(() => {
      over = true;
    });
    while (air.openLinks.length === 0) await clock.advance(1);
    const [link] = air.openLinks;
    const stood = clock.now();
    while (!over) await clock.advance(1);
    expect(await ending).toMatchObject({ status: 'success', confirmed: true });
    expect((link?.eventsUsed[0] ?? 0) + (link?.eventsUsed[1] ?? 0)).toBe(expected);
    expect(Math.round((clock.now() - stood) / INTERVAL_MS)).toBe(expected);
  }
});
