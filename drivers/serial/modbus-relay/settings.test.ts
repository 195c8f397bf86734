import { describe, expect, it } from 'vitest';
import { fittingOf, settings } from './settings.ts';

const least = {
  profile: 'waveshare-8ch',
  channel: 1,
  lock_type: 'fail_secure',
  relay_contact: 'normally_open',
} as const;

const problems = (chosen: Record<string, unknown>) => {
  const parsed = settings.safeParse({ ...least, ...chosen });
  return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
};

describe('the settings', () => {
  it.each(['lock_type', 'relay_contact', 'channel', 'profile'])('never assume %s', (key) => {
    expect(settings.safeParse({ ...least, [key]: undefined }).success).toBe(false);
  });

  it('release for 5 s when nothing is said, and never shorter than asked', () => {
    expect(fittingOf(settings.parse(least))).toMatchObject({ releaseMs: 5000, releaseSteps: 50 });
    expect(fittingOf(settings.parse({ ...least, release_s: 2.51 }))).toMatchObject({ releaseMs: 2600 });
  });

  it('know what a board has', () => {
    expect(problems({ channel: 9 })).toEqual(['channel: must be at most 8: the board has no more relays']);
    expect(problems({ release_s: 61 })).toHaveLength(1);
    expect(problems({ door_contact: { input: 1, closed_when: 'on' } })).toEqual([
      'door_contact: this board has no inputs',
    ]);
    expect(problems({ profile: 'waveshare-8ch-io', door_contact: { input: 9, closed_when: 'on' } })).toEqual([
      'door_contact.input: must be at most 8: the board has no more inputs',
    ]);
    expect(problems({ profile: 'some-board' })).toHaveLength(1);
  });

  it('take the description of a board, and refuse a wiring that it cannot serve', () => {
    const profile = { channels: 4, coil_base: 1, pulse: { method: 'coil_word', on_base: 0x100 }, pulse_steps_max: 100 };
    expect(problems({ profile })).toEqual([]);
    expect(problems({ profile, release_s: 10.1 })).toEqual(['release_s: must be at most 10 for this board']);
    expect(problems({ profile, relay_contact: 'normally_closed' })).toEqual([
      'relay_contact: fail_secure on normally_closed is released by switching the relay off for a time, which this board cannot',
    ]);
    const { pulse: _, ...withoutTimer } = profile;
    expect(problems({ profile: withoutTimer })).not.toEqual([]);
  });
});
