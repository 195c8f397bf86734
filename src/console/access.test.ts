import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { AccessCode } from './objects.ts';

// What the page's languages look into when they are loaded.
let access: typeof import('./access.ts');
beforeAll(async () => {
  vi.stubGlobal('localStorage', { getItem: () => 'en' });
  access = await import('./access.ts');
});
afterAll(() => {
  vi.unstubAllGlobals();
});

const now = Date.parse('2026-03-01T12:00:00Z');
const at = (hours: number) => new Date(now + hours * 3_600_000).toISOString();

const groupsOf = (code: Partial<AccessCode>): string[] => {
  const whole = {
    access_code_id: 'a',
    device_id: 'd',
    name: 'Ana',
    status: 'removing',
    errors: [],
    warnings: [],
    ...code,
  };
  const lists = { codes: { access_codes: [whole], set_since: {} }, grants: [], people: [], spaces: [] };
  const groups = access.sorted(access.accessesOf(lists as unknown as import('./access.ts').AccessLists), now);
  return Object.entries(groups).flatMap(([name, those]) => (those.length > 0 ? [name] : []));
};

it.each([
  ['that was put off is to come', { starts_at: at(3), ends_at: at(9) }, 'updating_time_frame', 'next'],
  ['that is deleted before its time ends', { starts_at: at(3), ends_at: at(9) }, 'deleting', 'ending'],
  ['that is deleted within its time ends', { starts_at: at(-3), ends_at: at(9) }, 'deleting', 'ending'],
  ['whose time is over ends', { starts_at: at(-3), ends_at: at(-1) }, 'deleting', 'ending'],
])('a code that is being taken off its lock, and %s', (_, times, mutation_code, group) => {
  expect(groupsOf({ ...times, pending_mutations: [{ mutation_code, message: '' }] })).toEqual([group]);
});
