import { z } from 'zod';
import { InvalidInput, invalidInputFrom } from './invalid-input.ts';

/** The parameters of one route, checked. */
export type ParameterReader<Schema extends z.ZodObject> = (input: unknown) => z.output<Schema>;

const inPlainWords: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' && issue.input === undefined ? 'Required' : undefined;

/**
 * Makes the check for one route. `null` for an optional parameter is the same as leaving it out, unless the parameter
 * has a meaning for it: clients in several languages send one for the other.
 */
export function parameterReader<Schema extends z.ZodObject>(schema: Schema): ParameterReader<Schema> {
  // Found out when it is first asked for: most routes never are.
  let optional: ReadonlySet<string> | undefined;
  return (input) => {
    optional ??= optionalIn(schema);
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      throw new InvalidInput('The body must be a JSON object.');
    const read = schema.safeParse(withoutNulls(input as Record<string, unknown>, optional), { error: inPlainWords });
    if (!read.success) throw invalidInputFrom(read.error.issues);
    return read.data;
  };
}

function optionalIn(schema: z.ZodObject): ReadonlySet<string> {
  const optional = new Set<string>();
  for (const [name, parameter] of Object.entries(schema.shape))
    if (z.safeParse(parameter, undefined).success && !z.safeParse(parameter, null).success) optional.add(name);
  return optional;
}

function withoutNulls(input: Record<string, unknown>, optional: ReadonlySet<string>): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const name in input)
    if (input[name] === null && optional.has(name)) {
      copy ??= { ...input };
      delete copy[name];
    }
  return copy ?? input;
}
