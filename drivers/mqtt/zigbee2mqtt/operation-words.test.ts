import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { parseState } from './codec.ts';
import { methodOf, operationOf, programmingOf } from './slot-status.ts';

interface Words {
  readonly groups: readonly {
    readonly converter: string;
    readonly models: readonly string[];
    readonly words: readonly string[];
  }[];
  readonly meanings: Readonly<Record<string, object>>;
  readonly programming: Readonly<Record<string, boolean>>;
  readonly sources: Readonly<Record<string, string | null>>;
}

const words = JSON.parse(readFileSync(new URL('./vectors/converter-words.json', import.meta.url), 'utf8')) as Words;

describe.each(words.groups.filter((group) => group.words.length > 0))('$converter', ({ models, words: said }) => {
  it.each(said)(`of ${models.length} models: "%s"`, (word) => {
    expect(operationOf(word)).toEqual(words.meanings[word]);
    const occupied = words.programming[word];
    expect(programmingOf(word)).toEqual(occupied === undefined ? undefined : { occupied });
  });
});

it.each(Object.entries(words.sources))('the source "%s" is %s', (source, method) => {
  expect(methodOf(source)).toBe(method ?? undefined);
});

const event = (message: object) => parseState(Buffer.from(JSON.stringify(message)))?.event;

describe('who it was', () => {
  it.each([
    [
      { action: 'keypad_unlock', action_user: 3 },
      { method: 'keycode', slot: 3 },
    ],
    [
      { action: 'keypad_unlock', action_user: '3' },
      { method: 'keycode', slot: 3 },
    ],
    [
      { action: 'password_unlock', action_source_user: 12 },
      { method: 'keycode', slot: 12 },
    ],
    [
      { action: 'rfid_unlock', action_source_user: 4 },
      { method: 'card', slot: 4 },
    ],
    [
      { action: 'unlock', action_source: 0, action_user: 7 },
      { method: 'keycode', slot: 7 },
    ],
    [
      { action: 'unlock', action_source_name: 'keypad', action_user: 0 },
      { method: 'keycode', slot: 0 },
    ],
    [
      { action: 'fingerprint_unlock', action_source_user: 3 },
      { method: 'unknown', slot: undefined },
    ],
    [
      { action: 'unlock', action_source_name: 'touch_unlock', action_user: 3 },
      { method: 'unknown', slot: undefined },
    ],
    [
      { action: 'unlock', action_source: 1, action_user: 3 },
      { method: 'remote', slot: undefined },
    ],
    [
      { action: 'unlock_module', action_user: 3 },
      { method: 'remote', slot: undefined },
    ],
    [
      { action: 'manual_lock_key_or_thumbturn', action_user: 3 },
      { method: 'manual', slot: undefined },
    ],
    [
      { action: 'unlock', action_user: 3 },
      { method: 'unknown', slot: undefined },
    ],
    [
      { action: 'unlock', action_source_name: 'indeterminate', action_source: 4 },
      { method: 'unknown', slot: undefined },
    ],
  ])('%j', (message, expected) => {
    expect(event(message)).toMatchObject(expected);
  });

  it.each([65_535, 65_534, 1_000, 255, 254, 252, 251, -1, '65535'])('user %s is nobody', (user) => {
    expect(event({ action: 'keypad_unlock', action_user: user })).toMatchObject({ method: 'keycode', slot: undefined });
    expect(event({ action: 'pin_code_added', action_user: user })).toMatchObject({ slot: undefined });
  });

  it('whoever typed a code that nobody has is nobody, whatever number the lock adds', () => {
    const denied = event({ action: 'unlock_failure_invalid_pin_or_id', action_source: 0, action_user: 0 });
    expect(denied).toMatchObject({ operation: 'access_denied', method: 'keycode', slot: undefined });
  });

  it('is in the last unlock of a lock that keeps it in an attribute', () => {
    const message = parseState(
      Buffer.from(
        '{"last_unlock_source":"keypad","last_unlock_user":"3","last_lock_source":"self","last_lock_user":"0"}',
      ),
    );
    expect(message?.lastUnlock).toEqual({ method: 'keycode', slot: 3 });
    expect(message?.lastLock).toEqual({ method: 'manual', slot: undefined });
  });
});

it('any word is taken without a throw, and one without lock, bolt or code means nothing', () => {
  fc.assert(
    fc.property(fc.string(), (word) => {
      methodOf(word);
      programmingOf(word);
      const operation = operationOf(word);
      if (!/lock|open|latch|jam|block|stuck|fail|invalid|wrong|den|ref|rej|mism|match/i.test(word))
        expect(operation).toBeUndefined();
    }),
  );
});
