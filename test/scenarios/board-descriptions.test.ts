import { describe, expect, it } from 'vitest';
import { settings as noise } from '../../drivers/serial/modbus-noise/driver.ts';
import { settings as relay } from '../../drivers/serial/modbus-relay/settings.ts';
import { findingsOf, inPlainWords } from '../../src/config/findings-of-issues.ts';

const door = { channel: 1, lock_type: 'fail_secure', relay_contact: 'normally_open' };
const board = { channels: 16, pulse: { method: 'coil_word', on_base: 0x200 } };

const slips = (schema: typeof relay | typeof noise, settings: Record<string, unknown>) => {
  const parsed = schema.safeParse(settings, inPlainWords);
  return parsed.success
    ? []
    : findingsOf(schema, parsed.error).map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('a slip in the description of a board', () => {
  it.each([
    ['one key missing', { channels: 16 }, ['profile.pulse: is missing.']],
    ['a number as text', { ...board, channels: '16' }, ['profile.channels: must be a number, but is text.']],
    [
      'two slips, each named',
      { ...board, channels: 0, coil_base: -1 },
      ['profile.channels: must be at least 1.', 'profile.coil_base: must be at least 0.'],
    ],
    [
      'many slips at once',
      { channels: 0, coil_base: -1, on_word: 70_000, off_word: -1, pulse: { method: 'coil_word', on_base: -1 } },
      ['profile.channels', 'profile.coil_base', 'profile.on_word', 'profile.off_word', 'profile.pulse.on_base'],
    ],
    ['a key nobody knows', { ...board, coils: 16 }, ['profile.coils: unknown key; known here: ']],
    [
      'a pulse of no known method',
      { ...board, pulse: { method: 'toggle' } },
      ['profile.pulse.method: must be one of coil_word, register_word, two_registers.'],
    ],
    [
      'a key of the pulse',
      { ...board, pulse: { method: 'register_word', on_base: 1 } },
      ['profile.pulse.on_command: ', 'profile.pulse.on_base: unknown key; known here: '],
    ],
    [
      'a function that switches nothing',
      { ...board, function_code: 15 },
      ['profile.function_code: must be one of 5, 6.'],
    ],
  ])('of relays is named by its key: %s', (_name, profile, expected) => {
    const found = slips(relay, { ...door, profile });
    expect(found).toHaveLength(expected.length);
    for (const [index, words] of expected.entries()) expect(found[index]).toContain(words);
  });

  it('of a transmitter is named by its key', () => {
    expect(slips(noise, { profile: { register: 0 } })).toEqual(['profile.scale: is missing.']);
    expect(
      slips(noise, { profile: { register: -1, scale: 0, function_code: 7 } }).map((said) => said.split(':')[0]),
    ).toEqual(['profile.function_code', 'profile.register', 'profile.scale']);
  });

  it('of a name is answered by the names', () => {
    expect(slips(relay, { ...door, profile: 'waveshare-9ch' })).toEqual([
      expect.stringMatching(/^profile: must be one of waveshare-8ch, .*ryn4-8ch\.$/),
    ]);
  });

  it.each([4, 8, 16, 32])('does not stand in a board of %i relays', (channels) => {
    expect(slips(relay, { ...door, channel: channels, profile: { ...board, channels } })).toEqual([]);
    expect(slips(relay, { ...door, channel: channels + 1, profile: { ...board, channels } })).toEqual([
      `channel: must be at most ${channels}: the board has no more relays.`,
    ]);
  });

  it('leaves a timeout of several seconds possible', () => {
    expect(slips(relay, { ...door, profile: board, reply_timeout_ms: 5_000 })).toEqual([]);
    expect(slips(noise, { profile: 's300nois', reply_timeout_ms: 5_000 })).toEqual([]);
  });
});
