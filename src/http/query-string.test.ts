import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { queryDecoder } from './query-string.ts';

const decode = queryDecoder(
  z.object({
    id: z.string(),
    ids: z.array(z.string()).optional(),
    levels: z.array(z.number()).optional(),
    limit: z.number().int().optional(),
    sync: z.boolean().nullish(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    flags: z.record(z.string(), z.boolean()).optional(),
  }).shape,
);

describe('the encoding of the official clients', () => {
  test.each([
    [{ id: '7' }, { id: '7' }],
    [{ _strict: 'true', id: 'a' }, { id: 'a' }],
    [{ ids: ['a', 'b'] }, { ids: ['a', 'b'] }],
    [{ ids: 'a' }, { ids: ['a'] }],
    [{ ids: '' }, { ids: [] }],
    [{ levels: ['1', '2.5'] }, { levels: [1, 2.5] }],
    [{ id: '' }, { id: null }],
    [{ limit: '25' }, { limit: 25 }],
    [{ limit: '-1' }, { limit: -1 }],
    [{ sync: 'false' }, { sync: false }],
    [{ 'metadata.room': '12', 'metadata.floor': '' }, { metadata: { room: '12', floor: null } }],
    [{ 'flags.vip': 'true' }, { flags: { vip: true } }],
  ])('%j', (query, expected) => {
    expect(decode(query as Record<string, string | string[]>)).toEqual(expected);
  });

  test.each([
    [{ limit: 'many' }, { limit: 'many' }],
    [{ limit: '0x10' }, { limit: '0x10' }],
    [{ limit: '1e3' }, { limit: '1e3' }],
    [{ limit: '9'.repeat(400) }, { limit: '9'.repeat(400) }],
    [{ sync: 'yes' }, { sync: 'yes' }],
    [{ id: ['a', 'b'] }, { id: ['a', 'b'] }],
  ])('what cannot be read as its type is left for validation to name: %j', (query, expected) => {
    expect(decode(query as Record<string, string | string[]>)).toEqual(expected);
  });

  test('names of the language’s own do no harm', () => {
    const query = JSON.parse('{"__proto__":"x","metadata.__proto__":"x","constructor":"x","id.__proto__.y":"1"}');
    const decoded = decode(query);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(decoded).toEqual({ constructor: 'x', metadata: {}, id: {} });
    expect(({} as Record<string, unknown>).y).toBeUndefined();
  });
});
