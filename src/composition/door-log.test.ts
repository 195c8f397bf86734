import { pino } from 'pino';
import { expect, it } from 'vitest';
import { scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { sendAndHearNothing } from '../../test/kit/locks/scripted-lock.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { logDoors } from './gateway.ts';

it('says once of each door that it moved or did not, for whom, and under which attempt', async () => {
  const clock = new SimulatedClock();
  const { core, lock } = await scriptedCore({ clock, store: new MemoryStore({ clock, commitMs: () => 2 }) });
  const lines: Record<string, unknown>[] = [];
  logDoors(
    core.attempts,
    core.devices,
    pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) }),
  );
  const actor = { kind: 'api_key', keyId: 'key_1', name: 'booking', address: '::1' } as const;
  const ask = () => core.doors.unlock('front', { actor, receivedAt: clock.now() });
  const asked = ask();
  await clock.advance(1_000);
  const good = await asked;
  lock.script = sendAndHearNothing;
  const askedAgain = ask();
  await clock.advance(20_000);
  const bad = await askedAgain;
  const fields = { level: 30, notice: true, device: expect.any(String), by: 'booking' };
  expect(lines).toEqual([
    { ...fields, attempt: good.actionAttemptId, msg: expect.stringMatching(/ is unlocked$/) },
    { ...fields, attempt: bad.actionAttemptId, msg: expect.stringMatching(/: outcome_unknown, asked to be unlocked$/) },
  ]);
});
