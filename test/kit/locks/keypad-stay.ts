import { type AccessCodeSettings, usualSettings } from '../../../src/access-codes/settings.ts';
import { Secret } from '../../../src/contract/index.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { scriptedCore } from '../gateway/core-fixture.ts';
import { TimedKeypad, type TimedKeypadOptions } from './timed-keypad.ts';

export interface KeypadStayOptions extends Pick<TimedKeypadOptions, 'weeklyZone' | 'readCost'> {
  readonly startsAt?: number;
  readonly settings?: Partial<AccessCodeSettings>;
  readonly native?: boolean;
  readonly slots?: number;
  readonly showsCodes?: boolean;
}

/** A core with one keypad, ten seconds after its start, and the requests that tests make of it. */
export async function keypadStay({
  settings,
  native = false,
  slots = 6,
  showsCodes = true,
  startsAt,
  ...more
}: KeypadStayOptions = {}) {
  const clock = new SimulatedClock(startsAt);
  const keypad = new TimedKeypad({ clock, trueTime: () => clock.wallTime(), slots, native, showsCodes, ...more });
  const source = { right: startsAt !== undefined };
  const fixture = await scriptedCore({
    clock,
    keypad,
    accessCodes: { ...usualSettings, ...settings },
    timeSource: { isSynchronised: async () => source.right },
  });
  const { core, origin, end } = fixture;
  const codes = core.accessCodes;
  const create = (code: string | undefined, from?: number, until?: number, more: object = {}) =>
    codes.create(
      {
        deviceId: 'front',
        ...(code !== undefined && { code: new Secret(code) }),
        ...(from !== undefined && { startsAt: clock.wallTime() + from }),
        ...(until !== undefined && { endsAt: clock.wallTime() + until }),
        ...more,
      },
      origin(),
    );
  const digits = () => [...keypad.entries.values()].map((entry) => entry.digits).sort();
  const told = (accessCodeId: string) =>
    core.events
      .list({ limit: 200, accessCodeIds: [accessCodeId] })
      .map(({ eventType }) => eventType.replace('access_code.', ''));
  await clock.advance(10_000);
  return { ...fixture, clock, keypad, source, codes, create, digits, told, end };
}
