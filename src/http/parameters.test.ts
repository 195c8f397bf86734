import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fc } from '../../test/kit/seeded-properties.ts';
import { parameterReader } from './route.ts';

const schemas = {
  texts: z.strictObject({ device_id: z.string(), sync: z.boolean().optional() }),
  both: z.strictObject({ device_id: z.string().describe('an id'), name: z.string().optional() }),
  filled: z.object({ name: z.string(), limit: z.number().default(100), order: z.string().default('asc') }),
  shaped: z.object({ name: z.string().trim(), word: z.enum(['a', 'b']).optional() }),
  nullable: z.object({ name: z.string().nullable().optional(), other: z.string() }),
  refined: z.object({ name: z.string(), other: z.string() }).refine(({ name, other }) => name !== other, 'differ'),
  long: z.object({ name: z.string().min(2), other: z.string().optional() }),
} as const;

const value = fc.oneof(fc.constantFrom('a', 'b', ' a ', '', 'door'), fc.constant(null), fc.boolean(), fc.nat());
const name = fc.constantFrom('device_id', 'sync', 'name', 'limit', 'order', 'word', 'other', 'unknown');
const anyInput = fc.dictionary(name, value, { maxKeys: 4 });

describe('parameters', () => {
  it.each(Object.entries(schemas))('that are plain texts are read as the library reads them: %s', (_, schema) => {
    const read = parameterReader(schema as z.ZodObject);
    fc.assert(
      fc.property(anyInput, (input) => {
        const texts = Object.values(input).every((one) => one !== null);
        const wanted = schema.safeParse(input);
        if (!texts) return;
        if (wanted.success) expect(read(input)).toEqual(wanted.data);
        else expect(() => read(input)).toThrow();
      }),
      { numRuns: 300 },
    );
  });
});
