import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { eventTypes, isKnownEventType } from '../../src/model/event-catalogue.ts';

const text = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');

describe('docs/events.md', () => {
  test('has every event once, with when it happens, and no other', () => {
    const rows = text
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .filter(([, name = '']) => /^`[a-z_]+(\.[a-z_]+)+`$/.test(name))
      .map(([, name = '', when]) => [name.replaceAll('`', ''), when]);
    const sorted = (pairs: readonly (readonly (string | undefined)[])[]) => [...pairs].sort();
    expect(sorted(rows)).toEqual(sorted(Object.entries(eventTypes)));
  });
});

describe('an event type that may be asked for', () => {
  test('is each that the official client knows', () => {
    const declared = readFileSync(
      new URL('../../node_modules/@seamapi/http/lib/routes/events/events.d.ts', import.meta.url),
      'utf8',
    );
    const types = new Set([...declared.matchAll(/'([a-z_]+\.[a-z_.]+)'/g)].map(([, type]) => type ?? ''));
    expect(types.size).toBeGreaterThan(80);
    expect([...types].filter((type) => !isKnownEventType(type))).toEqual([]);
  });

  test.each(['lock.locked', 'strikeplate.door.forced', 'device.doorbell_rang', 'connected_account.connected'])(
    '%s',
    (type) => expect(isKnownEventType(type)).toBe(true),
  );
  test.each(['lock.bent', 'strikeplate.door', 'strikeplate', '*', '', '5829', 'device.toString', 'constructor'])(
    'not %s',
    (type) => expect(isKnownEventType(type)).toBe(false),
  );
});
